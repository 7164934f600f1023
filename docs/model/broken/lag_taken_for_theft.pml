/* A row that is behind its token, as a replica shows it, is taken for theft. */
#define LAGS 1
#define CONTRADICTION reuse_detected
#include "../world.pml"
