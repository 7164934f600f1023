/* Answers are lost, and the client tries again with its key, however late. */
#define LOSSES 3
#define KEYED 1
#include "../world.pml"
