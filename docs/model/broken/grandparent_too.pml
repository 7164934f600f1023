/* Instead of a rest, the grandparent is repeated within the leeway as well. */
#define TABS 2
#define RESTS(r, n) false
#define FORGIVEN(r, n, k) (r.generation <= (n) + 2 && SOON(r))
#include "../world.pml"
