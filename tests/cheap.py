"""Passwords that cost nothing to hash, for all tests that do not show the hashing itself."""

from admit import Settings


def cheap(**given):
    """Settings as given, with a cheaper hash than they let anybody choose; one that is given stays.

    A server in another process hashes at the full price: there is no way in from outside.
    """
    settings = Settings.load(**given)
    if not any(name.startswith("argon2_") for name in given):
        object.__setattr__(settings, "argon2_memory", 8)
        object.__setattr__(settings, "argon2_time", 1)
    return settings
