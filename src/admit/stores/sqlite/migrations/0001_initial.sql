-- Instants are REAL seconds since 1970-01-01 UTC.

CREATE TABLE users (
  id               TEXT PRIMARY KEY,
  email            TEXT NOT NULL,
  email_key        TEXT NOT NULL UNIQUE,
  username         TEXT,
  username_key     TEXT UNIQUE,
  roles            TEXT NOT NULL,             -- JSON array
  email_verified   INTEGER NOT NULL,
  created_at       REAL NOT NULL,
  password_hash    TEXT NOT NULL,
  password_version INTEGER NOT NULL,
  version          INTEGER NOT NULL,
  disabled_at      REAL
) STRICT;

-- A refresh changes generation, rotated_at, retry_key and expires_at: no index holds any of them.
CREATE TABLE sessions (
  id            TEXT PRIMARY KEY,
  user_id       TEXT NOT NULL REFERENCES users (id),
  generation    INTEGER NOT NULL,
  rotated_at    REAL NOT NULL,
  retry_key     BLOB,
  opened_at     REAL NOT NULL,
  expires_at    REAL NOT NULL,
  ends_at       REAL NOT NULL,
  ended_at      REAL,
  ended_because TEXT,
  auth_time     REAL NOT NULL,
  amr           TEXT NOT NULL,                -- JSON array
  user_agent    TEXT,
  ip            TEXT
) STRICT;
CREATE INDEX sessions_by_user ON sessions (user_id, opened_at);
CREATE INDEX sessions_by_end ON sessions (ends_at);

-- AUTOINCREMENT: a seq is never given twice, not even after the newest row was purged.
CREATE TABLE revocations (
  seq           INTEGER PRIMARY KEY AUTOINCREMENT,
  kind          TEXT NOT NULL,
  subject       TEXT NOT NULL,
  reason        TEXT NOT NULL,
  at            REAL NOT NULL,
  until         REAL NOT NULL,
  version       INTEGER NOT NULL
) STRICT;
CREATE INDEX revocations_by_until ON revocations (until);

CREATE TABLE keys (
  kid          TEXT PRIMARY KEY,
  algorithm    TEXT NOT NULL,
  public       TEXT NOT NULL,                 -- JWK
  private      TEXT NOT NULL,                 -- JWE under the secret
  created_at   REAL NOT NULL,
  signs_from   REAL NOT NULL,
  retires_at   REAL,
  withdrawn_at REAL
) STRICT;

CREATE TABLE events (
  id         INTEGER PRIMARY KEY AUTOINCREMENT,
  at         REAL NOT NULL,
  kind       TEXT NOT NULL,
  user_id    TEXT,
  session_id TEXT,
  reason     TEXT,
  ip         TEXT,
  user_agent TEXT,
  detail     TEXT NOT NULL                    -- JSON object
) STRICT;
CREATE INDEX events_by_user ON events (user_id, id);
CREATE INDEX events_by_time ON events (at);
