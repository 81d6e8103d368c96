"""One section of a region along time: the entry in force in a month, and the others to accept near its boundaries."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import TypeVar

from recon.policy.grammar import BELONGS_TO, CONFIDENCES, Entry, Value

UNKNOWN = "unknown"
T = TypeVar("T")


def shifted(month: date, months: int) -> date:
    """The first of the month ``months`` later; the beginning of time stays where it is."""
    if month == date.min:
        return month
    number = month.year * 12 + month.month - 1 + months
    return date(number // 12, number % 12 + 1, 1)


def worst(*confidences: str) -> str:
    """The least of several confidences; unknown if there is none."""
    return max(confidences, key=[*CONFIDENCES, UNKNOWN].index, default=UNKNOWN)


@dataclass(frozen=True)
class Line:
    """The entries of one section in order of time, with the values in force from each on."""

    entries: tuple[Entry, ...] = ()
    values: tuple[Mapping[str, Value], ...] = ()

    @classmethod
    def of(cls, section: str, entries: Iterable[Entry]) -> Line:
        """Fold the entries: a value holds until a later entry states it anew."""
        entries = tuple(entries)
        folded: list[Mapping[str, Value]] = []
        now: dict[str, Value] = {}
        for entry in entries:
            kept = {key: value for key, value in now.items() if BELONGS_TO.get((section, key)) not in entry.values}
            now = {**kept, **entry.values}
            folded.append(now)
        return cls(entries, tuple(folded))

    def at(self, month: date) -> int:
        """Number of the entry in force; -1 before the first."""
        return sum(entry.start <= month for entry in self.entries) - 1

    def near(self, month: date) -> list[tuple[int, bool]]:
        """Further entries to accept in ``month``, each with whether its boundary is only an upper bound.

        That is the later entry in the month before its start, the earlier one in the month of the start and the next
        (a boundary may speak of the accrual or of the credit month), and a later one inside its uncertain window.
        """
        found: list[tuple[int, bool]] = []
        for number, entry in enumerate(self.entries):
            upper_bound = entry.uncertain_from is not None
            if entry.uncertain_from is not None and entry.uncertain_from <= month < entry.start:
                found.append((number, upper_bound))
            elif entry.start == date.min or entry.applies_to == "accrual":
                continue
            elif entry.start == shifted(month, 1):
                found.append((number, upper_bound))
            elif entry.start in (month, shifted(month, -1)) and number:
                found.append((number - 1, upper_bound))
        return found

    def value(self, number: int, key: str) -> Value | None:
        """The value of ``key`` in force at entry ``number`` if any file speaks of it, be it as unknown."""
        return self.values[number].get(key) if number >= 0 else None

    def get(self, number: int, key: str, kind: type[T]) -> T | None:
        """The same as what it says; None where it is not known."""
        value = self.value(number, key)
        return value.parsed if value is not None and isinstance(value.parsed, kind) else None

    def confidence(self, number: int, *keys: str) -> str:
        """The least confidence of several values."""
        return worst(*(value.confidence for key in keys if (value := self.value(number, key)) is not None))
