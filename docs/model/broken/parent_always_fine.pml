/* The parent of the row's token is repeated however late. */
#define THIEVES 1
#define SOON(r) true
#include "../world.pml"
