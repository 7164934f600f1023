/* The rest of the row's token holds up tokens that are ahead of the row, too. */
#define FAILOVERS 1
#define IN_TURN(r, n) (r.generation <= (n) && !RESTS(r, n))
#include "../world.pml"
