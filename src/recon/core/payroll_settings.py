"""What the payroll legs need to know of a firm besides its files: filled from ``recon.toml``, empty by default.

Every value is optional and nothing here is guessed: an empty setting means that the rule is not known, and what hangs
on it is said to be so. Pure values; reading a configuration file is the business of another room.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date

# The legs that may be compared, in the order in which money passes them.
LEGS = ("payroll", "declared", "arrived", "bank", "credit")


@dataclass(frozen=True)
class Payer:
    """One 缴费主体: who it is, for whom it pays, and the other numbers or names it goes by in exports."""

    name: str
    employer: str | None = None  # the 用工单位 it pays for; None: several (an agency)
    branch: str | None = None  # 分公司, for roll-ups; None: the payer's own name
    region: str | None = None  # pooling area it declares in, as a code; None: several or not stated
    is_agency: bool = False  # a 代理机构 that pays for other firms' people: it is asked, not the employer
    aliases: tuple[str, ...] = ()  # other numbers (单位编号, 税号) and names of the same payer


@dataclass(frozen=True)
class MidMonthRule:
    """Who pays the month in which somebody joins or leaves.

    joins_by: who joins on this day of the month or earlier is insured from this month on (31: always, 0: never).
    leaves_from: who leaves on this day or later is still insured in this month (1: always, 32: never).
    """

    joins_by: int
    leaves_from: int


@dataclass(frozen=True)
class Deferral:
    """Months (first of the month, both included) whose employer part may be paid later 缓缴; None: every payer."""

    first: date
    last: date
    payer: str | None = None
    region: str | None = None


@dataclass(frozen=True)
class PayrollSettings:
    """All of it; ``PayrollSettings()`` is a firm of which nothing is stated."""

    company: str = ""
    payers: Mapping[str, Payer] = field(default_factory=dict)  # by the number used in exports (tax id, 单位编号)
    mid_month: Mapping[str, MidMonthRule] = field(default_factory=dict)  # by region code; "" is the rule elsewhere
    # Months from the month of a payslip to the month it deducts for, by (region code or "", payer or ""); a stated one
    # is not learned.
    offsets: Mapping[tuple[str, str], int] = field(default_factory=dict)
    deferrals: tuple[Deferral, ...] = ()
    deadline_day: Mapping[str, int] = field(default_factory=dict)  # by region code; "" elsewhere: collection ends
    legs: frozenset[str] = frozenset(LEGS)  # those left out are not compared
    cohort_people: int = 5  # one cause that hits this many people ...
    cohort_percent: int = 50  # ... and this share of a payer's people in a month is one finding
    rounding_fen: int = 10  # payslip and declaration may differ by so much through rounding
    unit_short_percent: int = 5  # a unit's payment short by up to this share "freezes everybody"; beyond, it is unpaid

    def offset_of(self, region: str | None, payer: str | None) -> int | None:
        """The stated offset of a region and payer, the more special one first; None: to be learned."""
        for key in ((region or "", payer or ""), ("", payer or ""), (region or "", ""), ("", "")):
            if key in self.offsets:
                return self.offsets[key]
        return None
