/* Who does not win the write gets no token, and an answer that clears the cookie. */
#define TABS 2
#define REPEATED(r) NOTHING
#define SETS_COOKIE (answer != token)
#include "../world.pml"
