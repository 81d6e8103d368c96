"""The grammar of a policy file: which sections and keys there are, their units, and how each value is read.

A file states one region. Every section is a list of dated entries (``[[in_service]]`` ...); an entry says from which
month its values hold, where they come from and how sure they are. A value holds until a later entry of the section
states it anew or lists it under ``unknown``. Rates become whole parts per million, sums whole fen: no floats.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from itertools import pairwise

CONFIDENCES = ("high", "medium", "low")
NATIONAL = "national"
OPEN = "open"
PPM = 1_000_000
_MONTH = re.compile(r"\d{4}-\d{2}")


@dataclass(frozen=True)
class Mistake:
    """One thing wrong in a policy file: ``key`` is the place in it, such as ``in_service[2].personal_share``."""

    file: str
    key: str
    message: str

    def __str__(self) -> str:
        return f"{self.file}: {self.key}: {self.message}" if self.key else f"{self.file}: {self.message}"


class PolicyError(ValueError):
    """All mistakes of the policy files at once, each with file and key."""

    def __init__(self, mistakes: list[Mistake]):
        self.mistakes = tuple(mistakes)
        super().__init__("\n".join(str(mistake) for mistake in mistakes))


@dataclass(frozen=True)
class Money:
    """A sum in fen; ``whole_yuan``: only reported in whole yuan, so the fen are not known."""

    fen: int
    whole_yuan: bool

    def __str__(self) -> str:
        return str(self.fen // 100) if self.whole_yuan else f"{self.fen // 100}.{self.fen % 100:02d}"


@dataclass(frozen=True)
class Rate:
    """An exact rate in parts per million."""

    ppm: int

    def __str__(self) -> str:
        percent = Decimal(self.ppm) / 10_000
        return f"{percent.normalize():f}%"


@dataclass(frozen=True)
class Bracket:
    """What holds for ages from ``age_min`` (inclusive) to ``age_max`` (exclusive); None is unbounded.

    ``unit`` says what ``value`` is: rate (of the base, or of what the retiree rule names), rate_per_year_of_age,
    yuan_month or yuan_year.
    """

    age_min: int | None
    age_max: int | None
    unit: str
    value: Rate | Money

    def holds(self, age: int) -> bool:
        """Whether someone of ``age`` full years is in the bracket."""
        return (self.age_min is None or age >= self.age_min) and (self.age_max is None or age < self.age_max)

    def __str__(self) -> str:
        low, high = self.age_min, self.age_max
        ages = "" if low is None and high is None else (
            f"under {high}: " if low is None else f"{low} and over: " if high is None else f"{low} to {high - 1}: "
        )
        units = {"rate": "", "rate_per_year_of_age": " per year of age", "yuan_month": " yuan a month",
                 "yuan_year": " yuan a year"}
        return f"{ages}{self.value}{units[self.unit]}"


@dataclass(frozen=True)
class Deduction:
    """A named sum taken off a retiree's credit each month."""

    name: str
    value: Money

    def __str__(self) -> str:
        return f"{self.name} {self.value} yuan a month"


@dataclass(frozen=True)
class Value:
    """One value with its provenance; ``known`` is False where the files say that it is not known."""

    parsed: object
    known: bool
    since: str  # month as written, or "open"
    source: tuple[str, ...]
    confidence: str
    file: str


@dataclass(frozen=True)
class Entry:
    """One dated entry of a section, as stated by one file (or by several, the later key by key)."""

    start: date
    since: str
    values: Mapping[str, Value]
    uncertain_from: date | None = None
    applies_to: str | None = None
    basis: str | None = None
    note: str | None = None
    confidence: str = "low"  # of the month itself
    rank: int = 0  # number of the directory it comes from: the shipped one is 0


@dataclass
class RegionFile:
    """What one region's files state; ``sections`` by (section, code), code empty where a section has none."""

    code: str
    files: list[str]
    about: dict[str, object] = field(default_factory=dict)
    sections: dict[tuple[str, str], list[Entry]] = field(default_factory=dict)


Reader = Callable[[object], object]


@dataclass(frozen=True)
class Key:
    """One value key of a section: how it is read, and its unit in words for the documentation."""

    read: Reader
    unit: str


def month(raw: object) -> date:
    """The first day of a month written ``"2024-05"``; ``"open"`` (only for ``from``) is the beginning of time."""
    if raw == OPEN:
        return date.min
    text = str(raw)
    if not isinstance(raw, str) or not _MONTH.fullmatch(text):
        raise ValueError(f'{raw!r} 不是月份，请写成 "2024-05" / is not a month; write "2024-05"')
    try:
        return date(int(text[:4]), int(text[5:]), 1)
    except ValueError:
        raise ValueError(f'{raw!r} 不是月份，请写成 "2024-05" / is not a month; write "2024-05"') from None


def _decimal(raw: object) -> Decimal:
    number = Decimal("NaN")
    if isinstance(raw, (str, int, Decimal)) and not isinstance(raw, bool) and "_" not in str(raw):  # "1_00" is no sum
        with suppress(InvalidOperation):
            number = Decimal(raw)
    if not number.is_finite():
        raise ValueError(f"{raw!r} 不是数字 / is not a number")
    return number


def rate(raw: object) -> Rate:
    """A rate such as ``"0.02"`` (2%), between 0 and 1, exact to one part per million."""
    number = _decimal(raw)
    if not 0 < number < 1:
        raise ValueError(f'{raw} 不在 0 与 1 之间，2% 写成 "0.02" / is not between 0 and 1; 2% is "0.02", '
                         "and nothing at all is no rate")
    if number * PPM != int(number * PPM):
        raise ValueError(f"{raw} 小数多于六位 / has more than six decimals")
    return Rate(int(number * PPM))


def yuan(raw: object) -> Money:
    """A sum of yuan such as ``"97.00"``; without decimals (``"83"``) it is known to the yuan only."""
    number = _decimal(raw)
    if number < 0:
        raise ValueError(f"{raw} 是负数 / is negative")
    if number * 100 != int(number * 100):
        raise ValueError(f"{raw} 小数多于两位 / has more than two decimals")
    return Money(int(number * 100), whole_yuan=number.as_tuple().exponent == 0)


def _count(low: int, high: int) -> Reader:
    def read(raw: object) -> object:
        if isinstance(raw, bool) or not isinstance(raw, int) or not low <= raw <= high:
            raise ValueError(f"{raw!r} 不是 {low} 到 {high} 的整数 / is not a whole number from {low} to {high}")
        return raw
    return read


def _day(raw: object) -> date:
    """A day written ``2024-12-20`` (with or without quotes)."""
    if isinstance(raw, str):
        with suppress(ValueError):
            raw = date.fromisoformat(raw)
    if not isinstance(raw, date) or isinstance(raw, datetime):
        raise ValueError(f'{raw!r} 不是日期，请写成 "2024-12-20" / is not a day; write "2024-12-20"')  # noqa: TRY004  one kind of error
    return raw


def _choice(*words: str) -> Reader:
    def read(raw: object) -> object:
        if raw not in words:
            raise ValueError(f"{raw!r} 只能是其中之一 / is none of: {', '.join(words)}")
        return raw
    return read


def text(raw: object) -> str:
    """A text that says something."""
    if not isinstance(raw, str) or not raw.strip():
        raise ValueError(f"{raw!r} 不是文字 / is not a text")
    return raw


def texts(raw: object) -> tuple[str, ...]:
    """A list of texts, at least one."""
    if not isinstance(raw, list) or not raw:
        raise ValueError("应是文字列表，且不能为空 / is not a list of texts, or is empty")
    return tuple(text(item) for item in raw)


def _flag(raw: object) -> bool:
    if not isinstance(raw, bool):
        raise ValueError(f"{raw!r} 只能是 true 或 false / is neither true nor false")  # noqa: TRY004  one kind of error for one report
    return raw


def _statements(raw: object) -> dict[str, object]:
    if not isinstance(raw, dict) or not raw:
        raise ValueError("应是一张表 / is not a table of statements")
    return raw


def _rows(raw: object, what: str) -> list[dict[str, object]]:
    if not isinstance(raw, list) or not all(isinstance(row, dict) for row in raw):
        raise ValueError(f"应是列表 / is not a list of {what}")
    return raw


def _brackets(units: Mapping[str, Reader], *, may_be_empty: bool) -> Reader:
    """Reader of age brackets that cover all ages without gap or overlap; each states exactly one of ``units``."""

    def read(raw: object) -> object:
        rows = _rows(raw, "age brackets")
        if not rows and not may_be_empty:
            raise ValueError("没有写年龄段 / has no age bracket")
        brackets = [_bracket(row, units) for row in rows]
        for one, next_one in pairwise(brackets):
            if one.age_max is None or one.age_max != next_one.age_min:
                raise ValueError(f"年龄段重叠或有空隙 / the brackets overlap or leave a gap after: {one}")
        if brackets and (brackets[0].age_min is not None or brackets[-1].age_max is not None):
            raise ValueError("第一段不写 age_min、最后一段不写 age_max，每个年龄都要有 / "
                             "the first bracket has no age_min and the last no age_max, so that every age is covered")
        return tuple(brackets)
    return read


def _bracket(row: dict[str, object], units: Mapping[str, Reader]) -> Bracket:
    for name in row:
        if name not in {"age_min", "age_max", *units}:
            known = ", ".join(["age_min", "age_max", *units])
            raise ValueError(f"年龄段里不认识的项 / unknown key {name} in an age bracket; known are {known}")
    stated = [unit for unit in units if unit in row]
    if len(stated) != 1:
        raise ValueError(f"每个年龄段只写一项 / an age bracket states exactly one of {', '.join(units)}")
    ages: list[int | None] = []
    for name in ("age_min", "age_max"):
        age = row.get(name)
        if age is not None and (isinstance(age, bool) or not isinstance(age, int) or not 0 < age < 150):
            raise ValueError(f"{name} {age!r} 不是年龄 / is not an age")
        ages.append(age)
    low, high = ages
    if low is not None and high is not None and low >= high:
        raise ValueError(f"age_min {low} 应小于 / is not below age_max {high}")
    value = units[stated[0]](row[stated[0]])
    assert isinstance(value, (Rate, Money))  # what the two readers return
    return Bracket(low, high, stated[0], value)


def _deductions(raw: object) -> object:
    found = []
    for row in _rows(raw, "deductions"):
        if set(row) != {"name", "yuan_month"}:
            raise ValueError("扣减要写 name 和 yuan_month / a deduction states name and yuan_month")
        found.append(Deduction(text(row["name"]), yuan(row["yuan_month"])))
    return tuple(found)


SHARES = {"rate": rate, "rate_per_year_of_age": rate, "yuan_month": yuan, "yuan_year": yuan}
CREDITS = {"rate": rate, "yuan_month": yuan, "yuan_year": yuan}
RETIREE_KINDS = (
    "fixed", "rate_of_own_pension", "rate_of_local_average_pension", "rate_of_local_average_wage",
    "rate_of_contribution_base",
)
SCHEDULE_KINDS = ("monthly", "annual", "annual_prepaid", "monthly_or_annual_prepaid")
ROUNDINGS = ("half_up", "ceil_to_jiao")
STOP_KINDS = ("year_end_closing", "platform_move", "other")

_MONTH_OF_YEAR = Key(_count(1, 12), "month of the year")
_FLAG = Key(_flag, "yes or no")
_TEXT = Key(text, "text")

# Section -> its value keys. Sections in CODED have one list of dated entries per `code`.
SECTIONS: dict[str, dict[str, Key]] = {
    "regime": {"phase": _TEXT, "cash_withdrawable": _FLAG},
    "in_service": {
        "personal_share": Key(rate, "share of the contribution base credited from the employee's contribution"),
        "employer_share": Key(
            _brackets(SHARES, may_be_empty=True), "share of the base (or sum) credited from the employer's, by age"
        ),
        "deductions": Key(_deductions, "taken off the credit"),
        "back_pay_credited": Key(_flag, "whether back pay reaches the account"),
    },
    "retiree": {
        "kind": Key(_choice(*RETIREE_KINDS), "kind of rule"),
        "by_age": Key(_brackets(CREDITS, may_be_empty=False), "credit by age, before deductions"),
        "deductions": Key(_deductions, "taken off the credit"),
    },
    "employee": {
        "rate": Key(rate, "share of the contribution base"),
        "flat_yuan": Key(yuan, "yuan a month on top, never credited"),
        "flat_name": _TEXT,
    },
    "employer": {"rate": Key(rate, "share of the contribution base"), "includes_maternity": _FLAG},
    "flexible": {
        "has_account": _FLAG, "rate": Key(rate, "share of the base paid in all"),
        "rate_five_cities": Key(rate, "the same in the five county-level cities"),
        "credited_share": Key(rate, "share of the base credited"), "base_yuan": Key(yuan, "yuan, one base for all"),
        "total_yuan_month": Key(yuan, "yuan paid a month"), "credited_yuan_month": Key(yuan, "yuan credited a month"),
    },
    "tier": {"name": _TEXT, "status": Key(_choice("in_service", "retired", "flexible"), "only for this status"),
             "has_account": _FLAG},
    "scheme": {"name": _TEXT, "has_account": _FLAG},
    "sub_account": {"name": _TEXT},
    "base_limit": {"floor_yuan": Key(yuan, "yuan a month"), "cap_yuan": Key(yuan, "yuan a month")},
    "schedule": {
        "kind": Key(_choice(*SCHEDULE_KINDS), "kind of schedule"),
        "typical_months": Key(_count(0, 12), "months from arrival to credit, usually"),
        "lag_months_min": Key(_count(0, 12), "months from arrival to credit, at least"),
        "lag_months_max": Key(_count(0, 12), "months from arrival to credit, at most"),
        "typical_day_by": Key(_count(1, 31), "day of the month by which it is credited"),
        "credit_month": _MONTH_OF_YEAR, "window_start": _MONTH_OF_YEAR,
    },
    "calendar": {
        "base_year_start": _MONTH_OF_YEAR, "medical_year_start": _MONTH_OF_YEAR,
        "collection_deadline_months": Key(_count(0, 12), "months after the accrual month, for payment"),
        "collection_deadline_day": Key(_count(1, 31), "day of that month by which it is to have arrived; else its end"),
    },
    "stop": {
        "kind": Key(_choice(*STOP_KINDS), "why nothing is credited"),
        "first_day": Key(_day, "first day of the stop"), "last_day": Key(_day, "last day of the stop"),
        "yearly": Key(_flag, "every year from then on"), "name": _TEXT,
    },
    "rounding": {"contribution": Key(_choice(*ROUNDINGS), "mode"), "credit": Key(_choice(*ROUNDINGS), "mode")},
    "fact": {"statements": Key(_statements, "for the reader; nothing is computed from it")},
}
CODED = frozenset({"tier", "scheme", "sub_account", "stop", "fact"})
# A new kind of retiree rule says nothing of the old kind's figures.
BELONGS_TO = {("retiree", "by_age"): "kind", ("retiree", "deductions"): "kind"}
ENTRY_KEYS = (
    "from", "code", "source", "confidence", "confidence_of", "note", "basis", "uncertain_from", "applies_to", "unknown",
)
ABOUT: dict[str, Reader] = {
    "code": text, "name": text, "level": text, "province": text, "aliases": texts, "note": text,
    "completeness": _choice("good", "partial", "stub"),
}
