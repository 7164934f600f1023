/* The store goes back while a request with an older token is under way. */
#define TABS 2
#define FAILOVERS 1
#define CALM 0
#include "../world.pml"
