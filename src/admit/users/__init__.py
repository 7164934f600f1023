"""Users that live in the app: what Admit asks of them (`base`), and ready-made ways to answer.

`admit.users.sqlalchemy` is for SQLAlchemy's models, `admit.users.django` for AUTH_USER_MODEL; each
is imported by who uses it, and by nobody else.
"""

from admit.users.base import AppUser, Hashing, NewUser, UserStore

__all__ = ["AppUser", "Hashing", "NewUser", "UserStore"]
