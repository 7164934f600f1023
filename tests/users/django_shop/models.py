"""A user model of the project's own: the address is the login, and the id a UUID."""

import uuid
from typing import Any

from django.contrib.auth.base_user import AbstractBaseUser
from django.db import models


class Customer(AbstractBaseUser):
    id: Any = models.UUIDField(primary_key=True, default=uuid.uuid4)
    email: Any = models.EmailField(unique=True)
    is_active: Any = models.BooleanField(default=True)

    USERNAME_FIELD = "email"

    class Meta:
        app_label = "django_shop"
