/* The refusal is raised inside the transaction that ends the session, and undoes it. */
#define THIEVES 1
#define END_STOLEN skip
#include "../world.pml"
