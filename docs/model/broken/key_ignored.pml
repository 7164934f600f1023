/* The retry key does not count. */
#define LOSSES 1
#define KEYED 1
#define SAME_KEY(r, k) false
#include "../world.pml"
