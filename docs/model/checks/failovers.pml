/* The store goes back to an earlier state of the row, twice, while nothing is late: it heals forward. */
#define TABS 2
#define FAILOVERS 2
#include "../world.pml"
