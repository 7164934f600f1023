/* The row that is judged may be read from a replica that is behind. That is never taken for theft: at
 * worst the client is told to try again. */
#define TABS 2
#define LAGS 1
#include "../world.pml"
