/* One key is sent with a token that rests, and with its exchange. The first answer replaces the key,
 * the second is lost. (After a repeat nobody goes on here: what may come of it is another limit.) */
#define TABS 2
#define LOSSES 1
#define KEYED 1
bool repeated = false;
#define ON_REPEAT repeated = true
#define GOES_ON (row.generation < EXCHANGES && !row.ended && !repeated)
#include "../world.pml"
