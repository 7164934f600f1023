/* One session and all who present its tokens: the tabs of a browser, which share a jar, a store
 * that may lose its latest writes, and a thief. spin tries every order of their steps.
 *
 * What is counted here are the bounds. Time has none: ages are told apart up to the leeway, and
 * whatever is older is simply old.
 */

#include "law.pml"

#ifndef TABS
#define TABS 1 /* of one browser, 4 at most; each refreshes again and again */
#endif
#ifndef EXCHANGES
#define EXCHANGES 4 /* that the row may see before nobody begins anything new */
#endif
#ifndef WAY
#define WAY 1 /* ticks that a request, or its answer, is under way at most */
#endif
#ifndef LOSSES
#define LOSSES 0 /* answers that never arrive */
#endif
#ifndef KEYED
#define KEYED 0 /* 1: the browser sends a retry key */
#endif
#ifndef IN_TIME
#define IN_TIME 0 /* ticks after which who lost an answer has another at the latest; 0: no such limit */
#endif
#ifndef FAILOVERS
#define FAILOVERS 0 /* times that the store goes back to an earlier state of the row */
#endif
#ifndef CALM
#define CALM 1 /* 1: that happens while nothing is late */
#endif
#ifndef LAGS
#define LAGS 0 /* 1: the row that is judged may come from a replica that is behind */
#endif
#ifndef APART
#define APART 0 /* 1: the row is read and judged in a step of its own, within the tick of the write */
#endif
#ifndef THIEVES
#define THIEVES 0 /* 1: somebody copies a token, at any time */
#endif
#ifndef THIEFS_KEY
#define THIEFS_KEY 0 /* the retry key that the thief sends; 0 is none */
#endif
#ifndef ANYONE
#define ANYONE 0 /* 1: any token is presented at any time, by the owner or a thief, however late */
#endif

#define PEOPLE 5                    /* who present tokens: tabs, and a thief or anyone */
#define MOST (EXCHANGES + TABS + 4) /* generations, more than there can be */
#define IDLE 255                    /* nothing is under way */
#define NOTHING 254                 /* an answer without a token, or an empty jar */
#define SIBLING 32                  /* added to a generation: another text of it */

/* ---- What there is -------------------------------------------------------------------------- */

Row row;  /* as it stands */
Row kept; /* as a replica or a backup has it: some earlier state */

byte jar = 0;                /* the cookie: a token is told by its generation */
byte jar_key = KEYED;        /* the key of the next refresh, replaced once its answer was taken */
byte asked[PEOPLE] = IDLE;   /* the token of a request that is under way */
byte with_key[PEOPLE] = 0;   /* and its key, until the answer was taken */
byte way[PEOPLE] = IDLE;     /* for how long it, and then its answer, is under way */
byte waiting[PEOPLE] = IDLE; /* with IN_TIME: how long ago a tab asked that has no answer yet */
byte written = 0;            /* requests that are past the write, and not judged yet */
byte lost = 0;
byte failovers = 0;

/* ---- What was seen; nobody decides by it, only the promises ask ----------------------------- */

mtype = { nobody, owner, thief, skipped };

mtype by[MOST] = nobody; /* who exchanged this token; skipped: a store healed past it */
byte key_of[MOST] = 0;   /* with which key, for the latest */
byte age[MOST] = 0;      /* ticks since the token of this generation was born, LEEWAY at most */
byte text[MOST] = IDLE;  /* what was handed out as this generation */
bool thief_came = false;

bool honest_signed_out = false;
bool young_refused = false;
bool right_key_refused = false;
bool thief_unnoticed = false;
bool chain_forked = false;
bool exchanged_twice = false;
bool told_to_come_again = false;
bool held_up = false;
bool over_goes_on = false;

/* ---- The server ----------------------------------------------------------------------------- */

/* Who looks first and writes then looks here. */
#ifndef LOOK
#define LOOK(n) skip
#endif

#ifndef MOVE
#define MOVE(n, k) row.generation = n + 1; row.age = 0; row.key = k; verdict = won
#endif

/* What is demanded and what is written are one step. */
#ifndef WRITE
#define WRITE(n, k) if :: MOVES(row, n) -> MOVE(n, k) :: else fi
#endif

/* The row's own token, and never one beside it; and nothing is written. */
#ifndef REPEATED
#define REPEATED(r) r.generation
#endif
#ifndef ON_REPEAT
#define ON_REPEAT skip
#endif

/* The second write. It is done before the refusal is raised. */
#ifndef END_STOLEN
#define END_STOLEN row.ended = true
#endif

inline judge(r, n, k) {
  verdict = JUDGED(r, n, k);
  if
  :: verdict == repeats && r.generation == n -> answer = n
  :: verdict == repeats && r.generation != n -> answer = REPEATED(r); ON_REPEAT
  :: else -> answer = NOTHING
  fi
}

inline try_to_move(who, n, k) {
  verdict = unknown;
  behind = row.generation < n;
  WRITE(n, k);
  if
  :: verdict == won -> note_exchange(who, n, k)
  :: else
  fi
}

inline decide(n, k) {
  if
  :: verdict == won -> answer = n + 1
  :: verdict != won -> judge(row, n, k)
  :: verdict != won && LAGS -> judge(kept, n, k)
  fi
}

inline tell(who, token) {
  printf("%e %d presents %d: ", who, _pid, token);
  if
  :: verdict == won && !behind -> printf("it is exchanged for %d\n", answer)
  :: verdict == won && behind -> printf("the row heals to %d\n", answer)
  :: verdict == repeats && answer == token -> printf("it rests\n")
  :: verdict == repeats && answer != token -> printf("its successor again\n")
  :: verdict == inconsistent -> printf("try again\n")
  :: verdict == over -> printf("it is over\n")
  :: verdict == reuse_detected -> printf("it was used\n")
  fi
}

inline note_exchange(who, n, k) {
  exchanged_twice = exchanged_twice || by[n] != nobody;
  for (i : 0 .. n) {
    key_of[i] = 0;
    age[i + 1] = (behind -> LEEWAY : age[i + 1]); /* what is late then may be left far behind */
    by[i] = (i < n && by[i] == nobody -> skipped : by[i])
  }
  by[n] = who; key_of[n] = k; age[n + 1] = 0;
  i = 0
}

inline note_answer() {
  if
  :: answer != NOTHING ->
    i = answer % SIBLING;
    chain_forked = chain_forked || (text[i] != IDLE && text[i] != answer);
    text[i] = answer
  :: else
  fi;
  i = 0
}

/* ---- The promises --------------------------------------------------------------------------- */

#define REFUSED (verdict == over || verdict == reuse_detected)

/* A limit that is shown adds what it shows. */
#ifndef SHOW
#define SHOW(who, n) skip
#endif

/* Of one request, with the token `n` and the key `k`, to a session that `lived`. */
inline hold(who, n, k) {
  /* A token is refused only when its successor is at least the leeway old. */
  young_refused = lived && REFUSED && (by[n] == nobody || age[n + 1] < LEEWAY);
  assert(!young_refused);
  /* With the retry key of its exchange: only when its successor was exchanged. */
  right_key_refused = lived && REFUSED && k != 0 && key_of[n] == k && by[n + 1] == nobody;
  assert(!right_key_refused);
  /* An honest client is never signed out. */
  honest_signed_out = who == owner && REFUSED && !thief_came;
  assert(!honest_signed_out);
  /* Nor told to come again, unless what was judged was behind. */
  told_to_come_again = verdict == inconsistent && !LAGS;
  assert(!told_to_come_again);
  /* Nor does a token rest for ever, and what is over gives nothing. */
  held_up = verdict == repeats && answer == n && age[n] == LEEWAY;
  assert(!held_up);
  over_goes_on = !lived && answer != NOTHING;
  assert(!over_goes_on);
  /* Of any number of callers with one token at most one wins, and the chain never forks. */
  assert(!exchanged_twice);
  assert(!chain_forked);
  SHOW(who, n)
}

#if APART
#define BETWEEN written++ } atomic { written--; lived = (verdict == won -> lived : !row.ended)
#else
#define BETWEEN skip
#endif

inline present(who, token, k) {
  LOOK(token % SIBLING);
  atomic {
    n = token % SIBLING;
    lived = !row.ended;
    stale = lived && by[n] != nobody && by[n] != who && age[n + 1] == LEEWAY;
    thief_came = thief_came || who == thief;
    try_to_move(who, n, k);
    BETWEEN;
    decide(n, k);
    tell(who, token);
    note_answer();
    hold(who, n, k);
    asked[_pid] = IDLE;
    way[_pid] = (way[_pid] == IDLE -> IDLE : 0) /* from here on, the answer's */
  }
  atomic {
    if
    :: verdict == reuse_detected -> END_STOLEN
    :: else
    fi;
    /* Who presents a token the leeway after the other exchanged it, or later, ends the session. */
    thief_unnoticed = stale && !row.ended;
    assert(!thief_unnoticed);
    lived = false; stale = false; behind = false; n = 0; verdict = 0
  }
}

/* ---- Who is there --------------------------------------------------------------------------- */

#ifndef GOES_ON
#define GOES_ON (row.generation < EXCHANGES && !row.ended)
#endif
#define LOCALS byte answer, n, i; bool lived, stale, behind; mtype verdict

/* What an answer does to the jar: one that brings the same token again sets no cookie. */
#ifndef SETS_COOKIE
#define SETS_COOKIE (answer != NOTHING && answer != token)
#endif

/* A key that nobody holds; which one it is does not matter. */
#define HELD(it) \
  (it == row.key || it == kept.key || it == with_key[0] || it == with_key[1] || \
   it == with_key[2] || it == with_key[3])

/* Once an answer brought a token; another tab may have done that. */
inline replace_key(used) {
  if
  :: KEYED && jar_key == used && answer != NOTHING ->
    jar_key = 1;
    do
    :: HELD(jar_key) -> jar_key++
    :: else -> break
    od
  :: else
  fi
}

#if TABS
active [TABS] proctype Tab() {
  byte token, k;
  LOCALS;
  do
  :: atomic {
      (GOES_ON || waiting[_pid] != IDLE) && jar != NOTHING ->
      token = jar; k = (KEYED -> jar_key : 0);
      asked[_pid] = token; with_key[_pid] = k; way[_pid] = 0;
      waiting[_pid] = (IN_TIME && waiting[_pid] == IDLE -> 0 : waiting[_pid]);
      printf("owner %d takes %d out of the jar\n", _pid, token)
    }
    present(owner, token, k);
    if
    :: atomic {
        lost < LOSSES && answer != NOTHING ->
        lost++; way[_pid] = IDLE; with_key[_pid] = 0; token = 0; answer = 0; k = 0;
        printf("owner %d: the answer is lost\n", _pid)
      }
    :: atomic {
        jar = (SETS_COOKIE -> answer : jar);
        with_key[_pid] = 0; replace_key(k);
        waiting[_pid] = IDLE; way[_pid] = IDLE; token = 0; answer = 0; k = 0;
        if
        :: jar != NOTHING -> printf("owner %d: the jar holds %d\n", _pid, jar)
        :: jar == NOTHING -> printf("owner %d: the jar is empty\n", _pid)
        fi;
        honest_signed_out = jar == NOTHING;
        assert(!honest_signed_out)
      }
    fi
  od
}
#endif

#if THIEVES
active proctype Thief() {
  byte loot;
  LOCALS;
  atomic {
    if /* at any time: what the jar holds, or what an answer under way brings */
    :: loot = jar
    :: loot = row.generation
    fi;
    printf("the thief copies %d\n", loot)
  }
  do
  :: GOES_ON ->
    present(thief, loot, THIEFS_KEY);
    if
    :: answer != NOTHING -> loot = answer
    :: true /* the older one may be worth more */
    fi;
    answer = 0
  od
}
#endif

#if ANYONE
active proctype Anyone() {
  byte token, k;
  mtype who;
  LOCALS;
  thief_came = true; /* the owner is late here, and may be taken for one */
  do
  :: atomic {
      GOES_ON ->
      select(token : 0 .. EXCHANGES);
      if
      :: who = owner; select(k : 0 .. 2)
      :: who = thief; k = 0
      fi;
      if
      :: token == 0 || text[token] == token
      :: else -> token = 0
      fi
    }
    present(who, token, k);
    atomic { token = 0; answer = 0; k = 0; who = 0 }
  od
}
#endif

/* ---- The store, and time -------------------------------------------------------------------- */

#define COPY(to, from) \
  to.generation = from.generation; to.age = from.age; to.key = from.key; to.ended = from.ended

/* Nothing is late: what is under way are requests with the token that the jar holds. */
#define IN_CALM(t) (!CALM || way[t] == IDLE || asked[t] == jar)

#if FAILOVERS || LAGS
active proctype Store() {
  byte i;
  do
  :: d_step { LAGS || failovers < FAILOVERS -> COPY(kept, row) }
  :: d_step {
      failovers < FAILOVERS && !written && IN_CALM(0) && IN_CALM(1) && IN_CALM(2) && IN_CALM(3) ->
      failovers++;
      COPY(row, kept); age[row.generation] = row.age;
      for (i : 0 .. MOST - 2) { by[i] = (i < row.generation -> by[i] : nobody) }
      i = 0;
      printf("the store goes back to %d\n", row.generation)
    }
  od
}
#endif

/* A way ends in time, and who tries again in time does that. */
#define MAY_TICK(t) \
  ((way[t] == IDLE || way[t] < WAY) && (waiting[t] == IDLE || waiting[t] < IN_TIME))

#define OLDER(it) it = (it < LEEWAY -> it + 1 : it)
#define LONGER(it) it = (it == IDLE -> IDLE : it + 1)

active proctype Clock() {
  byte i;
  do
  :: d_step {
      !written && MAY_TICK(0) && MAY_TICK(1) && MAY_TICK(2) && MAY_TICK(3) ->
      for (i : 0 .. MOST - 2) { if :: by[i] != nobody -> OLDER(age[i + 1]) :: else fi }
      for (i : 0 .. PEOPLE - 1) { LONGER(way[i]); LONGER(waiting[i]) }
      OLDER(row.age); OLDER(kept.age);
      i = 0;
      printf("a tick\n")
    }
  od
}
