/* Four tabs of one browser without a retry key; a request and an answer take up to a quarter of the
 * leeway each, so that they overtake one another. No tab is ever refused. */
#define TABS 4
#include "../world.pml"
