"""What the cells of one column look like, and how they may be shown: values of people are masked before anything else.

A value is shown whole only where it cannot be personal: an amount, a day, a month, a code word that comes again.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from recon.reading import identity
from recon.reading.values import Unreadable, clean, is_empty, parse_day, parse_fen, parse_months

SHOWN = 5  # values per column
_WORDS_AT_MOST = 24  # distinct values a column of code words has at most
_LETTERS_AT_MOST = 20  # characters a code word has at most
_DIGITS = re.compile(r"\d")
_LONG_NUMBER = re.compile(r"\d{7,}[Xx]?")
_NAME = re.compile(r"^[\u3400-\u9fff·*]{2,6}$")


@dataclass(frozen=True)
class Profile:
    """One column: how many cells say something, and how many of these read as each kind of value."""

    filled: int
    amounts: int = 0
    days: int = 0
    months: int = 0
    ids: int = 0
    names: int = 0
    negative: int = 0
    values: tuple[tuple[str, int], ...] = ()  # distinct values, the commonest first, with how often

    def mostly(self, kind: str) -> bool:
        """Whether nine of ten filled cells read as ``kind`` (amounts, days, months, ids, names)."""
        return self.filled > 0 and int(getattr(self, kind)) * 10 >= self.filled * 9

    @property
    def has_words(self) -> bool:
        """Whether the column holds a few code words that come again."""
        return (0 < len(self.values) <= _WORDS_AT_MOST and len(self.values) * 2 <= max(self.filled, 2)
                and all(len(text) <= _LETTERS_AT_MOST for text, _ in self.values))


def profile(cells: Sequence[str]) -> Profile:
    """The profile of a column's cells."""
    counts = Counter(clean(cell) for cell in cells if not is_empty(cell))
    return Profile(
        filled=sum(counts.values()),
        amounts=_readable(counts, parse_fen), days=_readable(counts, _full_day),
        months=_readable(counts, parse_months), ids=_readable(counts, _id),
        names=sum(many for text, many in counts.items() if _NAME.match(text)),
        negative=sum(many for text, many in counts.items() if text.startswith(("-", "(")) and _reads(text, parse_fen)),
        values=tuple(sorted(counts.items(), key=lambda item: (-item[1], item[0]))),
    )


def _readable(counts: Counter[str], parse: Callable[[str], object]) -> int:
    return sum(many for text, many in counts.items() if _reads(text, parse))


def _reads(text: str, parse: Callable[[str], object]) -> bool:
    try:
        return parse(text) is not None
    except Unreadable:
        return False


def _full_day(text: str) -> object:
    """A day spelled with its day of the month: ``202401`` is none."""
    return parse_day(text) if len(_DIGITS.findall(text)) >= 7 or re.search(r"\d\D+\d+\D+\d", text) else None


def _id(text: str) -> object:
    known = identity.read_id(text)
    personal = known.kind in (identity.FULL, identity.MASKED, identity.DAMAGED)
    return known if personal and known.id_type not in ("other", "taiwan_permit") and len(text) >= 8 else None


def shown_values(column: Profile, *, words: bool) -> list[str]:
    """A few values for a comment; ``words``: whether the column is known to hold code words, not people."""
    return [shown(text, word=words) for text, _ in column.values[:SHOWN]]


def shown(text: str, *, word: bool = False) -> str:
    """One value as it may stand in a comment: names, numbers of people and remarks reduced to their shape."""
    text = " ".join(text.split())
    if _reads(text, parse_fen) and len(_DIGITS.findall(text)) < 9:
        return text
    if _reads(text, parse_months) and not _LONG_NUMBER.fullmatch(text.replace("20", "", 1)):
        return text
    if word and len(text) <= _LETTERS_AT_MOST:
        return _LONG_NUMBER.sub(_tail, text)
    if len(_DIGITS.findall(text)) >= 4:
        return re.sub(r"\d{4,}[Xx]?", _tail, text)[:24]
    if len(text) <= 1:
        return text
    return f"{text[0]}{'*' * min(len(text) - 1, 5)}"


def _tail(found: re.Match[str]) -> str:
    return "*" * (len(found.group()) - 2) + found.group()[-2:]
