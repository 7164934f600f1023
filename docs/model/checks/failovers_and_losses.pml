/* The store goes back twice, two answers are lost, and the client has a key. */
#define LOSSES 2
#define KEYED 1
#define FAILOVERS 2
#include "../world.pml"
