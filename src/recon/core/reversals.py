"""Which credit a reversal took back (DESIGN section 6): the month it prints, the refunded month's, else the latest.

In: the accounts' credits, the lines that take from them, and the payments. Out: what is left of each credit, and who
took it. Each reversal is asked three questions in turn, each a function here: which month does it print, which refund
is it of, which credit came twice; what none tells is taken of the latest. What is due when is learned from everybody
(:mod:`recon.core.credit_places`); the first pass itself, which learns it, goes by the account's own credits.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import Counter, defaultdict
from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import date

import polars as pl

from recon.core import months
from recon.core.credit_places import (
    PAYMENT_ACCOUNT,
    Account,
    Learned,
    Payments,
    Places,
    due_months,
    payments_of,
    places_of,
)
from recon.core.overlap import file_of
from recon.core.text import yuan_text
from recon.problems import Problem
from recon.tables import ACCOUNT

# So many months after a refund reached the payer, its share may still be taken from the account: the reach of a link.
REFUND_MONTHS = 12
ANEW_MONTHS = 3  # what is taken back and credited anew comes so soon
PART_MONTHS = 3  # a part of what came twice is taken back so soon
TWICE_MONTHS = 6  # and the whole so soon: later the latest equal credit is taken, as without one that came twice
MOST_ASKED = 200  # an account's reversals beyond these take the latest equal credit, whether or not it came twice


@dataclass(slots=True, eq=False)
class Item:
    """A credit, with what is left of it."""

    day: date
    left: int
    row_id: str
    printed: date | None
    month: int = field(init=False)

    def __post_init__(self) -> None:
        self.month = months.index(self.day)


@dataclass(frozen=True)
class Reversal:
    """A line that takes ``amount`` from an account."""

    day: date
    amount: int
    printed: date | None
    row_id: str


@dataclass(frozen=True)
class Refund:
    """One refunded payment: when it reached the payer, and where the credit of its month is to be found."""

    arrival: int
    month: int
    place: int  # the month in which the refunded payment's credit usually came
    else_place: int  # the same for whom a late run spared
    sums: frozenset[int]  # what that credit may have been
    shares: tuple[int, ...]  # what the account may have to give back, the stated sum first
    is_double: bool  # another payment of the month stays: only a second credit of it is to be given back
    part: tuple[int, int]  # the base refunded and the base paid, where no share is stated: that part of the credit


@dataclass
class _Record:
    """What is at hand of one account: its credits, the earliest first, its refunds not yet taken back, what was due."""

    items: list[Item] = field(default_factory=list)
    refunds: list[Refund] = field(default_factory=list)
    due: dict[int, list[int]] = field(default_factory=dict)  # by sum: the months in which one usually came
    placed: set[tuple[int, int]] = field(default_factory=set)  # month and sum of the credits of months paid once
    asked: int = 0  # how many of its reversals were asked for what came twice


_Takes = list[tuple[Item, int]]  # how much of which credit


def carry_out(
    credits: pl.DataFrame, takes: pl.DataFrame, payments: pl.DataFrame, learned: Learned | None = None
) -> tuple[dict[str, int], dict[str, str], list[Problem]]:
    """What is left of each credit a reversal touches, and the row that took from it last.

    The latest earlier equal one goes (of the month it prints, where it prints one, or whose premium was refunded by
    just this share, or whose printed month is credited anew, or that came twice: with it the account had more of that
    sum than was due until then); what the shares of several refunds add up to is taken from the credits of their
    months; else the latest larger one shrinks, of several of one day the one that stands in its own month's place; else
    the latest ones go together, if they add up to the sum, or are all there are and the rest is that of others. What no
    credit can bear is returned to nobody: it took back what is not at hand. learned: None where nothing is known of
    all yet.
    """
    if learned is not None:
        credits, takes = (_trusted_prints(each, learned.posting_prints) for each in (credits, takes))
    records = _records(credits, takes, payments, learned)
    left: dict[str, int] = {}
    takers: dict[str, str] = {}
    problems: list[Problem] = []
    for *key, day, amount, printed, row_id in takes.sort("posted_on", "amount_fen", "row_id").select(
        *ACCOUNT, "posted_on", -pl.col("amount_fen"), "accrual_month", "row_id"
    ).iter_rows():
        for item, fen in _taken(Reversal(day, amount, printed, row_id), records[tuple(key)]):
            item.left -= fen
            left[item.row_id], takers[item.row_id] = item.left, row_id
            amount -= fen
        if amount:
            file, _, place = row_id.partition("#")
            problems.append(Problem("unmatched-reversal", file, place, "amount_fen", yuan_text(amount)))
    return left, takers, problems


def _records(
    credits: pl.DataFrame, takes: pl.DataFrame, payments: pl.DataFrame, learned: Learned | None
) -> dict[Account, _Record]:
    """Of each account with a reversal what tells which credit it took."""
    records: dict[Account, _Record] = defaultdict(_Record)
    touched = credits.join(takes.select(ACCOUNT).unique(), on=ACCOUNT, how="semi", nulls_equal=True)
    for *key, day, fen, row_id, printed in touched.sort("posted_on", "amount_fen", "row_id").select(
        *ACCOUNT, "posted_on", "net_fen", "row_id", "accrual_month"
    ).iter_rows():
        records[tuple(key)].items.append(Item(day, fen, row_id, printed))
    paid = payments_of(payments)
    came = {account: [(item.month, item.left) for item in record.items] for account, record in records.items()}
    places = places_of(payments, paid, came, learned)
    for account, refunds in _refunded(payments, paid, places).items():
        records[account].refunds = refunds
    for account, due in due_months(paid, places).items():
        records[account].due = due
    for (*key, _), each in paid.items():
        if len(each) == 1:
            arrival, sums = each[0]
            records[tuple(key)].placed.update((places.of(tuple(key), arrival), fen) for fen in sums)
    return records


def _trusted_prints(rows: pl.DataFrame, posting_prints: tuple[str, ...]) -> pl.DataFrame:
    """``rows`` without the months printed in files where these are those of posting."""
    ignored = file_of().is_in(posting_prints)
    return rows.with_columns(pl.when(~ignored).then("accrual_month").alias("accrual_month"))


# ------------------------------------------------------------------------------------------------------- the questions


def _taken(reversal: Reversal, record: _Record) -> _Takes:
    """Which credits a reversal takes, and how much of each."""
    earlier = [item for item in record.items if item.day <= reversal.day and item.left > 0]
    if reversal.printed is not None:
        return _of_printed(reversal, reversal.printed, earlier)
    refunded = _of_refunds(reversal, earlier, record)
    return _of_latest(reversal, earlier, record) if refunded is None else refunded


def _of_printed(reversal: Reversal, printed: date, earlier: list[Item]) -> _Takes:
    """A printed month is best met by a credit that prints it, else by one posted in the month after it."""
    usual = months.index(printed) + 1
    return _best(reversal.amount, sorted(
        earlier, key=lambda item: (item.printed == printed, -abs(item.month - usual), item.day)))


def _of_refunds(reversal: Reversal, earlier: list[Item], record: _Record) -> _Takes | None:
    """What the refund of one month asks back, or of several together, which are done with it then; None: of no refund.

    Nothing is taken where the credit came before the first one at hand.
    """
    amount, month = reversal.amount, months.index(reversal.day)
    mine = [each for each in record.refunds if 0 <= month - each.arrival <= REFUND_MONTHS]
    asking = [each for each in mine if amount in each.shares and _has_credit(each, earlier, amount)]
    # One whose credit came before the first at hand asks last: what took that back is hardly at hand either.
    told = min(asking, key=lambda each: _is_before_all(each, record, earlier), default=None)
    if told is None:
        several = _several(mine, earlier, amount) or _in_proportion(mine, earlier, amount)
        for refund, _, _ in several:
            record.refunds.remove(refund)
        return [(item, share) for _, item, share in several] or None
    record.refunds.remove(told)
    if _is_before_all(told, record, earlier):
        return []
    if amount in told.sums:
        earlier = [item for item in earlier if item.left == amount]
    return _best(amount, sorted(earlier, key=lambda item: _nearness(told, item)))


def _is_before_all(refund: Refund, record: _Record, earlier: list[Item]) -> bool:
    """Whether the credit of the refunded month came before the first one at hand."""
    return bool(earlier) and refund.place < record.items[0].month


def _of_latest(reversal: Reversal, earlier: list[Item], record: _Record) -> _Takes:
    """What prints a month credited anew, came twice not long ago (ADR 0031), or the latest.

    A part is taken of what came twice soon after only.
    """
    amount, twice, now = reversal.amount, set[Item](), months.index(reversal.day)
    anew = {item.printed for item in record.items if item.day > reversal.day and item.month <= now + ANEW_MONTHS
            and item.left == amount and item.printed is not None}
    # Where the latest equal one came beside another, just it came twice.
    if record.asked < MOST_ASKED and not _is_second(earlier, amount):
        record.asked += 1
        twice = _came_twice(record.items, record.due, reversal.day)
    recent = {item for item in twice if item.month >= now - TWICE_MONTHS}
    ordered = sorted(earlier, key=lambda item: (
        item.printed in anew, item in recent, item.day, (item.month, item.left) in record.placed))
    return _best(amount, ordered, {item for item in twice if item.month < now - PART_MONTHS})


def _best(amount: int, ordered: list[Item], no_part: Collection[Item] = ()) -> _Takes:
    """``amount`` of the last that equals it, else a part of the last larger one, else several together.

    ordered: the best at the end; no_part: those of which a part is taken only where no other can bear it.
    """
    equal = [item for item in ordered if item.left == amount]
    larger = sorted((item for item in ordered if item.left > amount), key=lambda item: item not in no_part)
    found: _Takes = []
    for item in equal[-1:] or larger[-1:] or _together(ordered, amount):
        found.append((item, min(item.left, amount)))
        amount -= found[-1][1]
        if not amount:
            break
    return found


def _together(earlier: list[Item], amount: int) -> list[Item]:
    """The latest of ``earlier`` that ``amount`` takes back whole; none where the rest is a part of one."""
    hits: list[Item] = []
    for item in reversed(earlier):
        if item.left > amount:
            break
        hits.append(item)
        amount -= item.left
    return hits if not amount or amount >= max((item.left for item in hits), default=0) else []


def _is_second(earlier: list[Item], amount: int) -> bool:
    """Whether the latest credit of this sum came in the month of another one."""
    came = sorted(item.month for item in earlier if item.left == amount)
    return len(came) > 1 and came[-1] == came[-2]


def _came_twice(items: list[Item], due: dict[int, list[int]], until: date) -> set[Item]:
    """The second credits of a month, left as they are, with which the account first had more of a sum than was due.

    items: the account's, the earliest first; due: by sum the months in which one usually came. Counted from the first
    of both on; what is beyond the account's own lines is no second credit. Only where there still is one too many
    ``until`` the day of the reversal: not where another month went without, and not where more than is due comes soon
    after it, which looks like a month taken back and credited anew.
    """
    found: set[Item] = set()
    last = months.index(until)
    of_sum: dict[int, list[Item]] = defaultdict(list)
    for item in items:
        of_sum[item.left].append(item)
    for fen, its in of_sum.items():
        if len(its) < 2 or fen not in due:
            continue
        places = sorted(due[fen])
        later = sorted(item.month for item in its if item.day > until)
        gone = last in places and not any(item.month == last and item.day <= until for item in its)
        if any(bisect_right(later, end) > bisect_right(places, end) - bisect_right(places, last) + gone
               for end in range(last + 1, last + ANEW_MONTHS + 1)):
            continue
        begin, end = max(places[0], items[0].month), min(places[-1], last)
        came = [item for item in its if item.day <= until and begin <= item.month <= end]
        before = bisect_left(places, begin)
        most, twice = 0, set[Item]()
        for number, item in enumerate(came):
            if (more := number + 1 - (bisect_right(places, item.month) - before)) > most:
                most = more
                if number and came[number - 1].month == item.month:
                    twice.add(item)
        for month in (last - 1, last):
            if sum(item.month <= month for item in came) > max(bisect_right(places, month) - before, 0):
                found |= twice
    return found


# ----------------------------------------------------------------------------------------------------------- refunds


def _refunded(
    payments: pl.DataFrame, paid: Payments, places: Places
) -> dict[Account, list[Refund]]:
    """By account its refunds, that of the oldest month first; each of what had been paid for its month until then.

    A month that was paid twice lacks nothing after a refund.
    """
    refunds = payments.filter(pl.col("total_fen") < 0).sort(*PAYMENT_ACCOUNT, "month", "row_id", nulls_last=True)
    if refunds.is_empty():
        return {}
    bases = {tuple(key): base for *key, base in payments.filter(
        (pl.col("total_fen") > 0) & (pl.col("payment_kind") != "top_up")
    ).sort("row_id").select(*PAYMENT_ACCOUNT, "month", "arrival", "base_fen").iter_rows()}
    found: dict[Account, list[Refund]] = defaultdict(list)
    for *key, month, arrival, into, own, base in refunds.select(
        *PAYMENT_ACCOUNT, "month", pl.coalesce("arrival", "month"), "into_account_fen", "employee_fen", "base_fen"
    ).iter_rows():
        all_of = paid.get((*key, month), [])
        before = [each for each in all_of if each[0] <= arrival or len(all_of) == 1]
        if before:
            came, sums = before[-1]
            shares = tuple(dict.fromkeys(share for share in (abs(into or 0), abs(own or 0)) if share))
            if shares and shares[-1] in sums:  # all of it: its credit, too, where a flat sum was paid beside that
                shares = tuple(dict.fromkeys((*shares, *sorted(sums))))
            found[tuple(key)].append(Refund(
                arrival, month, places.of(tuple(key), came), came + places.lag(tuple(key)), frozenset(sums), shares,
                len(before) > 1, (0, 0) if into else (abs(base or 0), bases.get((*key, month, came)) or 0)))
    return found


def _nearness(refund: Refund, item: Item) -> tuple[bool, bool, int, date]:
    """Greatest for the credit of the refunded month: it prints it, has its sum, came in its place."""
    return (item.printed == months.first_day(refund.month), item.left in refund.sums,
            -abs(item.month - refund.place), item.day)


def _has_credit(refund: Refund, earlier: list[Item], amount: int) -> bool:
    """Whether what a refund asks back may have come: of a payment beside another one, a second credit in its place.

    Where the refund arrived before that place and no such sum came in it, nothing did, unless a credit prints the month
    or the place lies before the first one at hand.
    """
    if refund.is_double:
        twice = {month for month, count in Counter(item.month for item in earlier if item.left == amount).items()
                 if count > 1}
        return refund.place in twice or (not twice and bool(earlier) and refund.place < earlier[0].month)
    if refund.arrival >= refund.place or not earlier or refund.place < earlier[0].month:
        return True
    in_place = [item for item in earlier if item.month in (refund.place, refund.else_place)]
    printed = any(item.printed == months.first_day(refund.month) for item in earlier)
    return printed or any(item.left == amount or item.left in refund.sums for item in in_place)


def _several(refunds: list[Refund], earlier: list[Item], amount: int) -> list[tuple[Refund, Item, int]]:
    """Refunds of several months whose shares add up to ``amount``, each with the credit of its month and its share.

    Those that arrived together, or a run of months of them; nothing where a month's credit is not at hand.
    """
    alone = [refund for refund in refunds if not refund.is_double and refund.shares]
    for arrival in sorted({refund.arrival for refund in alone}):
        together = [refund for refund in alone if refund.arrival == arrival]
        for count in range(len(together), 1, -1):
            for first in range(len(together) - count + 1):
                run = together[first:first + count]
                for which in (0, -1):
                    if sum(refund.shares[which] for refund in run) == amount:
                        return _from_each(run, earlier, which)
    return []


def _in_proportion(refunds: list[Refund], earlier: list[Item], amount: int) -> list[tuple[Refund, Item, int]]:
    """The refund that asks back just its part of its month's credit, where no share is stated: by the bases.

    What a credit holds of the employer's premium is then not to be read off the line; each party's share was rounded.
    """
    for refund in refunds:
        less, whole = refund.part
        if refund.is_double or not 0 < less < whole:
            continue
        for item in sorted(earlier, key=lambda item: _nearness(refund, item), reverse=True):
            in_place = item.month in (refund.place, refund.else_place)
            if in_place and item.left > amount and abs(amount * whole - item.left * less) <= whole + less:
                return [(refund, item, amount)]
    return []


def _from_each(run: list[Refund], earlier: list[Item], which: int) -> list[tuple[Refund, Item, int]]:
    """The credit of each refunded month, a different one for each."""
    found: list[tuple[Refund, Item, int]] = []
    for refund in run:
        share = refund.shares[which]
        free = [item for item in earlier if item.left >= share and item.left in refund.sums
                and not any(item is taken for _, taken, _ in found)]
        if not free:
            return []
        found.append((refund, max(free, key=lambda item: _nearness(refund, item)), share))
    return found
