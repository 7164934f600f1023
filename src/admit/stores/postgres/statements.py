"""What the PostgreSQL store sends: one statement a name. Values are always bound.

Isolation is READ COMMITTED: each statement sees what was committed before it began, and one that
had to wait for a row looks at it anew. Locks are taken in one order, so that nobody waits in a
circle: a user, then sessions by their ids, then the feed, then the keys.
"""

from __future__ import annotations

from admit.stores import rows


def _marks(columns: str) -> str:
    return rows.marks(columns, "%s")


def _may_rotate(given: str) -> str:
    return f"""sessions.generation <= {given}.generation
    AND sessions.ended_at IS NULL AND sessions.expires_at > {given}.now
    AND (sessions.generation < {given}.generation
      OR sessions.rotated_at <= {given}.rest_after OR sessions.rotated_at >= {given}.rest_before)"""


WAIT_FOR_LOCKS = "SELECT set_config('lock_timeout', '0', true)"
WAIT_FOR_MANY = "SELECT set_config('statement_timeout', '55s', true)"
# A commit is on the standby when all before it are.
WAIT_FOR_STANDBY = """
UPDATE admit.feed SET seq = seq WHERE current_setting('synchronous_standby_names', true) <> ''
"""
ADD_USERS = f"""
INSERT INTO admit.users ({rows.USER})
SELECT * FROM unnest(
  %s::text[], %s::text[], %s::text[], %s::text[], %s::text[], %s::text[], %s::boolean[],
  %s::float8[], %s::text[], %s::bigint[], %s::bigint[], %s::float8[]
)
ON CONFLICT DO NOTHING RETURNING id, email_key
"""
TAKEN_EMAILS = "SELECT email_key FROM admit.users WHERE email_key = ANY(%s)"
USER_BY = {
    by: f"SELECT {rows.USER} FROM admit.users WHERE {column} = %s"
    for by, column in {"id": "id", "email": "email_key", "username": "username_key"}.items()
}
TOUCH = "UPDATE admit.users SET id = id WHERE id = ''"
DURABILITY = """
SELECT current_setting('fsync'), current_setting('full_page_writes'),
       current_setting('synchronous_commit')
"""
LIST_USERS = f"""
SELECT {rows.USER} FROM admit.users
WHERE email_key > %(after)s
  AND (strpos(email_key, %(search)s) > 0 OR strpos(username_key, %(search)s) > 0)
ORDER BY email_key LIMIT %(limit)s
"""
SAVE_USER = f"""
UPDATE admit.users SET ({rows.USER}) = ({_marks(rows.USER)}) WHERE id = %s AND version = %s
"""
# The lock keeps a password change out until this session can be seen, or this one until that is.
OPEN_SESSION = f"""
WITH holder AS (
  SELECT id FROM admit.users
  WHERE id = %s AND disabled_at IS NULL AND password_version = %s FOR SHARE
)
INSERT INTO admit.sessions ({rows.SESSION})
SELECT %s, %s, %s::bigint, %s::float8, %s::bytea, %s::float8, %s::float8, %s::float8, %s::float8,
       %s, %s::float8, %s, %s, %s
FROM holder
ON CONFLICT (id) DO NOTHING
"""
# Two processes may bring the same two sessions: each locks them in the order of their ids.
ROTATE = f"""
WITH given AS (
  SELECT * FROM unnest(
    %s::text[], %s::bigint[], %s::bytea[], %s::float8[], %s::float8[], %s::float8[], %s::float8[]
  ) AS given (id, generation, retry_key, deadline, now, rest_after, rest_before)
), held AS (
  SELECT given.*
  FROM given JOIN admit.sessions ON sessions.id = given.id
  WHERE {_may_rotate("given")}
  ORDER BY sessions.id FOR NO KEY UPDATE OF sessions
)
UPDATE admit.sessions
SET generation = held.generation + 1, rotated_at = held.now, retry_key = held.retry_key,
    expires_at = least(held.deadline, ends_at)
FROM held, admit.users
WHERE sessions.id = held.id AND users.id = sessions.user_id
  AND {_may_rotate("held")}
RETURNING {rows.qualified(rows.SESSION, "sessions")}, {rows.qualified(rows.USER, "users")}
"""
SESSIONS_AND_USERS = f"""
SELECT {rows.qualified(rows.SESSION, "sessions")}, {rows.qualified(rows.USER, "users")}
FROM admit.sessions JOIN admit.users ON users.id = sessions.user_id WHERE sessions.id = ANY(%s)
"""
# One statement, one round trip, one step: what is ended, its revocations and its events. Without a
# session's id all of a user's are meant.
END = """
WITH living AS (
  SELECT id, user_id FROM admit.sessions
  WHERE {meant} AND ended_at IS NULL AND expires_at > %(now)s
  ORDER BY id FOR NO KEY UPDATE
), ended AS (
  UPDATE admit.sessions SET ended_at = %(now)s, ended_because = %(because)s
  FROM living WHERE sessions.id = living.id AND sessions.ended_at IS NULL
  RETURNING sessions.id, sessions.user_id
), numbered AS (
  SELECT id, user_id, row_number() OVER (ORDER BY id) AS place FROM ended
), head AS (
  UPDATE admit.feed SET seq = seq + (SELECT count(*) FROM numbered)
  WHERE EXISTS (SELECT FROM numbered) RETURNING seq
), revoked AS (
  INSERT INTO admit.revocations (seq, kind, subject, reason, at, until, version)
  SELECT head.seq - (SELECT count(*) FROM numbered) + place, 'session', id, %(because)s, %(now)s,
         %(until)s, 0
  FROM numbered, head
), recorded AS (
  INSERT INTO admit.events (at, kind, user_id, session_id, reason, ip, user_agent, detail)
  SELECT %(at)s, %(kind)s, user_id, id, %(reason)s, %(ip)s, %(user_agent)s, %(detail)s
  FROM numbered
)
SELECT id, pg_notify('admit_revoked', '') FROM numbered ORDER BY place
"""
END_ONE = END.format(
    meant="id = %(session_id)s AND (%(user_id)s::text IS NULL OR user_id = %(user_id)s)"
)
END_ALL = END.format(meant="user_id = %(user_id)s AND id IS DISTINCT FROM %(keep)s")
LIST_SESSIONS = f"""
SELECT {rows.SESSION} FROM admit.sessions
WHERE user_id = %s AND ended_at IS NULL AND expires_at > %s
ORDER BY opened_at DESC, id LIMIT 1000
"""
FIND_SESSION = f"SELECT {rows.SESSION} FROM admit.sessions WHERE id = %s"
REVOKE = f"""
WITH head AS (UPDATE admit.feed SET seq = seq + 1 RETURNING seq)
INSERT INTO admit.revocations ({rows.REVOCATION})
SELECT seq, %s, %s, %s, %s::float8, %s::float8, %s::bigint FROM head
RETURNING pg_notify('admit_revoked', '')
"""
# One statement sees one moment: nothing can come between the head and the entries.
REVOCATIONS = f"""
SELECT head.seq, {rows.qualified(rows.REVOCATION, "news")}
FROM admit.feed AS head LEFT JOIN LATERAL (
  SELECT {rows.REVOCATION} FROM admit.revocations
  WHERE seq > CASE WHEN %(after)s <= head.seq THEN %(after)s ELSE 0 END AND until > %(now)s
  ORDER BY seq LIMIT %(limit)s
) AS news ON true
ORDER BY news.seq
"""
LOCK_KEYS = "SELECT seq FROM admit.feed FOR UPDATE"
KEYS = f"SELECT {rows.KEY} FROM admit.keys ORDER BY signs_from, created_at, kid"
SAVE_KEY = f"""
INSERT INTO admit.keys ({rows.KEY}) VALUES ({_marks(rows.KEY)})
ON CONFLICT (kid) DO UPDATE SET ({rows.KEY}) = ({rows.qualified(rows.KEY, "excluded")})
"""
RECORD = """
INSERT INTO admit.events (at, kind, user_id, session_id, reason, ip, user_agent, detail)
VALUES (%s, %s, %s, %s, %s, %s, %s, %s)
"""
RECORD_FOR = """
INSERT INTO admit.events (at, kind, user_id, session_id, reason, ip, user_agent, detail)
SELECT %s, %s, each, %s, %s, %s, %s, %s FROM unnest(%s::text[]) AS each
"""
EVENTS = f"SELECT {rows.EVENT} FROM admit.events WHERE at >= %(since)s"
EVENTS_WHERE = {
    "user_id": " AND user_id = %(user_id)s",
    "kind": " AND kind = %(kind)s",
    "before": " AND id < %(before)s",
}
"""Only what is asked for: with all of them at once, one plan would have to serve every question."""
EVENTS_ORDER = " ORDER BY id DESC LIMIT %(limit)s"
COUNT_EVENTS = """
SELECT floor((at - %(since)s::float8) / %(step)s::float8)::bigint, kind, reason, count(*)
FROM admit.events
WHERE at >= %(since)s AND at < %(until)s AND kind = ANY(%(kinds)s)
GROUP BY 1, 2, 3
"""
PURGE = {
    table: f"DELETE FROM admit.{table} WHERE {key} IN (SELECT {key} FROM admit.{table} WHERE {over}"
    f" AND {by} >= %(since)s ORDER BY {by} LIMIT %(limit)s FOR UPDATE SKIP LOCKED) RETURNING {by}"
    for table, key, by, over in (
        ("sessions", "id", "ends_at", "ends_at <= %(now)s"),
        ("revocations", "seq", "until", "until <= %(now)s"),
        ("keys", "kid", "retires_at", "retires_at <= %(now)s"),
        ("events", "id", "at", "at < %(events_before)s"),
    )
}
"""By table. What was deleted stays in the index until a VACUUM: `since` passes it by."""
