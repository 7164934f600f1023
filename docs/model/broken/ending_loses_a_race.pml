/* The second write ends the row only where it still stands as it was judged. */
#define THIEVES 1
byte seen[5];
#define SHOW(who, n) seen[_pid] = row.generation
#define END_STOLEN row.ended = (row.ended || row.generation == seen[_pid])
#include "../world.pml"
