"""The words of the matching: lines, credits, links, edges and frames, how far a link may reach, and what it costs.

:data:`PRICES` is the one table of costs. Which links are possible in one account is :mod:`recon.core.edges`; the search
over them is :mod:`recon.core.search`.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

REACH_MONTHS = 12
ANNUAL_REACH_MONTHS = 27
YEAR = 12  # months that one credit in advance may pay
HALF_YUAN = 50
INEXACT_LATE = 2  # months by which a credit of nearly the amount due may be late and still be taken for it
INF = 1 << 40


@dataclass(frozen=True)
class Prices:
    """Costs in thousandths of a month of lateness.

    Contractual (DESIGN section 6, asserted in tests): change < open < 2 changes; open < change + late;
    change <= 2 late; inexact < open + left; any late link within reach < open + left.
    """

    late: int = 1000  # per month later than the usual lag
    early: int = 3000  # per month earlier than the usual lag
    change: int = 1700  # the usual lag becomes another for good
    open: int = 2200  # a due and covered month without a credit
    open_with_reason: int = 500  # the same, where the fund has not split it, or none of the payer's people got it
    left: int = 3000  # a credit without a month
    twin: int = 1300  # the same, when the month holds another credit of the same amount: one of them came twice
    made_up: int = 6000  # either of these where an older month of its very sum would be open: the sums agree
    unlisted: int = 1300  # the same, in the place of a month that the contribution records do not show as paid
    further: int = 200  # each further line or credit in a group
    inexact: int = 3000  # a lone month and a lone credit of another amount in its place
    quarter: int = 500  # more for each quarter by which the two differ, up to the whole
    rounded: int = 10  # per line whose amount is by another rounding, or another accepted rule, than the policy's own
    doubt: int = 100  # less for a line whose amount is itself an estimate
    outside: int = 1000  # taking a credit that, by a lag many people share, belongs to a month outside the lines
    annual_further: int = 20  # the same in a yearly group, where twelve lines are the rule
    annual_other_window: int = 50  # per line of a yearly group that another window claims


PRICES = Prices()
# Lateness beyond this is the price of leaving the usual lag and coming back to it.
LATEST = 2 * PRICES.change


class Line(NamedTuple):
    """One payable line. Months are numbers; ``arrival`` None: never late. ``day``: day of the month of arrival."""

    stream: int  # order of the stream; lines come sorted by (stream, month)
    kind: str  # normal | other | annual
    month: int
    arrival: int | None
    day: int | None
    amounts: tuple[int, ...]  # accepted amounts, the first is the one due
    half_yuan: bool
    open_price: int
    due: int | None  # month number
    shift: int = 0  # months by which everybody's credits were later then; not this person's doing
    prepaid: bool = False  # the region may pay in advance
    weak: bool = False  # its amount rests on no rule that could accuse: an odd sum is sooner its own
    deducted: int = 0  # how many of the last amounts are the one due less a deduction seen again and again
    rounded: int = 0  # 1: after those one more is the amount due by another rounding; 2: of both shares' sum at once
    top_up: bool = False  # a credit of twice its amount or more is something else


class Credit(NamedTuple):
    """One credit left to match; ``printed``: the accrual month it names, where that is believed."""

    month: int
    day: int
    amount: int
    left_price: int
    printed: int | None
    use_price: int = 0  # PRICES.outside where the credit belongs elsewhere by the cohort's steady lag
    named: bool = False  # its memo says what it is, no month's credit: linked alone and exactly or not at all


class Link(NamedTuple):
    """One group: lines (positions) and credits (positions), oldest first."""

    lines: tuple[int, ...]
    credits: tuple[int, ...]
    kind: str  # 1:1, N:1, 1:N, N:M, inexact
    which: tuple[int, ...] = ()  # in a group of lines: which of each line's accepted amounts it takes


class Edge(NamedTuple):
    """One way to deal with the line at ``at``: credits used, cost per usual lag."""

    span: int
    mask: int
    first: int
    last: int
    classes: tuple[int, ...]  # links of one class keep the order of lines and credits; empty: free to cross
    costs: tuple[int, ...]
    link: Link


class Frame(NamedTuple):
    """Everything the search depends on. Months and amounts are gone: people with the same history at another wage,
    or in another year, have equal frames and share one search.
    """

    streams: tuple[int, ...]
    normal: tuple[bool, ...]
    open_prices: tuple[int, ...]
    left_prices: tuple[int, ...]
    edges: tuple[tuple[Edge, ...], ...]
    lags: tuple[int, ...]
    start: int


def deviation(lag: int, usual: int, prices: Prices = PRICES) -> int:
    """The price of a lag against the usual one: early dearer than late, lateness no dearer than going and returning."""
    gap = lag - usual
    return min(gap * prices.late, LATEST) if gap >= 0 else -gap * prices.early


def shifted_deviation(lag: int, shift: int, usual: int) -> int:
    """:func:`deviation` where everybody's credits were ``shift`` months later: whom the delay spared is not early."""
    price = deviation(lag - shift, usual)
    return min(price, PRICES.late) if lag - shift < usual <= lag else price


@lru_cache(maxsize=1 << 14)
def deviations(lag: int, shift: int, lags: tuple[int, ...]) -> tuple[int, ...]:
    """:func:`shifted_deviation` against each usual lag: few differ, however many accounts there are."""
    return tuple(shifted_deviation(lag, shift, usual) for usual in lags)


def quarters_off(due: int, came: int) -> int:
    """By how many whole quarters of what is due a credit differs from it, at most four."""
    return min(abs(due - came) * 4 // due, 4) if due > 0 else 4


def is_beyond_top_up(due: int, came: int) -> bool:
    """Whether a credit is too much to be that of a top-up: these are small, and any credit is many times theirs."""
    return came >= 2 * due


def pair_lag(line: Line, credit: Credit) -> int | None:
    """Months from arrival to the credit if the pair is a candidate, else None; -1 where the lag is unknown."""
    if credit.printed is not None:
        if credit.printed != line.month:
            return None
        return max(credit.month - line.arrival, 0) if line.arrival is not None else -1
    if line.arrival is None:
        return -1 if 0 <= credit.month - line.month <= 5 * REACH_MONTHS else None
    lag = credit.month - line.arrival
    reach = ANNUAL_REACH_MONTHS if line.kind == "annual" else REACH_MONTHS
    if not 0 <= lag <= reach:
        return None
    if lag == 0 and line.day is not None and credit.day < line.day and not line.prepaid:
        return None
    return lag
