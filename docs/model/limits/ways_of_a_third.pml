/* Requests and answers that take a third of the leeway each, and not less. */
#define TABS 2
#define LEEWAY 3
#define WAY 1
#include "../world.pml"
