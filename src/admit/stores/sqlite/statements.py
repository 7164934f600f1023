"""What the embedded store sends: one statement a name. Values are always bound."""

from __future__ import annotations

from admit.stores import rows

ADD_USER = f"""
INSERT INTO users ({rows.USER}) VALUES ({rows.marks(rows.USER)}) ON CONFLICT DO NOTHING
"""
USER_BY = {
    by: f"SELECT {rows.USER} FROM users WHERE {column} = ?"
    for by, column in {"id": "id", "email": "email_key", "username": "username_key"}.items()
}
TOUCH = "UPDATE users SET id = id WHERE id = ''"
LIST_USERS = f"""
SELECT {rows.USER} FROM users
WHERE email_key > :after AND (instr(email_key, :search) OR instr(username_key, :search))
ORDER BY email_key LIMIT :limit
"""
SAVE_USER = f"""
UPDATE users SET ({rows.USER}) = ({rows.marks(rows.USER)}) WHERE id = ? AND version = ?
"""
OPEN_SESSION = f"""
INSERT INTO sessions ({rows.SESSION}) SELECT {rows.marks(rows.SESSION)}
WHERE EXISTS (
  SELECT 1 FROM users WHERE id = ? AND disabled_at IS NULL AND password_version = ?
)
ON CONFLICT (id) DO NOTHING
"""
ROTATE = """
UPDATE sessions
SET generation = :generation + 1, rotated_at = :now, retry_key = :retry_key,
    expires_at = min(:deadline, ends_at)
WHERE id = :id AND generation <= :generation AND ended_at IS NULL AND expires_at > :now
  AND (generation < :generation OR rotated_at <= :rest_after OR rotated_at >= :rest_before)
"""
SESSION_AND_USER = f"""
SELECT {rows.qualified(rows.SESSION, "sessions")}, {rows.qualified(rows.USER, "users")}
FROM sessions JOIN users ON users.id = sessions.user_id WHERE sessions.id = ?
"""
END_ONE = """
UPDATE sessions SET ended_at = :now, ended_because = :because
WHERE id = :session_id AND (:user_id IS NULL OR user_id = :user_id)
  AND ended_at IS NULL AND expires_at > :now
RETURNING id, user_id
"""
END_ALL = """
UPDATE sessions SET ended_at = :now, ended_because = :because
WHERE user_id = :user_id AND id IS NOT :keep AND ended_at IS NULL AND expires_at > :now
RETURNING id, user_id
"""
LIST_SESSIONS = f"""
SELECT {rows.SESSION} FROM sessions
WHERE user_id = ? AND ended_at IS NULL AND expires_at > ?
ORDER BY opened_at DESC, id LIMIT 1000
"""
FIND_SESSION = f"SELECT {rows.SESSION} FROM sessions WHERE id = ?"
REVOKE = """
INSERT INTO revocations (kind, subject, reason, at, until, version)
VALUES (?, ?, ?, ?, ?, ?)
"""
HEAD = "SELECT coalesce(max(seq), 0) FROM sqlite_sequence WHERE name = 'revocations'"
REVOCATIONS = f"""
SELECT {rows.REVOCATION} FROM revocations WHERE seq > ? AND until > ? ORDER BY seq
"""
KEYS = f"SELECT {rows.KEY} FROM keys ORDER BY signs_from, created_at, kid"
SAVE_KEY = f"INSERT OR REPLACE INTO keys ({rows.KEY}) VALUES ({rows.marks(rows.KEY)})"
RECORD = """
INSERT INTO events (at, kind, user_id, session_id, reason, ip, user_agent, detail)
VALUES (?, ?, ?, ?, ?, ?, ?, ?)
"""
EVENTS = f"""
SELECT {rows.EVENT} FROM events
WHERE (:user_id IS NULL OR user_id = :user_id) AND (:kind IS NULL OR kind = :kind)
  AND at >= :since AND (:before IS NULL OR id < :before)
ORDER BY id DESC LIMIT :limit
"""
# For one step: to sort the events of all steps together takes twice as long.
COUNT_EVENTS = """
SELECT :place, kind, reason, count(*) FROM events
WHERE at >= :since AND at < :until AND kind IN (SELECT value FROM json_each(:kinds))
GROUP BY kind, reason
"""
PURGE = tuple(
    f"DELETE FROM {table} WHERE {key} IN"
    f" (SELECT {key} FROM {table} WHERE {over} ORDER BY {by} LIMIT :limit)"
    for table, key, by, over in (
        ("sessions", "id", "ends_at", "ends_at <= :now"),
        ("revocations", "seq", "until", "until <= :now"),
        ("keys", "kid", "retires_at", "retires_at <= :now"),
        ("events", "id", "at", "at < :events_before"),
    )
)
