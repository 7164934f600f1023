/* The row is looked at in one step and written in the next, without a condition. */
#define TABS 2
bool turn[5];
#define LOOK(n) turn[_pid] = MOVES(row, n)
#define WRITE(n, k) if :: turn[_pid] -> MOVE(n, k) :: else fi
#include "../world.pml"
