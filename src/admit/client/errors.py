"""What can go wrong in the client, beside the refusals that the server sends.

AdmitError
├── TokensError              the stored tokens can't be read, written or trusted
└── Refusal
    ├── RefreshRefused
    │   └── SignedOut        nobody is signed in, or no longer
    └── Unavailable          no answer came in time; the tokens are kept
        └── NotAdmit         an answer came, and not from Admit
"""

from __future__ import annotations

from admit.errors import AdmitError, RefreshRefused, Unavailable


class TokensError(AdmitError):
    """The stored tokens can't be read, written or trusted; the sentence says what to do."""


class SignedOut(RefreshRefused):
    """Nobody is signed in, or no longer: sign in.

    `reason` is why, as the server said it (`admit.errors.RefreshReason`); `signed_out` too where
    it was done here; None where nobody ever signed in.
    """


class NotAdmit(Unavailable):
    """The issuer's address gave an answer that is not Admit's; trying again would not help."""


class LostError(Exception):
    """No answer came; what happened, in words."""


class OvertakenError(Exception):
    """Somebody else signed in, signed out or refreshed meanwhile: what is kept is not what was."""
