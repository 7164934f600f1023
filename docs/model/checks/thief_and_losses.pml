/* A thief, and an owner who loses two answers and has a key. */
#define LOSSES 2
#define KEYED 1
#define THIEVES 1
#include "../world.pml"
