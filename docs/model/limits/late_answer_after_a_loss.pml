/* Two tabs, a key, and one lost answer. It is tried again within the leeway, and late enough that a
 * request and an answer more do not end within it. (Nobody else begins before the loss.) */
#define TABS 2
#define LOSSES 1
#define KEYED 1
#define IN_TIME 2
#define GOES_ON (row.generation < 3 && !row.ended && (row.generation == 0 || lost))
#include "../world.pml"
