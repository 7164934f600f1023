/* Answers are lost, and the client tries again without a key, within the leeway. */
#define LOSSES 3
#define IN_TIME 1
#include "../world.pml"
