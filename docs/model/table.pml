/* Prints what the law says of every small state of the row and every small request, a line each:
 *
 *   leeway | generation, age, key, there, ended, late | n, k | whether it moves | what is judged
 *
 * `spin -T table.pml` prints it. tests/law/test_model_table.py holds it against the code.
 */

#define LEEWAY leeway
short leeway;

#include "law.pml"

#define NEWEST 3 /* generation of a row, and of a token */
#define OLDEST 5 /* ticks, to both sides of now: more than the leeway, and than clocks may differ */

Row row;

inline line(n, k) {
  printf("%d | %d %d %d %d %d %d | %d %d | %d | %e\n", leeway,
    row.generation, row.age, row.key, row.there, row.ended, row.late, n, k,
    MOVES(row, n), JUDGED(row, n, k))
}

inline each_request() {
  for (n : 0 .. NEWEST) {
    for (k : 0 .. 1) { line(n, k) }
  }
}

inline each_row() {
  for (generation : 0 .. NEWEST) {
    for (age : -OLDEST .. OLDEST) {
      for (key : 0 .. 2) {
        row.generation = generation; row.age = age; row.key = key;
        each_request()
      }
    }
  }
}

active proctype Table() {
  byte n, k, generation, key, ended, late;
  short age;
  for (leeway : 0 .. 4) {
    if
    :: leeway == 0 || leeway == 4 ->
      row.there = true;
      for (ended : 0 .. 1) {
        for (late : 0 .. 1) { row.ended = ended; row.late = late; each_row() }
      }
      row.there = false;
      each_request()
    :: else
    fi
  }
}
