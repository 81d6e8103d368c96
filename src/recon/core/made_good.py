"""Shortfalls that a later credit makes good to the fen: the base corrected afterwards, arrears booked with a month.

In: what lines still lack and what credits hold beyond anything they are linked to, both after the joint best set of
links. Out: which credit makes which lines good. Nothing is linked that the sums do not prove exactly.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from recon.core.links import REACH_MONTHS

MOST_LINES = 12  # lines that one credit may make good


@dataclass(frozen=True)
class Lack:
    """What a line lacks: ``fen`` of its amount, all of it (``is_whole``), or what others lack again and again.

    arrival, day: from when on a credit may make it good: since its premium arrived, or the month it was short in.
    """

    line: int
    month: int
    arrival: int
    day: int | None
    fen: int
    is_whole: bool
    is_steady: bool = False


@dataclass(frozen=True)
class Extra:
    """What a credit holds beyond what it is linked to: all of it where ``is_whole``."""

    credit: int
    month: int
    day: int
    fen: int
    is_whole: bool
    may_cross: bool = False  # the search left it only because equal sums keep their order, and a group holds one


def made_good(lacks: Sequence[Lack], extras: Sequence[Extra]) -> dict[int, list[Lack]]:
    """By credit the lines, neighbours among those that lack something, whose shortfalls add up to what it holds.

    The earliest credit first. Of several runs of lines the latest: of equal answers the one whose open months are
    earliest. A whole credit for one whole line is no matter of this, for the search has judged it, unless only the
    order of equal sums kept them apart (``may_cross``). What looks like a steady deduction was none only if all of it
    comes.
    """
    found: dict[int, list[Lack]] = {}
    rest = sorted(lacks, key=lambda lack: (lack.month, lack.arrival, lack.line))
    for extra in sorted(extras, key=lambda each: (each.month, each.day, each.credit)):
        near = [lack for lack in rest if _reaches(extra, lack)]
        runs = (near[first:last] for last in range(len(near), 0, -1)
                for first in range(last - 1, max(last - MOST_LINES, 0) - 1, -1))
        steady = sum(lack.is_steady for lack in near)
        run = next((run for run in runs if sum(lack.fen for lack in run) == extra.fen
                    and not (extra.is_whole and len(run) == 1 and run[0].is_whole and not extra.may_cross)
                    and sum(lack.is_steady for lack in run) in (0, steady)), None)
        if run is not None:
            found[extra.credit] = run
            rest = [lack for lack in rest if lack not in run]
    return found


def _reaches(extra: Extra, lack: Lack) -> bool:
    """Whether the credit came after the premium, within reach."""
    months = extra.month - lack.arrival
    return 0 < months <= REACH_MONTHS or (months == 0 and extra.day >= (lack.day or 0))
