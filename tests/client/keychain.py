"""A keychain for the tests: there is none of the system's where they run."""

from keyring.backend import KeyringBackend
from keyring.errors import PasswordDeleteError


class Keychain(KeyringBackend):
    """A keychain as `keyring` knows them, in memory; it may be locked, by an error of its own."""

    priority = 1

    def __init__(self):
        super().__init__()
        self.entries = {}
        self.locked = None

    def get_password(self, service, username):
        if self.locked:
            raise self.locked("the owner said no")
        return self.entries.get((service, username))

    def set_password(self, service, username, password):
        self.entries[service, username] = password

    def delete_password(self, service, username):
        if (service, username) not in self.entries:
            raise PasswordDeleteError
        del self.entries[service, username]
