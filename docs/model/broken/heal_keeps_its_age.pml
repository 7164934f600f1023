/* A row that heals keeps the instant of its last exchange: what was born just now does not rest. */
#define TABS 2
#define FAILOVERS 1
#define MOVE(n, k) \
  row.age = (row.generation < n -> row.age : 0); \
  row.generation = n + 1; row.key = k; verdict = won
#include "../world.pml"
