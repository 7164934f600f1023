/* Two tabs, and a thief who copies a token at any time and comes with it, or with what it brought, at
 * any time. */
#define TABS 2
#define THIEVES 1
#include "../world.pml"
