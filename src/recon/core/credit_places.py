"""Where an account's credits usually come: the month in which what was paid for a month is credited.

In: payments, the accounts' credits, and what the first pass learned of everybody (:class:`Learned`). Out:
:class:`Places`, by which a reversal's credit is found (:mod:`recon.core.reversals`).
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import polars as pl

from recon.core.lags import joined
from recon.core.overlap import payer_key
from recon.tables import ACCOUNT

PAYMENT_ACCOUNT = ["person_id", "region", "account_scheme"]
Account = tuple[object, ...]  # person, region, scheme
Payments = dict[Account, list[tuple[int, set[int]]]]  # account and month: arrival, the sums its credit may have
MAX_LAG = 5  # months from arrival to the credit that are looked at
MORE_SUMS = 2  # so many sums more must fit an account's own lag than the one learned of all, where not all do


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


@dataclass(frozen=True)
class Places:
    """An account's lag, and the course that its region or payer took."""

    lags: Mapping[Account, int]
    common: Mapping[Account, int]
    courses: Mapping[Account, Mapping[int, int]]

    def lag(self, account: Account) -> int:
        """Months from arrival to credit."""
        return self.lags.get(account, 1)

    def of(self, account: Account, arrival: int) -> int:
        """The month of the credit of what arrived then."""
        place, course = arrival + self.lag(account), self.courses.get(account)
        return place + course.get(place - self.common[account], 0) if course else place


def payments_of(payments: pl.DataFrame) -> Payments:
    """By account and month its payments, the earliest first: their arrival, and the sums their credit may have."""
    known = payments.filter(
        (pl.col("total_fen") > 0) & (pl.col("payment_kind") != "top_up") & pl.col("arrival").is_not_null())
    found: Payments = defaultdict(list)
    for *key, month, arrival, into, own, share in known.sort("arrival", "row_id").select(
        *PAYMENT_ACCOUNT, "month", "arrival", "into_account_fen", "employee_fen",
        ((pl.col("base_fen") * 2 + 50) // 100).alias("share"),  # the credit where the premium holds a flat sum, too
    ).iter_rows():
        found[*key, month].append((arrival, {into or 0, own or 0, share or 0} - {0}))
    return found


def places_of(
    payments: pl.DataFrame, paid: Payments, came: Mapping[Account, Sequence[tuple[int, int]]], learned: Learned | None
) -> Places:
    """:class:`Places` of the accounts of ``payments``; an account's lag that lies on the course is nobody's own.

    paid: :func:`payments_of`; came: month and sum of the account's credits, the earliest first. learned: None where
    nothing is known of all yet.
    """
    known, common, courses = ({}, {}, {}) if learned is None else _common_lags(payments, learned)
    lags = _usual_lags(paid, came, known)
    on_course = {
        account: common[account] for account, course in courses.items()
        if min(0, *course.values()) <= lags.get(account, 1) - common[account] <= max(0, *course.values())
    }
    return Places(lags | on_course, common, courses)


def due_months(paid: Payments, places: Places) -> dict[Account, dict[int, list[int]]]:
    """By account and sum the months in which a credit of it usually came: one for each payment, and month without."""
    found: dict[Account, dict[int, list[int]]] = defaultdict(lambda: defaultdict(list))
    shown_of: dict[Account, set[int]] = defaultdict(set)
    for (*key, month), each in paid.items():
        account = tuple(key)
        shown_of[account].add(int(str(month)))
        for arrival, sums in each:
            for fen in sums:
                found[account][fen].append(places.of(account, arrival))
    for account, shown in shown_of.items():
        unshown = [places.of(account, month) for month in range(min(shown), max(shown)) if month not in shown]
        for due in found[account].values():
            due += unshown
    return found


def _usual_lags(
    paid: Payments, came: Mapping[Account, Sequence[tuple[int, int]]], known: Mapping[Account, int]
) -> dict[Account, int]:
    """Months from arrival to credit: those that most sums of an account fit, of equal ones the nearest to one month.

    Only months paid once are asked. Learned lags (``known``) stay, unless at another lag more sums fit (by
    :data:`MORE_SUMS`, or so that every credit is one's) and fewer lines lack theirs up to the last credit: with one sum
    throughout, the ends of the record alone make others fit as well, and a late run near an end makes them fit better.
    """
    there_are = {(*account, month, fen) for account, items in came.items() for month, fen in items}
    newest = {account: items[-1][0] for account, items in came.items() if items}
    fits: dict[Account, Counter[int]] = defaultdict(Counter)
    lacks: dict[Account, Counter[int]] = defaultdict(Counter)
    for (*key, _), each in paid.items():
        if len(each) > 1:
            continue
        account, (arrival, sums) = tuple(key), each[0]
        for lag in range(MAX_LAG + 1):
            there = any((*account, arrival + lag, fen) in there_are for fen in sums)
            fits[account][lag] += there
            lacks[account][lag] += not there and arrival + lag <= newest.get(account, arrival)
    usual: dict[Account, int] = {}
    for account, fit in fits.items():
        lag_known, lack = known.get(account), lacks[account]
        better = [lag for lag in fit if lag_known is None or (lack[lag] < lack[lag_known] and fit[lag] > fit[lag_known]
                  and fit[lag] >= min(fit[lag_known] + MORE_SUMS, len(came.get(account, ()))))]
        usual[account] = min(better, key=lambda lag: (-fit[lag], abs(lag - 1), lag), default=lag_known or 0)
    return usual


def _common_lags(
    payments: pl.DataFrame, learned: Learned
) -> tuple[dict[Account, int], dict[Account, int], dict[Account, dict[int, int]]]:
    """The lag known of each account, that of its colleagues (else its region's schedule's), and the shifts by arrival.

    The last where its payer or region took a course.
    """
    accounts = payments.group_by(PAYMENT_ACCOUNT).agg(payer_key().min().alias("payer")).rename(
        {"account_scheme": "scheme"})
    told = joined(accounts, learned.lag, "learned").join(
        learned.own_lag, on=ACCOUNT, how="left", nulls_equal=True, maintain_order="left"
    ).join(learned.typical, on="region", how="left", nulls_equal=True, maintain_order="left")
    paths: dict[Account, dict[int, int]] = defaultdict(dict)
    for region, scheme, payer, arrival, shift in learned.shift.select(
        "region", "scheme", "payer", "arrival", "shift").iter_rows():
        paths[region, scheme, payer][arrival] = shift
    known: dict[Account, int] = {}
    common: dict[Account, int] = {}
    courses: dict[Account, dict[int, int]] = {}
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
