"""The result table ``balance``: what moved in each account, sub-account and calendar month."""

from __future__ import annotations

import polars as pl

from recon.tables import conform

_COLUMNS = {
    "credit_fen": ("credit", "subsidy"), "interest_fen": ("interest",), "spend_fen": ("spend",),
    "mutual_aid_fen": ("mutual_aid",), "premium_fen": ("premium",),
    "transfer_fen": ("transfer_in", "transfer_out", "payout"),
    "adjustment_fen": ("reversal", "adjustment", "carry_over", "other"),
}


def balance_table(flow: pl.DataFrame, *, complete: bool) -> pl.DataFrame:
    """One row per account, sub-account and calendar month with lines; empty unless all lines are at hand.

    opening and closing come from printed balances (the day's first and last line in the order that chains), null where
    none is printed; unexplained_fen = closing - opening - all movements; breaks counts balances that do not chain.
    """
    kept = flow.filter(pl.col("duplicate_of").is_null())
    if not complete or kept.is_empty():
        return conform(pl.DataFrame(schema={"person_id": pl.String}), "balance")
    key = ["person_id", "region", "scheme", "sub_account", "ledger"]
    chained = _in_chain_order(kept, key).with_columns(
        (pl.col("balance_fen") - pl.col("amount_fen")).alias("_before"),
        pl.col("posted_on").dt.month_start().alias("month"),
    ).with_columns(
        pl.col("balance_fen").shift(1).over(key, order_by="_n").alias("_last"),
    )
    rows = chained.group_by([*key, "month"], maintain_order=True).agg(
        pl.col("_before").first().alias("opening_fen"), pl.col("balance_fen").last().alias("closing_fen"),
        *(pl.col("amount_fen").filter(pl.col("flow_kind").is_in(kinds)).sum().alias(name)
          for name, kinds in _COLUMNS.items()),
        pl.col("amount_fen").sum().alias("_moved"),
        (pl.col("_last") != pl.col("_before")).sum().cast(pl.Int32).alias("breaks"),
    ).with_columns(
        (pl.col("closing_fen") - pl.col("opening_fen") - pl.col("_moved")).alias("unexplained_fen")
    )
    return conform(rows.sort("person_id", "region", "sub_account", "month", nulls_last=True), "balance")


def _in_chain_order(flow: pl.DataFrame, key: list[str]) -> pl.DataFrame:
    """Lines by day; within a file as printed or reversed, whichever way more of its balances chain."""
    place = pl.col("row_id").str.extract(r"(\d+)$").cast(pl.Int64)
    page = pl.col("row_id").str.extract(r"#p(\d+):").cast(pl.Int64).fill_null(0)
    frame = flow.with_columns(page.alias("_page"), place.alias("_place"))
    up = frame.sort(*key, "posted_on", "_page", "_place", "row_id", nulls_last=True)
    down = frame.sort(
        *key, "posted_on", "_page", "_place", "row_id",
        descending=[False] * 6 + [True, True, True], nulls_last=True,
    )

    def fits(rows: pl.DataFrame) -> pl.DataFrame:
        before = pl.col("balance_fen").shift(1).over(key)
        return rows.with_columns(
            (before + pl.col("amount_fen") == pl.col("balance_fen")).sum().over(key).alias("_fits")
        )

    up, down = fits(up), fits(down)
    best = up.group_by(key).agg(pl.col("_fits").first().alias("_up")).join(
        down.group_by(key).agg(pl.col("_fits").first().alias("_down")), on=key, nulls_equal=True
    ).with_columns((pl.col("_down") > pl.col("_up")).alias("_reverse"))
    rising = up.join(best.filter(~pl.col("_reverse")), on=key, how="semi", nulls_equal=True)
    falling = down.join(best.filter("_reverse"), on=key, how="semi", nulls_equal=True)
    return pl.concat([rising, falling]).with_row_index("_n")
