/* The write takes the very generation of the row, and none that is ahead of it. */
#define FAILOVERS 1
#define IN_TURN(r, n) (r.generation == (n) && !RESTS(r, n))
#include "../world.pml"
