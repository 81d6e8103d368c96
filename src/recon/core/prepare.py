"""First steps on the input tables: one spelling, one view of each payment, one count of each line.

In: canonical input tables. Out: the same tables with defaults filled, ``duplicate_of`` set, the accounts numbered and
reversals carried out. Nothing is dropped from the tables that are written; later steps look at the kept rows only.
"""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from recon.core.credit_places import PAYMENT_ACCOUNT, Learned
from recon.core.months import index_of
from recon.core.overlap import (
    BILL_PROOFS,
    has_several_exports,
    mark_amended_flows,
    mark_repeated_flows,
    mark_shifted_flows,
    one_ledger,
)
from recon.core.repeated_payments import mark_repeated_contributions
from recon.core.reversals import carry_out
from recon.core.unsaid import credits_by_amount, interest_by_memo, unfilled_shares
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
    by_lag: bool = False  # something was taken back: which credit it was is told by the usual lags


def prepare(tables: dict[str, pl.DataFrame], learned: Learned | None = None) -> Prepared:
    """Fill defaults, find repeated lines, carry out reversals (see :class:`Prepared`).

    learned: None in the first pass itself, which goes by the account's own credits.
    """
    tables = conform_all(tables)
    problems: list[Problem] = []
    tables["person"] = _one_row_each(tables["person"])
    tables["contribution"] = _fill_contribution(tables["contribution"], tables["person"])
    tables["contribution"], found = mark_repeated_contributions(tables["contribution"], tables["coverage"])
    problems += found
    # A wallet shows that the account paid; it is no account, and covers none.
    own = tables["flow"].filter(pl.col("ledger").fill_null("app") != "wallet")
    tables["flow"] = _fill_flow(own, tables["contribution"], tables["person"])
    if has_several_exports(tables["flow"]):
        tables["flow"], found = mark_shifted_flows(mark_repeated_flows(tables["flow"]))
        problems += found
        tables["flow"], found = mark_amended_flows(tables["flow"], tables["coverage"])
        problems += found
    payments = _payment_view(tables["contribution"])
    tables["contribution"] = tables["contribution"].drop("also_fen")  # no column of the table that is written
    for told in (interest_by_memo, credits_by_amount):
        tables["flow"], found = told(tables["flow"], payments)
        problems += found
    payments, found = unfilled_shares(payments, tables["flow"])
    problems += found
    kept, found = one_ledger(tables["flow"].filter(pl.col("duplicate_of").is_null()))
    problems += found
    takes = kept.filter(pl.col("flow_kind").is_in(["reversal", "credit"]) & (pl.col("amount_fen") < 0))
    credit, undone, found = _credit_view(kept, takes, payments, learned)
    return Prepared(tables, payments, credit, undone, problems + found, by_lag=takes.height > 0)


def is_subsidy() -> pl.Expr:
    """Whether the memo of a credit says that it is a subsidy, no month's credit."""
    return pl.col("memo").str.contains(SUBSIDY, literal=True).fill_null(False)


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


def _credit_view(
    kept: pl.DataFrame, takes: pl.DataFrame, payments: pl.DataFrame, learned: Learned | None
) -> tuple[pl.DataFrame, pl.DataFrame, list[Problem]]:
    """Credits that count: kept, positive, less what ``takes`` took back (``net_fen``), with month numbers.

    Second, the credits that were taken back whole, per account and month posted.
    """
    takers: dict[str, str] = {}
    problems: list[Problem] = []
    credits = kept.filter((pl.col("flow_kind") == "credit") & (pl.col("amount_fen") > 0)).with_columns(
        pl.col("amount_fen").alias("net_fen")
    )
    if takes.height:
        mine = payments.filter(~pl.col("is_side") & (pl.col("paid") == True)).join(  # noqa: E712
            takes.select("person_id", "region", pl.col("scheme").alias("account_scheme")).unique(),
            on=PAYMENT_ACCOUNT, how="semi", nulls_equal=True)
        left, takers, problems = carry_out(credits, takes, mine, learned)
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
