/* A repeat writes `rotated_at` anew. */
#define THIEVES 1
#define ON_REPEAT row.age = 0
#include "../world.pml"
