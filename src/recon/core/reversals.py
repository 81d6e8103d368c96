"""Which credit a reversal took back (DESIGN section 6): the month it prints, the refunded month's, else the latest.

In: the accounts' credits, the lines that take from them, and the payments. Out: what is left of each credit, and who
took it. What is due when is learned from everybody; the first pass itself, which learns it, goes by the account's own
credits.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import Counter, defaultdict
from dataclasses import dataclass
from datetime import date
from typing import Any

import polars as pl

from recon.core import months
from recon.core.lags import joined
from recon.core.overlap import file_of, payer_key
from recon.core.text import yuan_text
from recon.problems import Problem
from recon.tables import ACCOUNT

PAYMENT_ACCOUNT = ["person_id", "region", "account_scheme"]
_Account = tuple[object, ...]
_Paid = dict[_Account, tuple[int, set[int]]]  # account and month: arrival, the sums its credit may have
_Item = list[Any]  # day, left, row_id, printed month
_Credits = dict[_Account, list[_Item]]
# So many months after a refund reached the payer, its share may still be taken from the account: the reach of a link.
REFUND_MONTHS = 12
ANEW_MONTHS = 3  # what is taken back and credited anew comes so soon
PART_MONTHS = 3  # a part of what came twice is taken back so soon
MOST_ASKED = 200  # an account's reversals beyond these take the latest equal credit, whether or not it came twice
MAX_LAG = 5  # months from arrival to the credit that are looked at


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


@dataclass(frozen=True)
class Learned:
    """What the first pass says of everybody that a reversal's credit is told by: columns of the context.

    lag: region, scheme, payer, learned; own_lag: the account, own_learned; posting_prints: files whose printed months
    are those of posting; shift: the courses that regions' and payers' lags took (:data:`recon.core.shifts.SHIFT`);
    typical: region, typical: the lag of its schedule, where no other is learned.
    """

    lag: pl.DataFrame
    own_lag: pl.DataFrame
    posting_prints: tuple[str, ...]
    shift: pl.DataFrame
    typical: pl.DataFrame


def carry_out(
    credits: pl.DataFrame, takes: pl.DataFrame, payments: pl.DataFrame, learned: Learned | None = None
) -> tuple[dict[str, int], dict[str, str], list[Problem]]:
    """What is left of each credit a reversal touches, and the row that took from it last.

    The latest earlier equal one goes (of the month it prints, where it prints one, or whose premium was refunded by
    just this share, or that came twice: with it the account had more of that sum than was due until then); what the
    shares of several refunds add up to is taken from the credits of their months; else the
    latest larger one shrinks, of several of one day the one that stands in its own month's place; else the latest ones
    go together, if they add up to the sum, or are all there are and the rest is that of others. What no credit can bear
    is returned to nobody: it took back what is not at hand. learned: None where nothing is known of all yet.
    """
    accounts = takes.select(ACCOUNT).unique()
    if learned is not None:
        credits, takes = (_trusted_prints(each, learned.posting_prints) for each in (credits, takes))
    touched = credits.join(accounts, on=ACCOUNT, how="semi", nulls_equal=True)
    by_account: _Credits = defaultdict(list)
    order = ["posted_on", "amount_fen", "row_id"]
    for row in touched.sort(order).select(*ACCOUNT, "posted_on", "net_fen", "row_id", "accrual_month").iter_rows():
        by_account[row[:3]].append(list(row[3:]))
    payments_of = _payments_of(payments)
    paid = {key: each[0] for key, each in payments_of.items() if len(each) == 1}
    known, common, courses = ({}, {}, {}) if learned is None else _common_lags(payments, learned)
    places = _places(_usual_lags(paid, by_account, known), common, courses)
    refunds = _refunded(payments, payments_of, places)
    placed = {(*account, places.of(tuple(account), arrival), fen)
              for (*account, _), (arrival, sums) in paid.items() for fen in sums}
    due = _due_months(payments_of, places)
    left: dict[str, int] = {}
    takers: dict[str, str] = {}
    problems: list[Problem] = []
    asked: Counter[_Account] = Counter()

    def take(item: _Item, fen: int, taker: str) -> None:
        item[1] -= fen
        left[item[2]], takers[item[2]] = item[1], taker

    for row in takes.sort("posted_on", "amount_fen", "row_id").select(
        *ACCOUNT, "posted_on", "amount_fen", "accrual_month", "row_id"
    ).iter_rows():
        account, day, amount, printed = row[:3], row[3], -row[4], row[5]
        earlier = [item for item in by_account[row[:3]] if item[0] <= day and item[1] > 0]
        twice: set[str] = set()
        if printed is not None:
            # A printed month is best met by a credit that prints it, else by one posted in the month after it.
            usual = months.index(printed) + 1
            earlier.sort(key=lambda item: (item[3] == printed, -abs(months.index(item[0]) - usual), item[0]))
        else:
            mine = [each for each in refunds.get(account, ()) if 0 <= months.index(day) - each.arrival <= REFUND_MONTHS]
            told = next((each for each in mine if amount in each.shares and _has_credit(each, earlier, amount)), None)
            several = [] if told else _several(mine, earlier, amount)
            if told:
                refunds[account].remove(told)
                if not told.is_double and earlier and told.place < months.index(by_account[account][0][0]):
                    earlier = []  # the credit came before the first at hand
                elif amount in told.sums:
                    earlier = [item for item in earlier if item[1] == amount]
                earlier.sort(key=lambda item: _nearness(told, item))
            elif several:
                for refund, item, share in several:
                    refunds[account].remove(refund)
                    take(item, share, row[6])
                continue
            else:
                # Where the latest equal one came beside another, just it came twice.
                if asked[account] < MOST_ASKED and not _is_second(earlier, amount):
                    asked[account] += 1
                    twice = _came_twice(by_account[account], due.get(account, {}), day)
                earlier.sort(key=lambda item: (
                    item[2] in twice, item[0], (*account, months.index(item[0]), item[1]) in placed))
        equal = [item for item in earlier if item[1] == amount]
        # A part is taken back of what came twice soon after it; later of the latest that can bear it.
        long_ago = months.index(day) - PART_MONTHS
        larger = sorted((item for item in earlier if item[1] > amount),
                        key=lambda item: item[2] not in twice or months.index(item[0]) >= long_ago)
        for hit in equal[-1:] or larger[-1:] or _together(earlier, amount):
            taken = min(hit[1], amount)
            take(hit, taken, row[6])
            amount -= taken
            if not amount:
                break
        if amount:
            file, _, place = row[6].partition("#")
            problems.append(Problem("unmatched-reversal", file, place, "amount_fen", yuan_text(amount)))
    return left, takers, problems


def _due_months(
    payments: dict[_Account, list[tuple[int, set[int]]]], places: _Places
) -> dict[_Account, dict[int, list[int]]]:
    """By account and sum the months in which a credit of it usually came: one for each payment, and month without."""
    found: dict[_Account, dict[int, list[int]]] = defaultdict(lambda: defaultdict(list))
    paid: dict[_Account, set[int]] = defaultdict(set)
    for (*key, month), each in payments.items():
        account = tuple(key)
        paid[account].add(int(str(month)))
        for arrival, sums in each:
            for fen in sums:
                found[account][fen].append(places.of(account, arrival))
    for account, shown in paid.items():
        unshown = [places.of(account, month) for month in range(min(shown), max(shown)) if month not in shown]
        for due in found[account].values():
            due += unshown
    return found


def _is_second(earlier: list[_Item], amount: int) -> bool:
    """Whether the latest credit of this sum came in the month of another one."""
    came = sorted(item[0] for item in earlier if item[1] == amount)
    return len(came) > 1 and months.index(came[-1]) == months.index(came[-2])


def _came_twice(items: list[_Item], due: dict[int, list[int]], until: date) -> set[str]:
    """The second credits of a month, left as they are, with which the account first had more of a sum than was due.

    items: the account's, the earliest first; due: by sum the months in which one usually came. Counted from the first
    of both on; what is beyond the account's own lines is no second credit. Only where there still is one too many
    ``until`` the day of the reversal: not where another month went without, and not where more than is due comes soon
    after it, which looks like a month taken back and credited anew.
    """
    found: set[str] = set()
    last = months.index(until)
    of_sum: dict[int, list[_Item]] = defaultdict(list)
    for item in items:
        of_sum[item[1]].append(item)
    for fen, its in of_sum.items():
        if len(its) < 2 or fen not in due:
            continue
        places = sorted(due[fen])
        came_in = {months.index(item[0]) for item in its if item[0] <= until}
        later = sorted(months.index(item[0]) for item in its if item[0] > until)
        gone = last in places and last not in came_in
        if any(bisect_right(later, end) > bisect_right(places, end) - bisect_right(places, last) + gone
               for end in range(last + 1, last + ANEW_MONTHS + 1)):
            continue
        begin, end = max(places[0], months.index(items[0][0])), min(places[-1], last)
        came = [(months.index(item[0]), item[2]) for item in its if item[0] <= until]
        came = [(month, name) for month, name in came if begin <= month <= end]
        before = bisect_left(places, begin)
        most, twice = 0, set()
        for number, (month, name) in enumerate(came):
            if (more := number + 1 - (bisect_right(places, month) - before)) > most:
                most = more
                if number and came[number - 1][0] == month:
                    twice.add(name)
        for month in (last - 1, last):
            if sum(each <= month for each, _ in came) > max(bisect_right(places, month) - before, 0):
                found |= twice
    return found


@dataclass(frozen=True)
class _Places:
    """Where an account's credits usually come: its lag, and the course that its region or payer took."""

    lags: dict[_Account, int]
    common: dict[_Account, int]
    courses: dict[_Account, dict[int, int]]

    def lag(self, account: _Account) -> int:
        """Months from arrival to credit."""
        return self.lags.get(account, 1)

    def of(self, account: _Account, arrival: int) -> int:
        """The month of the credit of what arrived then."""
        place, course = arrival + self.lag(account), self.courses.get(account)
        return place + course.get(place - self.common[account], 0) if course else place


def _places(
    lags: dict[_Account, int], common: dict[_Account, int], courses: dict[_Account, dict[int, int]]
) -> _Places:
    """:class:`_Places` of accounts' own lags; one that lies on the course is nobody's own."""
    on_course = {
        account: common[account] for account, course in courses.items()
        if min(0, *course.values()) <= lags.get(account, 1) - common[account] <= max(0, *course.values())
    }
    return _Places(lags | on_course, common, courses)


def _trusted_prints(rows: pl.DataFrame, posting_prints: tuple[str, ...]) -> pl.DataFrame:
    """``rows`` without the months printed in files where these are those of posting."""
    ignored = file_of().is_in(posting_prints)
    return rows.with_columns(pl.when(~ignored).then("accrual_month").alias("accrual_month"))


def _nearness(refund: Refund, item: _Item) -> tuple[bool, bool, int, Any]:
    """Greatest for the credit of the refunded month: it prints it, has its sum, came in its place."""
    return (item[3] == months.first_day(refund.month), item[1] in refund.sums,
            -abs(months.index(item[0]) - refund.place), item[0])


def _has_credit(refund: Refund, earlier: list[_Item], amount: int) -> bool:
    """Whether what a refund asks back may have come: of a payment beside another one, a second credit in its place.

    Where the refund arrived before that place and no such sum came in it, nothing did, unless a credit prints the month
    or the place lies before the first one at hand.
    """
    if refund.is_double:
        return sum(bool(months.index(item[0]) == refund.place and item[1] == amount) for item in earlier) > 1
    if refund.arrival >= refund.place or not earlier or refund.place < months.index(earlier[0][0]):
        return True
    in_place = [item for item in earlier if months.index(item[0]) in (refund.place, refund.else_place)]
    printed = any(item[3] == months.first_day(refund.month) for item in earlier)
    return printed or any(item[1] == amount or item[1] in refund.sums for item in in_place)


def _several(refunds: list[Refund], earlier: list[_Item], amount: int) -> list[tuple[Refund, _Item, int]]:
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


def _from_each(run: list[Refund], earlier: list[_Item], which: int) -> list[tuple[Refund, _Item, int]]:
    """The credit of each refunded month, a different one for each."""
    found: list[tuple[Refund, _Item, int]] = []
    for refund in run:
        share = refund.shares[which]
        free = [item for item in earlier if item[1] >= share and item[1] in refund.sums
                and not any(item is taken for _, taken, _ in found)]
        if not free:
            return []
        found.append((refund, max(free, key=lambda item: _nearness(refund, item)), share))
    return found


def _payments_of(payments: pl.DataFrame) -> dict[_Account, list[tuple[int, set[int]]]]:
    """By account and month its payments, the earliest first: their arrival, and the sums their credit may have."""
    known = payments.filter(
        (pl.col("total_fen") > 0) & (pl.col("payment_kind") != "top_up") & pl.col("arrival").is_not_null())
    found: dict[_Account, list[tuple[int, set[int]]]] = defaultdict(list)
    for *key, month, arrival, into, own, share in known.sort("arrival", "row_id").select(
        *PAYMENT_ACCOUNT, "month", "arrival", "into_account_fen", "employee_fen",
        ((pl.col("base_fen") * 2 + 50) // 100).alias("share"),  # the credit where the premium holds a flat sum, too
    ).iter_rows():
        found[*key, month].append((arrival, {into or 0, own or 0, share or 0} - {0}))
    return found


def _usual_lags(paid: _Paid, credits: _Credits, common: dict[_Account, int]) -> dict[_Account, int]:
    """Months from arrival to credit: those that most sums of an account fit, of equal ones the nearest to one month.

    Learned ones (``common``) stay, unless at another lag more sums fit and fewer lines lack theirs up to the last
    credit: with one sum throughout, the ends of the record alone make others fit as well.
    """
    came = {(*account, months.index(item[0]), item[1]) for account, items in credits.items() for item in items}
    newest = {account: months.index(items[-1][0]) for account, items in credits.items()}
    fits: dict[_Account, Counter[int]] = defaultdict(Counter)
    lacks: dict[_Account, Counter[int]] = defaultdict(Counter)
    for (*key, _), (arrival, sums) in paid.items():
        account = tuple(key)
        for lag in range(MAX_LAG + 1):
            there = any((*account, arrival + lag, fen) in came for fen in sums)
            fits[account][lag] += there
            lacks[account][lag] += not there and arrival + lag <= newest.get(account, arrival)
    usual: dict[_Account, int] = {}
    for account, fit in fits.items():
        known, lack = common.get(account), lacks[account]
        better = [lag for lag in fit if known is None or (fit[lag] > fit[known] and lack[lag] < lack[known])]
        usual[account] = min(better, key=lambda lag: (-fit[lag], abs(lag - 1), lag), default=known or 0)
    return usual


def _common_lags(
    payments: pl.DataFrame, learned: Learned
) -> tuple[dict[_Account, int], dict[_Account, int], dict[_Account, dict[int, int]]]:
    """The lag known of each account, that of its colleagues (else its region's schedule's), and the shifts by arrival.

    The last where its payer or region took a course.
    """
    accounts = payments.group_by(PAYMENT_ACCOUNT).agg(payer_key().min().alias("payer")).rename(
        {"account_scheme": "scheme"})
    told = joined(accounts, learned.lag, "learned").join(
        learned.own_lag, on=ACCOUNT, how="left", nulls_equal=True, maintain_order="left"
    ).join(learned.typical, on="region", how="left", nulls_equal=True, maintain_order="left")
    paths: dict[_Account, dict[int, int]] = defaultdict(dict)
    for region, scheme, payer, arrival, shift in learned.shift.select(
        "region", "scheme", "payer", "arrival", "shift").iter_rows():
        paths[region, scheme, payer][arrival] = shift
    known: dict[_Account, int] = {}
    common: dict[_Account, int] = {}
    courses: dict[_Account, dict[int, int]] = {}
    for person, region, scheme, payer, own, lag in told.select(
        *ACCOUNT, "payer", "own_learned", pl.coalesce("learned", "typical").alias("lag")
    ).iter_rows():
        if own is not None or lag is not None:
            known[person, region, scheme] = lag if own is None else own
        if lag is None:
            continue
        common[person, region, scheme] = lag
        course = paths.get((region, scheme, payer)) or paths.get((region, scheme, None))
        if course and any(course.values()):
            courses[person, region, scheme] = course
    return known, common, courses


def _refunded(
    payments: pl.DataFrame, paid: dict[_Account, list[tuple[int, set[int]]]], places: _Places
) -> dict[_Account, list[Refund]]:
    """By account its refunds, that of the oldest month first; each of what had been paid for its month until then.

    A month that was paid twice lacks nothing after a refund.
    """
    refunds = payments.filter(pl.col("total_fen") < 0).sort(*PAYMENT_ACCOUNT, "month", "row_id", nulls_last=True)
    found: dict[_Account, list[Refund]] = defaultdict(list)
    for *key, month, arrival, into, own in refunds.select(
        *PAYMENT_ACCOUNT, "month", pl.coalesce("arrival", "month"), "into_account_fen", "employee_fen"
    ).iter_rows():
        all_of = paid.get((*key, month), [])
        before = [each for each in all_of if each[0] <= arrival or len(all_of) == 1]
        if before:
            came, sums = before[-1]
            shares = tuple(dict.fromkeys(share for share in (abs(into or 0), abs(own or 0)) if share))
            found[tuple(key)].append(Refund(
                arrival, month, places.of(tuple(key), came), came + places.lag(tuple(key)), frozenset(sums), shares,
                len(before) > 1))
    return found


def _together(earlier: list[_Item], amount: int) -> list[_Item]:
    """The latest of ``earlier`` that ``amount`` takes back whole; none where the rest is a part of one."""
    hits: list[_Item] = []
    for item in reversed(earlier):
        if item[1] > amount:
            break
        hits.append(item)
        amount -= item[1]
    return hits if not amount or amount >= max((item[1] for item in hits), default=0) else []
