/* The row's token comes again whenever it is presented, and not only within the leeway. */
#define RESTS(r, n) ((n) > 0)
#include "../world.pml"
