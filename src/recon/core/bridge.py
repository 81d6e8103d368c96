"""The result table ``bridge``: from what was paid to what the balance changed by, every fen in exactly one named part.

contributed − pooled − flat − pending − missing − … = credited; credited + interest − spend ± … + unexplained = change.
"""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl

from recon.tables import ACCOUNT, ACCOUNT_PARTS, BRIDGE_TOTALS, PAID_PARTS, conform

_KINDS = {
    "interest": ("interest",), "subsidy": ("subsidy",), "spend": ("spend",), "mutual_aid": ("mutual_aid",),
    "premium": ("premium",), "transfer": ("transfer_in", "transfer_out"), "payout": ("payout",),
    "adjustment": ("adjustment",), "carry_over": ("carry_over",), "other": ("other",),
}
_ALONE = ("refund_due", "no_account", "pooled_share", "flat_fee", "account_deduction", "clawback")


def bridge_table(
    month: pl.DataFrame, gap: pl.DataFrame, match: pl.DataFrame, credit: pl.DataFrame, flow: pl.DataFrame,
    balance: pl.DataFrame, *, complete: bool,
) -> pl.DataFrame:
    """Account by account the parts, signed as they move the balance; parts of nothing are left out.

    credit: the credits less what reversals took back (``net_fen``). flow: the account's lines, of one ledger.
    The sides: ``paid`` leads from the contributions to the credits in the account, ``account`` from these to the
    balance; ``total`` rows are what the parts add up to, and never a part themselves. complete=False says that spending
    was dropped at reading: then the bridge ends at ``credited``. An account counts with the employer of its newest
    month. The parts of a side may be added up over any accounts.
    """
    paid = _paid_parts(month, gap)
    inside = credit.join(flow.select("row_id").unique(), on="row_id", how="semi")
    linked = match.join(
        flow.select(pl.col("row_id").alias("flow_row_id"), pl.lit(True).alias("_here")), on="flow_row_id", how="left"
    ).group_by(ACCOUNT).agg(
        pl.col("amount_fen").sum().alias("_linked"),
        pl.col("amount_fen").filter(pl.col("_here")).sum().alias("_linked_here"),
    )
    sums = (
        paid.group_by(ACCOUNT).agg(pl.col("amount_fen").sum().alias("_on_time_or_late"))
        .join(linked, on=ACCOUNT, how="full", coalesce=True, nulls_equal=True)
        .join(inside.group_by(ACCOUNT).agg(pl.col("net_fen").sum().alias("_net")), on=ACCOUNT, how="full",
              coalesce=True, nulls_equal=True)
        .with_columns(pl.exclude(ACCOUNT).fill_null(0))
    )
    rest = _named(sums, "paid", {
        "credit_without_record": pl.col("_linked") - pl.col("_on_time_or_late"),
        "other_ledger": pl.col("_linked_here") - pl.col("_linked"),
        "credit_outside": pl.col("_net") - pl.col("_linked_here"),
        "credited": pl.col("_net"),
    })
    moved = [_account_parts(flow, inside, balance)] if complete else []
    rows = pl.concat([paid, rest, *moved]).join(_employers(month), on=ACCOUNT, how="left", nulls_equal=True)
    places = {part: place for place, part in enumerate((*PAID_PARTS, *ACCOUNT_PARTS, *BRIDGE_TOTALS))}
    place = pl.col("part").replace_strict(places, return_dtype=pl.Int32)
    return conform(rows.sort(*ACCOUNT, place, nulls_last=True), "bridge")


def broken_bridges(bridge: pl.DataFrame) -> pl.DataFrame:
    """Accounts whose parts do not add up to what was credited, or to the change of the balance: none, ever."""
    total = pl.col("side") == "total"

    def part(name: str) -> pl.Expr:
        return pl.col("amount_fen").filter(total & (pl.col("part") == name))

    sums = bridge.group_by(ACCOUNT).agg(
        pl.col("amount_fen").filter(pl.col("side") == "paid").sum().alias("paid"),
        pl.col("amount_fen").filter(~total).sum().alias("all"),
        *(part(name).sum().alias(name) for name in BRIDGE_TOTALS), part("change").len().alias("complete"),
        part("closing").len().alias("known"),
    )
    return sums.filter(
        (pl.col("paid") != pl.col("credited"))
        | ((pl.col("complete") > 0) & (pl.col("all") != pl.col("change")))
        | ((pl.col("known") > 0) & (pl.col("opening") + pl.col("change") != pl.col("closing")))
    )


def _paid_parts(month: pl.DataFrame, gap: pl.DataFrame) -> pl.DataFrame:
    """What was contributed, and what of it did not reach the account, by label; late but credited is no part."""
    contributed = month.group_by(ACCOUNT).agg(pl.col("contributed_fen").sum().alias("amount_fen")).select(
        *ACCOUNT, pl.lit("paid").alias("side"), pl.lit("contributed").alias("part"), "amount_fen")
    part = (
        pl.when(pl.col("label").is_in(_ALONE)).then("label")
        .when(pl.col("status") == "pending").then(pl.lit("pending"))
        .when(pl.col("label") == "delay").then(pl.lit("pending"))
        .when(pl.col("label") == "unexplained").then(pl.lit("unexplained_credit"))
        .otherwise("label")
    )
    parts = gap.filter((pl.col("basis") == "credit") & (pl.col("status") != "resolved")).group_by(
        *ACCOUNT, part.alias("part")
    ).agg(-pl.col("amount_fen").sum()).filter(pl.col("amount_fen") != 0)
    return pl.concat([contributed, parts.select(*ACCOUNT, pl.lit("paid").alias("side"), "part", "amount_fen")])


def _account_parts(flow: pl.DataFrame, credit: pl.DataFrame, balance: pl.DataFrame) -> pl.DataFrame:
    """What moved the balance besides credits, and the change itself."""
    given = flow.filter((pl.col("flow_kind") == "credit") & (pl.col("amount_fen") > 0))
    net = credit.group_by(ACCOUNT).agg(pl.col("net_fen").sum().alias("_net"))
    taken = pl.col("amount_fen").filter(
        (pl.col("flow_kind") == "reversal") | ((pl.col("flow_kind") == "credit") & (pl.col("amount_fen") < 0)))
    sums = flow.group_by(ACCOUNT).agg(
        *(pl.col("amount_fen").filter(pl.col("flow_kind").is_in(kinds)).sum().alias(name)
          for name, kinds in _KINDS.items()),
        taken.sum().alias("_taken"), pl.col("amount_fen").sum().alias("_moved"),
    ).join(given.group_by(ACCOUNT).agg(pl.col("amount_fen").sum().alias("_given")), on=ACCOUNT, how="left",
           nulls_equal=True).join(net, on=ACCOUNT, how="left", nulls_equal=True).join(
        _ends(balance), on=ACCOUNT, how="left", nulls_equal=True
    ).with_columns(pl.col("_given", "_net").fill_null(0)).with_columns(
        # A credit that was taken back belongs to the reversal: together they are nothing.
        (pl.col("_taken") + pl.col("_given") - pl.col("_net")).alias("reversal"),
        pl.coalesce(pl.col("closing") - pl.col("opening"), "_moved").alias("change"),
    ).with_columns((pl.col("change") - pl.col("_moved")).alias("unexplained"))
    return _named(sums, "account", {name: pl.col(name) for name in (*ACCOUNT_PARTS, "change", "opening", "closing")})


def _ends(balance: pl.DataFrame) -> pl.DataFrame:
    """Opening of the first month and closing of the last, of accounts whose balance is known throughout."""
    whole = balance.filter(pl.col("sub_account").is_null())
    return whole.sort(*ACCOUNT, "month", nulls_last=True).group_by(ACCOUNT, maintain_order=True).agg(
        pl.col("opening_fen").first().alias("opening"), pl.col("closing_fen").last().alias("closing"),
        pl.col("closing_fen").is_not_null().all().alias("_known"),
    ).filter(pl.col("_known") & pl.col("opening").is_not_null()).drop("_known")


def _employers(month: pl.DataFrame) -> pl.DataFrame:
    return month.filter(pl.col("employer").is_not_null()).sort(*ACCOUNT, "accrual_month", nulls_last=True).group_by(
        ACCOUNT, maintain_order=True).agg(pl.col("employer").last())


def _named(sums: pl.DataFrame, side: str, amounts: Mapping[str, pl.Expr]) -> pl.DataFrame:
    """A row for each account and amount: parts of ``side`` that are not nothing, and totals that are known."""
    total = pl.col("part").is_in(BRIDGE_TOTALS)
    return sums.select(*ACCOUNT, *(amount.alias(name) for name, amount in amounts.items())).unpivot(
        index=ACCOUNT, variable_name="part", value_name="amount_fen"
    ).filter(pl.col("amount_fen").is_not_null() & (total | (pl.col("amount_fen") != 0))).select(
        *ACCOUNT, pl.when(total).then(pl.lit("total")).otherwise(pl.lit(side)).alias("side"), "part", "amount_fen")
