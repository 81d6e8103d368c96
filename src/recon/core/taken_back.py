"""When a credit that lacks something gave back what earlier ones had too much: the same for the search and the labels.

What an older base explains, or a refund, is taken back whenever the sums agree; of any other surplus so late an equal
shortfall may be chance.
"""

from __future__ import annotations

from collections.abc import Sequence

TAKEN_BACK_MONTHS = 2  # a surplus that nothing tells of is taken back so soon: later, equal sums may be chance
TAKEN_BACK_FEN = 100  # and is so much at least: a few fen too much and too little are rounding


def last_that_sum_to(surpluses: Sequence[int], lacks: int) -> int:
    """How many of the last of ``surpluses``, in order of time and above 0, are together ``lacks``; 0 where none are."""
    for count, fen in enumerate(reversed(surpluses), 1):
        lacks -= fen
        if lacks <= 0:
            return 0 if lacks else count
    return 0


def last_taken_back_soon(surpluses: Sequence[tuple[int, int]], lacks: int, month: int) -> int | None:
    """Which of ``surpluses`` (month, fen), in order of time, a credit of ``month`` took back alone and soon."""
    return next((at for at in range(len(surpluses) - 1, -1, -1)
                 if surpluses[at][1] == lacks >= TAKEN_BACK_FEN
                 and 0 < month - surpluses[at][0] <= TAKEN_BACK_MONTHS), None)
