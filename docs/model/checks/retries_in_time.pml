/* Answers are lost, and the client tries again without a key, within the leeway. */
#define LOSSES 3
#define IN_TIME 3
#include "../world.pml"
