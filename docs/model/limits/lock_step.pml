/* A thief in lock-step is not found: three times the owner exchanges, and soon after each time the
 * thief comes with the parent. A check that could not find this would see no thief at all. */
#define THIEVES 1
byte rounds = 0;
bool lock_step = false;
#define SHOW(who, n) \
  rounds = (who == thief && answer == n + 1 && by[n] == owner && n == rounds -> n + 1 : rounds); \
  lock_step = rounds == 3; \
  assert(!lock_step)
#include "../world.pml"
