/* An answer that brings the same token again sets the cookie again. */
#define TABS 2
#define SETS_COOKIE (answer != NOTHING)
#include "../world.pml"
