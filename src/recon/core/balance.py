"""The result table ``balance``: what moved in each account, sub-account and calendar month, and what must have."""

from __future__ import annotations

import polars as pl

from recon.core.chain import KEY
from recon.tables import ACCOUNT, conform

# Which kinds of line each column adds up; together they are all kinds.
MOVES = {
    "credit_fen": ("credit", "subsidy"), "interest_fen": ("interest",), "spend_fen": ("spend",),
    "mutual_aid_fen": ("mutual_aid",), "premium_fen": ("premium",),
    "transfer_fen": ("transfer_in", "transfer_out", "payout"),
    "adjustment_fen": ("reversal", "adjustment", "carry_over", "other"),
}
# Shown beside the columns they are part of.
OF_WHICH = {
    "subsidy_fen": ("subsidy",), "payout_fen": ("payout",), "reversal_fen": ("reversal",),
    "carry_over_fen": ("carry_over",), "other_fen": ("other",),
}
READING = "reading"  # the kind of a line that only tells a balance
_SUMS = [*MOVES, *OF_WHICH]


def one_ledger(chained: pl.DataFrame) -> pl.DataFrame:
    """The lines of the insurer's own ledger; the bank's, where the account has no other."""
    own = chained.filter(pl.col("ledger").fill_null("app") != "bank")
    return pl.concat([own, chained.join(own.select(ACCOUNT).unique(), on=ACCOUNT, how="anti", nulls_equal=True)])


def with_readings(flow: pl.DataFrame, reading: pl.DataFrame) -> pl.DataFrame:
    """``flow`` with the ledger readings of accounts whose lines print no balance, each as a line that moves nothing.

    A reading stands at the end of its day; the account's balance before and after follows from it and the lines.
    """
    if reading.is_empty():
        return flow
    bare = flow.filter(pl.col("duplicate_of").is_null()).group_by(*ACCOUNT, "sub_account", "ledger").agg(
        pl.col("balance_fen").is_not_null().any().alias("_prints")
    ).filter(pl.len().over(ACCOUNT) == 1, ~pl.col("_prints"), pl.col("sub_account").is_null())
    read = reading.filter((pl.col("kind") == "ledger") & pl.col("read_on").is_not_null()).join(
        bare.filter(pl.len().over("person_id", "region") == 1).select(*ACCOUNT, "ledger"),
        on=["person_id", "region"], nulls_equal=True)
    lines = read.select(
        pl.col("row_id"), *ACCOUNT, "ledger", pl.col("read_on").alias("posted_on"),
        pl.lit(READING).alias("flow_kind"), pl.lit(0, dtype=pl.Int64).alias("amount_fen"),
        pl.col("amount_fen").alias("balance_fen"),
    )
    return pl.concat([flow, lines], how="diagonal_relaxed") if lines.height else flow


def balance_table(chained: pl.DataFrame) -> pl.DataFrame:
    """One row per account, sub-account and calendar month; rows without a sub-account speak of the whole account.

    ``chained``: the lines of :func:`recon.core.chain.chained`, of one ledger per account. A month opens with what the
    month before closed with; opening + all movements + unexplained_fen = closing. unexplained_fen is what the balances
    moved without a line, booked in the month where it shows; breaks counts how often. opening, closing and unexplained
    are null where no balance is printed or read. Months without a line have a row where the balances prove them still.
    """
    if chained.is_empty():
        return conform(pl.DataFrame(schema={"person_id": pl.String}), "balance")
    rows = _by_month(chained, "chain")
    several = _manifold(rows)
    parts = [rows.join(several, on=ACCOUNT, how="anti", nulls_equal=True).drop("chain")]
    if several.height:
        parts.append(_together(rows.join(several, on=ACCOUNT, how="semi", nulls_equal=True)))
    whole = pl.concat(parts, how="diagonal_relaxed").with_columns(pl.lit(None, dtype=pl.String).alias("sub_account"))
    # Accounts mixed in one export have no names; they are shown as one.
    subs = rows.filter(pl.col("chain").is_in(["current_year", "past_years"])).rename({"chain": "sub_account"})
    tables = [whole, subs]
    # Balances of the whole account on the lines of its sub-accounts: these have movements, and no balance of their own.
    inner = chained.filter((pl.col("chain") == "*") & pl.col("sub_account").is_not_null())
    if inner.height:
        tables.append(_by_month(inner, "sub_account").with_columns(
            pl.lit(None, dtype=pl.Int64).alias(name) for name in ("opening_fen", "closing_fen", "unexplained_fen")
        ))
    table = pl.concat(tables, how="diagonal_relaxed")
    order = ["person_id", "region", "scheme", "month", "sub_account"]
    return conform(table.sort(order, nulls_last=False), "balance")


def _manifold(rows: pl.DataFrame) -> pl.DataFrame:
    return rows.group_by(ACCOUNT).agg(pl.col("chain").n_unique().alias("_n")).filter(pl.col("_n") > 1).select(ACCOUNT)


def _by_month(chained: pl.DataFrame, by: str) -> pl.DataFrame:
    """One row per chain and month with lines, and per month in between that the balances prove still.

    A month closes with what its lines and jumps lead to, by their days: within the chain a line of the next month may
    stand before one of this.
    """
    jump = pl.col("jump_fen").fill_null(0)
    key = [*ACCOUNT, "ledger", by]
    ordered = chained.select(
        *dict.fromkeys([*KEY, *key]), "n", "posted_on", "flow_kind", "amount_fen", "after_fen", "jump_fen"
    ).sort(*KEY, "n", nulls_last=True)
    first = pl.col("after_fen").first() - pl.col("amount_fen").first() - jump.first()
    begun = ordered.group_by(key, maintain_order=True).agg(
        pl.when(pl.col("after_fen").is_not_null().all()).then(first).alias("_base"))
    rows = ordered.with_columns(pl.col("posted_on").dt.month_start().alias("month")).group_by([*key, "month"]).agg(
        *(pl.when(pl.col("flow_kind").is_in(kinds)).then("amount_fen").sum().alias(name)
          for name, kinds in (MOVES | OF_WHICH).items()),
        pl.col("amount_fen").sum().alias("_moved"), jump.sum().alias("unexplained_fen"),
        (jump != 0).sum().cast(pl.Int32).alias("breaks"),
    ).join(begun, on=key, nulls_equal=True).sort(*key, "month", nulls_last=True)
    known = pl.col("_base").is_not_null()
    rows = rows.with_columns(
        (pl.col("_base") + (pl.col("_moved") + pl.col("unexplained_fen")).cum_sum().over(key)).alias("closing_fen"),
        pl.when(known).then("unexplained_fen").alias("unexplained_fen"),
    ).with_columns((pl.col("closing_fen") - pl.col("_moved") - pl.col("unexplained_fen")).alias("opening_fen"))
    return pl.concat([rows, _still_months(rows, key)], how="diagonal_relaxed").drop("_moved", "_base").sort(
        *key, "month", nulls_last=True)


def _still_months(rows: pl.DataFrame, key: list[str]) -> pl.DataFrame:
    """The months between two rows where nothing moved: the later one opens with what the earlier one closed with."""
    between = rows.with_columns(pl.col("month").shift(1).over(key).alias("_last")).filter(
        pl.col("month") > pl.col("_last").dt.offset_by("1mo"), pl.col("breaks") == 0,
        pl.col("opening_fen").is_not_null(),
    )
    return between.select(
        *key, pl.col("opening_fen"), pl.col("opening_fen").alias("closing_fen"),
        *(pl.lit(0, dtype=pl.Int64).alias(name) for name in [*_SUMS, "unexplained_fen"]),
        pl.lit(0, dtype=pl.Int32).alias("breaks"),
        pl.date_ranges(pl.col("_last").dt.offset_by("1mo"), pl.col("month").dt.offset_by("-1mo"), "1mo").alias("month"),
    ).explode("month")


def _together(rows: pl.DataFrame) -> pl.DataFrame:
    """The sub-accounts of an account added up; one that has no row in a month keeps what it had."""
    months = rows.select(*ACCOUNT, "ledger", "month").unique()
    chains = rows.select(*ACCOUNT, "chain").unique()
    grid = months.join(chains, on=ACCOUNT, nulls_equal=True).join(
        rows, on=[*ACCOUNT, "ledger", "chain", "month"], how="left", nulls_equal=True
    ).sort(*ACCOUNT, "chain", "month", nulls_last=True)
    part = [*ACCOUNT, "chain"]
    kept = pl.col("closing_fen").forward_fill().over(part)
    begun = pl.col("opening_fen").backward_fill().over(part)
    filled = grid.with_columns(
        pl.coalesce("opening_fen", kept, begun).alias("opening_fen"),
        pl.coalesce("closing_fen", kept, begun).alias("closing_fen"),
        *(pl.col(name).fill_null(0) for name in [*_SUMS, "breaks"]),
        pl.when(begun.is_not_null() | kept.is_not_null()).then(pl.col("unexplained_fen").fill_null(0))
        .alias("unexplained_fen"),
    )

    def added(name: str) -> pl.Expr:
        return pl.when(pl.col(name).is_not_null().all()).then(pl.col(name).sum()).alias(name)

    return filled.group_by([*ACCOUNT, "ledger", "month"]).agg(
        added("opening_fen"), added("closing_fen"), added("unexplained_fen"),
        *(pl.col(name).sum() for name in [*_SUMS, "breaks"]),
    )
