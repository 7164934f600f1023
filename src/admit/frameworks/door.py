"""What a framework of threads asks before a view: who calls."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from admit.frameworks.bridge import BRIDGE
from admit.frameworks.environ import EnvironHeaders
from admit.frameworks.guarding import admit_of
from admit.guards.gate import ANYBODY, REFUSED, SAFE

if TYPE_CHECKING:
    from admit.errors import Refusal
    from admit.frameworks.bridge import Guarded
    from admit.guards.gate import Needs
    from admit.guards.problems import Answer
    from admit.model import Principal

Environ = dict[str, Any]


class Door:
    """Lets requests in, by their environ.

    Arguments:
        auth: `Admit`, or a `Verifier`.
    """

    def __init__(self, auth: Guarded) -> None:
        self._gate = auth.gate
        self._engine = admit_of(auth)

    def admit(self, environ: Environ, needs: Needs = ANYBODY) -> Principal | None:
        """Who calls; None only where that is optional.

        Raises:
            Refusal: what the caller is to be told; `answer` has it in words.
        """
        headers, instead = EnvironHeaders(environ), environ.get(REFUSED)
        changing = environ["REQUEST_METHOD"] not in SAFE
        engine = self._engine
        if engine is None or (engine.ready and engine.watched):
            return self._gate.admit(headers, needs, changing=changing, instead=instead)
        BRIDGE.keep(engine)
        return BRIDGE.call(
            self._gate.admit_async(headers, needs, changing=changing, instead=instead)
        )

    async def admit_async(self, environ: Environ, needs: Needs = ANYBODY) -> Principal | None:
        """The same, for who is in an event loop, which goes on meanwhile."""
        headers, instead = EnvironHeaders(environ), environ.get(REFUSED)
        changing = environ["REQUEST_METHOD"] not in SAFE
        admitted = self._gate.admit_async(headers, needs, changing=changing, instead=instead)
        engine = self._engine
        if engine is None or (engine.ready and engine.watched):
            return await admitted
        BRIDGE.keep(engine)
        return await BRIDGE.wait(admitted)

    def answer(self, refusal: Refusal) -> Answer:
        """The refusal as the HTTP contract has it, word for word."""
        return self._gate.answer(refusal)
