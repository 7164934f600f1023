/* The row is read and judged in a step of its own: others write, and end the session, before that. */
#define THIEVES 1
#define APART 1
#include "../world.pml"
