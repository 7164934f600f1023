"""The admin API: users, sessions and the audit trail, for those who hold the role `admin_role`."""

from __future__ import annotations

from admit.http.admin.operations import operations

__all__ = ["operations"]
