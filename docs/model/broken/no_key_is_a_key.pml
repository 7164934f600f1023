/* Two requests without a key are taken for two with the same. */
#define THIEVES 1
#define SAME_KEY(r, k) (r.key == (k))
#include "../world.pml"
