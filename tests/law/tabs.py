"""A browser's tabs, which share one cookie jar: who presents what, and what is in the jar after it.

Time is handed in, so that everything may be late, in any order.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Tab:
    """One refresh: when it begins, and how long the request and its answer are under way.

    In seconds, counted from when the browser began.
    """

    begins: float
    there: float
    back: float


def restore(tabs, held, present, *, begun):
    """Let every tab refresh once, and return what the jar holds when all is quiet.

    Arguments:
        tabs: each takes the token out of the jar as it begins; its answer replaces what the jar
            holds when that arrives, be it newer or older. One that brings the same token back sets
            no cookie.
        held: what the jar holds at first.
        present: `present(token, at)`, the server at that instant.
        begun: the instant of the beginning, in seconds since 1970.
    """
    jar = held
    moments = []
    for number, each in enumerate(tabs):
        arrives = each.begins + each.there
        for order, at in enumerate((each.begins, arrives, arrives + each.back)):
            moments.append((at, order, number))
    taken, answers = {}, {}
    for at, order, number in sorted(moments):
        if order == 0:
            taken[number] = jar
        elif order == 1:
            answers[number] = present(taken[number], begun + at)
        elif answers[number].refresh_token != taken[number].refresh_token:
            jar = answers[number]
    return jar
