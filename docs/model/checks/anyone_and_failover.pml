/* No browser, and so no limit to how late anything is: any token ever handed out comes at any time,
 * by the owner with any key or none, or by a thief. The promise about young successors. */
#define TABS 0
#define ANYONE 1
#define FAILOVERS 1
#include "../world.pml"
