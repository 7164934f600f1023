/* The thief has copied the browser's retry key as well. */
#define KEYED 1
#define THIEVES 1
#define THIEFS_KEY 1
#include "../world.pml"
