/* An answer is lost, and the retry comes without a key when the leeway has passed. */
#define LOSSES 1
#include "../world.pml"
