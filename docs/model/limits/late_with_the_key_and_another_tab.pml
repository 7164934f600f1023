/* The retry comes with the key after the leeway, by two tabs, one of which is quick. */
#define TABS 2
#define LOSSES 1
#define KEYED 1
#include "../world.pml"
