/* A token rests for a tick less than the leeway. */
#define TABS 0
#define ANYONE 1
#define RESTS(r, n) ((n) > 0 && r.age < LEEWAY - 1)
#include "../world.pml"
