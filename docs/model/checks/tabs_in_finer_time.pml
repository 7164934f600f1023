/* The same with three tabs and ways of two sevenths of the leeway, which is closer to the third that
 * the promise speaks of. */
#define TABS 3
#define LEEWAY 7
#define WAY 2
#include "../world.pml"
