/* A retry gets a new token beside the one that was made before. */
#define LOSSES 1
#define IN_TIME 3
#define REPEATED(r) r.generation + SIBLING
#include "../world.pml"
