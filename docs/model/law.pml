/* The session law as a table: what `rotate` of a store writes, and what `judge` of
 * src/admit/rotation.py says of a token whose write was not done.
 *
 * Time is counted in ticks. `age` is the instant of the request less `rotated_at`: below zero where
 * the clock of who exchanged was ahead. A key of 0 is none.
 *
 * Each part is a macro that a file may define otherwise before it includes this one. The files in
 * broken/ do that: one law each that somebody might have written, beside the true one.
 * tests/law/test_model_table.py holds every row of the table against the code itself.
 */

#ifndef LEEWAY
#define LEEWAY 4 /* ticks; a tick is a quarter of the leeway */
#endif

#ifndef SKEW
#define SKEW 4 /* ticks: how far clocks may differ, as long as the leeway is by default */
#endif

mtype = { won, repeats, inconsistent, unknown, expired, over, reuse_detected };

typedef Row {
  byte generation;
  short age;
  byte key;
  bool there = true;
  bool ended;
  bool late /* for its idle or its absolute deadline */
};

/* A token of a sign-in, generation 0, has no parent that could be late, and does not rest. */
#ifndef RESTS
#define RESTS(r, n) ((n) > 0 && LEEWAY > 0 && -SKEW < r.age && r.age < LEEWAY)
#endif

/* The one conditional write. "At n or below": a store that lost its latest writes heals forward,
 * and rest does not hold that up. */
#ifndef IN_TURN
#define IN_TURN(r, n) (r.generation < (n) || (r.generation == (n) && !RESTS(r, n)))
#endif

#ifndef MOVES
#define MOVES(r, n) (r.there && !r.ended && !r.late && IN_TURN(r, n))
#endif

/* A parent comes back: with the key of its exchange however late, or soon. */
#ifndef SAME_KEY
#define SAME_KEY(r, k) ((k) != 0 && r.key == (k))
#endif
#ifndef SOON
#define SOON(r) ((r.age > 0 -> r.age : 0) < LEEWAY)
#endif
#ifndef FORGIVEN
#define FORGIVEN(r, n, k) (r.generation == (n) + 1 && (SAME_KEY(r, k) || SOON(r)))
#endif

/* The write should have won, and has not. */
#ifndef CONTRADICTION
#define CONTRADICTION inconsistent
#endif

/* From the top: the first line that holds is the verdict. */
#ifndef JUDGED
#define JUDGED(r, n, k) \
  (!r.there                                         -> unknown       : \
  (r.ended                                          -> over          : \
  (r.late                                           -> expired       : \
  (r.generation == (n) && RESTS(r, n)               -> repeats       : \
  (r.generation <= (n)                              -> CONTRADICTION : \
  (FORGIVEN(r, n, k)                                -> repeats       : \
                                                       reuse_detected))))))
#endif
