/* A thief, and a store that goes back once. What it forgot it can't see, but it forks nothing, and
 * whoever comes too late by what it remembers is caught. */
#define FAILOVERS 1
#define THIEVES 1
#include "../world.pml"
