/* Two tabs lose two answers, and have no key. Who lost one has another so soon that a request and an
 * answer more, a fifth of the leeway each, still end within it. */
#define TABS 2
#define LOSSES 2
#define LEEWAY 5
#define IN_TIME 2
#include "../world.pml"
