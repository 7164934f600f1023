/* A repeat writes `rotated_at` anew. */
#define ON_REPEAT row.age = 0
#define TABS 2
#include "../world.pml"
