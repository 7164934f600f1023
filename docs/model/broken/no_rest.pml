/* The law before decision 0018: a token may be exchanged in the instant of its birth. */
#define TABS 2
#define RESTS(r, n) false
#include "../world.pml"
