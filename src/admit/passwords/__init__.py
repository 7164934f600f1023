"""Passwords: hashed and checked off the event loop, and a policy for new ones."""

from admit.passwords.hashing import Passwords

__all__ = ["Passwords"]
