"""The two tokens and their keys: access tokens (JWT, RFC 9068) and rotating refresh tokens."""
