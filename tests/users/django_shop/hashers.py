"""Django's own ways to hash, at prices that tests can pay."""

from django.contrib.auth import hashers


class Preferred(hashers.PBKDF2PasswordHasher):
    iterations = 1_000


class SHA1(hashers.PBKDF2SHA1PasswordHasher):
    iterations = 1_000


class BCrypt(hashers.BCryptSHA256PasswordHasher):
    rounds = 4


class Argon2(hashers.Argon2PasswordHasher):
    time_cost = 1
    memory_cost = 8
    parallelism = 1


class Scrypt(hashers.ScryptPasswordHasher):
    work_factor = 2
