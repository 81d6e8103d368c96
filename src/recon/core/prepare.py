"""First steps on the input tables: one spelling, one view of each payment, one count of each line.

In: canonical input tables. Out: the same tables with defaults filled, ``duplicate_of`` set, the accounts numbered and
reversals carried out. Nothing is dropped from the tables that are written; later steps look at the kept rows only.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass
from typing import Any

import polars as pl

from recon.core import months
from recon.core.months import index_of
from recon.core.overlap import (
    BILL_PROOFS,
    mark_amended_flows,
    mark_repeated_contributions,
    mark_repeated_flows,
    one_ledger,
)
from recon.core.text import yuan_text
from recon.problems import Problem
from recon.tables import ACCOUNT, SCHEME_ACCOUNT, SIDE_SCHEMES, conform_all

SUBSIDY = "补助"  # what the memo of a credit says that is a subsidy


@dataclass(frozen=True)
class Prepared:
    """Tables ready for the core. ``contribution`` and ``flow`` carry ``account_scheme`` / net amounts as noted."""

    tables: dict[str, pl.DataFrame]
    contribution: pl.DataFrame  # kept rows; + account_scheme, month, arrival, arrival_day, total_fen, is_side
    credit: pl.DataFrame  # uncancelled credits; + month, net_fen, printed
    undone: pl.DataFrame  # account, due (month posted), undone_rows: credits that reversals took back whole
    problems: list[Problem]


def prepare(tables: dict[str, pl.DataFrame]) -> Prepared:
    """Fill defaults, find repeated lines, carry out reversals (see :class:`Prepared`)."""
    tables = conform_all(tables)
    problems: list[Problem] = []
    tables["person"] = _one_row_each(tables["person"])
    tables["contribution"] = _fill_contribution(tables["contribution"], tables["person"])
    tables["contribution"], found = mark_repeated_contributions(tables["contribution"], tables["coverage"])
    problems += found
    # A wallet shows that the account paid; it is no account, and covers none.
    own = tables["flow"].filter(pl.col("ledger").fill_null("app") != "wallet")
    tables["flow"] = _fill_flow(own, tables["contribution"], tables["person"])
    tables["flow"], found = mark_amended_flows(mark_repeated_flows(tables["flow"]), tables["coverage"])
    problems += found
    payments = _payment_view(tables["contribution"])
    credit, undone, found = _credit_view(tables["flow"], payments)
    return Prepared(tables, payments, credit, undone, problems + found)


def is_subsidy() -> pl.Expr:
    """Whether the memo of a credit says that it is a subsidy, no month's credit."""
    return pl.col("memo").str.contains(SUBSIDY, literal=True).fill_null(False)


def payer_key() -> pl.Expr:
    """Who pays, as far as the row says: the payer, else the employer."""
    return pl.coalesce("payer", "employer").fill_null("")


def _one_row_each(person: pl.DataFrame) -> pl.DataFrame:
    """One row per person: of several rosters, each column's first stated value in a fixed order of rows."""
    if person.height == person["person_id"].n_unique():
        return person
    columns = [name for name in person.columns if name != "person_id"]
    ordered = person.sort(person.columns, nulls_last=True)
    return ordered.group_by("person_id", maintain_order=True).agg(
        pl.col(name).drop_nulls().first() for name in columns
    ).select(person.columns)


def _fill_contribution(contribution: pl.DataFrame, person: pl.DataFrame) -> pl.DataFrame:
    known = person.select("person_id", pl.col("region").alias("_region"), pl.col("tier").alias("_tier"))
    own = contribution.filter(pl.col("region").is_not_null()).group_by("person_id").agg(
        pl.when(pl.col("region").n_unique() == 1).then(pl.col("region").first()).alias("_own")
    )
    proof = pl.col("proof").fill_null("fund_record")
    arrived = pl.any_horizontal(pl.col("paid_on", "treasury_on", "allocated_on").is_not_null())
    return (
        contribution.join(known, on="person_id", how="left").join(own, on="person_id", how="left")
        .with_columns(
            pl.coalesce("region", "_region", "_own"),
            pl.coalesce("tier", "_tier"),
            pl.col("scheme").fill_null(SCHEME_ACCOUNT),
            proof.alias("proof"),
            pl.col("payment_kind").fill_null("normal"),
            pl.when(proof.is_in(BILL_PROOFS)).then(None)
            # Put off by leave (缓缴): that the record says unpaid accuses nobody.
            .when(pl.col("deferred").fill_null(False) & (pl.col("paid") == False)).then(None)  # noqa: E712
            .when(pl.col("paid").is_null() & (arrived | (proof == "tax_receipt"))).then(True)
            .otherwise(pl.col("paid")).alias("paid"),
        )
        .drop("_region", "_tier", "_own")
    )


def _payment_view(contribution: pl.DataFrame) -> pl.DataFrame:
    """Kept payment lines with the numbers the core works on (see :class:`Prepared`)."""
    side = pl.col("scheme").is_in(SIDE_SCHEMES)
    normal = pl.col("payment_kind") == "normal"
    month = index_of(pl.col("accrual_month"))
    arrival = pl.coalesce(
        index_of(pl.col("paid_on")), index_of(pl.col("booked_month")), pl.when(normal).then(month)
    )
    stated = pl.col("employee_fen").fill_null(0) + pl.col("employer_fen").fill_null(0)
    # Some exports print what was refunded without a sign.
    total = pl.when(pl.col("payment_kind") == "refund").then(-stated.abs()).otherwise(stated)
    return contribution.filter(pl.col("duplicate_of").is_null()).with_columns(
        pl.when(side).then(pl.lit(SCHEME_ACCOUNT)).otherwise(pl.col("scheme")).alias("account_scheme"),
        side.alias("is_side"),
        month.alias("month"),
        arrival.alias("arrival"),
        pl.col("paid_on").alias("arrival_day"),
        total.alias("total_fen"),
        pl.when(pl.col("paid") == True).then(total).otherwise(0).alias("contributed_fen"),  # noqa: E712  null is false
    )


# --------------------------------------------------------------------------------------------------------- flows


def _fill_flow(flow: pl.DataFrame, contribution: pl.DataFrame, person: pl.DataFrame) -> pl.DataFrame:
    """Defaults for a flow: the account's scheme, and the person's region where the export names none."""
    flow = flow.with_columns(pl.col("scheme").fill_null(SCHEME_ACCOUNT))
    if flow["region"].null_count() == 0:
        return flow
    known = (
        pl.concat([
            contribution.select("person_id", "region", (-index_of(pl.col("accrual_month"))).alias("_rank")),
            person.select("person_id", "region", pl.lit(0, dtype=pl.Int32).alias("_rank")),
        ])
        .drop_nulls("region").sort("_rank", "region")
        .group_by("person_id", maintain_order=True).agg(pl.col("region").first().alias("_region"))
    )
    return flow.join(known, on="person_id", how="left").with_columns(pl.coalesce("region", "_region")).drop("_region")


def _credit_view(flow: pl.DataFrame, payments: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame, list[Problem]]:
    """Credits that count: kept, positive, less what reversals took back (``net_fen``), with month numbers.

    Second, the credits that were taken back whole, per account and month posted.
    """
    takers: dict[str, str] = {}
    kept, problems = one_ledger(flow.filter(pl.col("duplicate_of").is_null()))
    takes = kept.filter(
        ((pl.col("flow_kind") == "reversal") | (pl.col("flow_kind") == "credit")) & (pl.col("amount_fen") < 0)
    )
    credits = kept.filter((pl.col("flow_kind") == "credit") & (pl.col("amount_fen") > 0)).with_columns(
        pl.col("amount_fen").alias("net_fen")
    )
    if takes.height:
        mine = payments.filter(~pl.col("is_side") & (pl.col("paid") == True)).join(  # noqa: E712
            takes.select("person_id", "region", pl.col("scheme").alias("account_scheme")).unique(),
            on=_PAYMENT_ACCOUNT, how="semi", nulls_equal=True)
        left, takers, found = _carry_out_reversals(credits, takes, mine)
        problems += found
        credits = credits.with_columns(
            pl.col("row_id").replace_strict(left, default=None, return_dtype=pl.Int64).fill_null(pl.col("net_fen"))
            .alias("net_fen")
        )
    counted = credits.filter(pl.col("net_fen") > 0).with_columns(
        index_of(pl.col("posted_on")).alias("month"), index_of(pl.col("accrual_month")).alias("printed")
    ).sort("person_id", "region", "scheme", "posted_on", "net_fen", "printed", "balance_fen", "row_id",
           nulls_last=True)
    undone = credits.filter(pl.col("net_fen") <= 0).group_by(
        *ACCOUNT, index_of(pl.col("posted_on")).alias("due")
    ).agg(pl.concat([
        pl.col("row_id"), pl.col("row_id").replace_strict(takers, default=None, return_dtype=pl.String),
    ]).drop_nulls().sort().str.join("; ").alias("undone_rows"))
    return counted, undone, problems


_PAYMENT_ACCOUNT = ["person_id", "region", "account_scheme"]
_Account = tuple[object, ...]
_Credits = dict[_Account, list[list[Any]]]  # day, left, row_id, printed month
_Paid = dict[_Account, tuple[int, set[int]]]  # account and month: arrival, the sums its credit may have
_Refunds = dict[_Account, list[tuple[int, int, set[int], int]]]
# So many months after a refund reached the payer, its share may still be taken from the account.
REFUND_MONTHS = 6
MAX_LAG = 5  # months from arrival to the credit that are looked at


def _paid_alone(payments: pl.DataFrame) -> _Paid:
    """Of each month with one payment: its arrival, and the sums its credit may have."""
    alone = payments.filter(
        (pl.col("total_fen") > 0) & (pl.col("payment_kind") != "top_up") & pl.col("arrival").is_not_null()
    ).filter(pl.len().over(*_PAYMENT_ACCOUNT, "month") == 1)
    return {
        (*key, month): (arrival, {into or 0, own or 0, share or 0} - {0}) for *key, month, arrival, into, own, share in
        alone.select(
            *_PAYMENT_ACCOUNT, "month", "arrival", "into_account_fen", "employee_fen",
            ((pl.col("base_fen") * 2 + 50) // 100).alias("share"),  # the credit where the premium holds a flat sum, too
        ).iter_rows()
    }


def _usual_lags(paid: _Paid, credits: _Credits) -> dict[_Account, int]:
    """Months from arrival to credit that most sums of an account fit; of equal ones the nearest to one month."""
    came = {(*account, months.index(item[0]), item[1]) for account, items in credits.items() for item in items}
    fits: dict[_Account, Counter[int]] = defaultdict(Counter)
    for (*account, _), (arrival, sums) in paid.items():
        for lag in range(MAX_LAG + 1):
            fits[tuple(account)][lag] += any((*account, arrival + lag, fen) in came for fen in sums)
    return {account: min(count, key=lambda lag: (-count[lag], abs(lag - 1), lag)) for account, count in fits.items()}


def _refunded(payments: pl.DataFrame, paid: _Paid, lags: dict[_Account, int]) -> _Refunds:
    """By account and share of a refund: when it arrived, the month of its month's credit, that one's sums, its month.

    Of several refunded months the oldest first. A month that two payers paid lacks nothing after a refund.
    """
    refunds = payments.filter(pl.col("total_fen") < 0).sort(*_PAYMENT_ACCOUNT, "month", "row_id", nulls_last=True)
    found: _Refunds = defaultdict(list)
    for *key, month, arrival, into, own in refunds.select(
        *_PAYMENT_ACCOUNT, "month", pl.coalesce("arrival", "month"), "into_account_fen", "employee_fen"
    ).iter_rows():
        if (*key, month) in paid:
            came, sums = paid[*key, month]
            for share in {abs(into or 0), abs(own or 0)} - {0}:
                found[*key, share].append((arrival, came + lags[tuple(key)], sums, month))
    return found


def _carry_out_reversals(
    credits: pl.DataFrame, takes: pl.DataFrame, payments: pl.DataFrame
) -> tuple[dict[str, int], dict[str, str], list[Problem]]:
    """What is left of each credit a reversal touches, and the row that took from it last.

    The latest earlier equal one goes (of the month it prints, where it prints one, or whose premium was refunded by
    just this share); else the latest larger one shrinks, of several of one day the one that stands in its own month's
    place; else the latest ones go together, if they add up to the sum, or are all there are and the rest is that of
    others. What no credit can bear is returned to nobody: it took back what is not at hand.
    """
    accounts = takes.select(ACCOUNT).unique()
    touched = credits.join(accounts, on=ACCOUNT, how="semi", nulls_equal=True)
    by_account: _Credits = defaultdict(list)
    order = ["posted_on", "amount_fen", "row_id"]
    for row in touched.sort(order).select(*ACCOUNT, "posted_on", "net_fen", "row_id", "accrual_month").iter_rows():
        by_account[row[:3]].append(list(row[3:]))
    paid = _paid_alone(payments)
    lags = _usual_lags(paid, by_account)
    refunds = _refunded(payments, paid, lags)
    placed = {(*account, arrival + lags[tuple(account)], fen)
              for (*account, _), (arrival, sums) in paid.items() for fen in sums}
    left: dict[str, int] = {}
    takers: dict[str, str] = {}
    problems: list[Problem] = []
    for row in takes.sort("posted_on", "amount_fen", "row_id").select(
        *ACCOUNT, "posted_on", "amount_fen", "accrual_month", "row_id"
    ).iter_rows():
        account, day, amount, printed = row[:3], row[3], -row[4], row[5]
        earlier = [item for item in by_account[row[:3]] if item[0] <= day and item[1] > 0]
        if printed is not None:
            # A printed month is best met by a credit that prints it, else by one posted in the month after it.
            usual = months.index(printed) + 1
            earlier.sort(key=lambda item: (item[3] == printed, -abs(months.index(item[0]) - usual), item[0]))
        else:
            of_refunds = refunds.get((*account, amount), [])
            told = next((each for each in of_refunds if 0 <= months.index(day) - each[0] <= REFUND_MONTHS), None)
            if told:
                of_refunds.remove(told)
                _, place, sums, month = told
                if earlier and place < months.index(by_account[account][0][0]):
                    earlier = []  # the credit came before the first at hand
                elif amount in sums:
                    earlier = [item for item in earlier if item[1] == amount]
                own = months.first_day(month)
                earlier.sort(key=lambda item: (
                    item[3] == own, item[1] in sums, -abs(months.index(item[0]) - place), item[0]))
            else:
                earlier.sort(key=lambda item: (item[0], (*account, months.index(item[0]), item[1]) in placed))
        equal = [item for item in earlier if item[1] == amount]
        larger = [item for item in earlier if item[1] > amount]
        for hit in equal[-1:] or larger[-1:] or _together(earlier, amount):
            taken = min(hit[1], amount)
            hit[1] -= taken
            amount -= taken
            left[hit[2]] = hit[1]
            takers[hit[2]] = row[6]
            if not amount:
                break
        if amount:
            file, _, place = row[6].partition("#")
            problems.append(Problem("unmatched-reversal", file, place, "amount_fen", yuan_text(amount)))
    return left, takers, problems


def _together(earlier: list[list[Any]], amount: int) -> list[list[Any]]:
    """The latest of ``earlier`` that ``amount`` takes back whole; none where the rest is a part of one."""
    hits: list[list[Any]] = []
    for item in reversed(earlier):
        if item[1] > amount:
            break
        hits.append(item)
        amount -= item[1]
    return hits if not amount or amount >= max((item[1] for item in hits), default=0) else []
