/* The write does not ask whether the session is over. */
#define THIEVES 1
#define MOVES(r, n) IN_TURN(r, n)
#include "../world.pml"
