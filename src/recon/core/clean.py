"""Accounts whose whole record is clean, linked and margined as columns: no search and no Python object per row.

Clean is what :func:`recon.core.solve._plain` calls so, less the rare cases that need a closer look (a printed month, a
yearly window, two equal credits in one month, a line whose amount is unknown): every line that could have a credit has
one of its own amount in its own place, and no credit inside the account's places is left. Links, margins and flags are
those the solver gives; ``tests/test_clean.py`` holds them equal. All other accounts are left to the solver.
"""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from recon.core.links import PRICES, REACH_MONTHS, YEAR
from recon.tables import ACCOUNT

# What of a line and of a credit decides whether its account is clean.
_LINE = ["account", "line", "stream", "month", "arrival", "day", "amount", "due", "usual", "open_price", "payable",
         "by_place", "is_annual", "shift", "prepaid"]


@dataclass(frozen=True)
class Clean:
    """links and margins of the clean accounts and of those without a credit, and what the solver has to look at."""

    links: pl.DataFrame  # columns of recon.core.match_rows.LINK_SCHEMA
    margins: pl.DataFrame  # columns of recon.core.match_rows.MARGIN_SCHEMA
    lines: pl.DataFrame  # of the other accounts, with ``account``
    credit: pl.DataFrame  # of the other accounts, with ``account`` and ``credit`` (its number among all)


def settle_clean(lines: pl.DataFrame, credit: pl.DataFrame) -> Clean:
    """Link what is clean (see :class:`Clean`). ``lines``: those that count; ``credit``: all net credits."""
    accounts = credit.select(ACCOUNT).unique(maintain_order=True).with_row_index("account")
    lines = lines.join(accounts, on=ACCOUNT, how="left", nulls_equal=True, maintain_order="left")
    credit = credit.with_row_index("credit").join(
        accounts, on=ACCOUNT, how="left", nulls_equal=True, maintain_order="left"
    )
    alone = lines.filter(pl.col("account").is_null() & pl.col("payable"))
    known = lines.filter(pl.col("account").is_not_null())
    pairs, clean = _clean_accounts(known, credit)
    links = pairs.filter(pl.col("credit").is_not_null()).join(accounts, on="account", how="left").select(
        "line", "credit", *ACCOUNT, "month", pl.col("amount").alias("amount_fen"), pl.lit("1:1").alias("kind"),
        pl.lit(False).alias("surplus"),
    )
    linked = pl.col("credit").is_not_null()
    margins = pl.concat([
        _margins(pairs, pl.when(linked).then(pl.col("open_price") + PRICES.left), question=True, openable=~linked),
        _margins(alone, pl.lit(None), question=False, openable=pl.lit(False)),
    ])
    return Clean(
        links, margins, known.join(clean, on="account", how="anti", maintain_order="left"),
        credit.join(clean, on="account", how="anti", maintain_order="left")
        .join(known.select("account").unique(), on="account", how="semi", maintain_order="left"),
    )


def _margins(lines: pl.DataFrame, margin: pl.Expr, *, question: bool, openable: pl.Expr) -> pl.DataFrame:
    return lines.select(
        "line", margin.cast(pl.Int32).alias("margin"), pl.lit(question).alias("in_question"),
        pl.lit(False).alias("tied"), openable.alias("openable"), pl.lit(False).alias("bounded"),
        pl.lit(True).alias("proved"),
    )


def _clean_accounts(lines: pl.DataFrame, credit: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The payable lines of clean accounts, each with its ``credit`` (null: none yet), and the clean accounts."""
    rows = lines.select(
        *(name for name in _LINE if name not in ("day", "amount")),
        pl.col("arrival_day").dt.day().cast(pl.Int32).alias("day"),
        pl.col("expected_fen").alias("amount"),
    )
    coins = credit.select(
        "account", "credit", pl.col("month").alias("posted"), pl.col("posted_on").dt.day().cast(pl.Int32).alias("on"),
        pl.col("net_fen").alias("amount"), "printed",
    )
    place = pl.coalesce("arrival", "month") + pl.col("usual") + pl.col("shift")
    payable, normal = pl.col("payable"), pl.col("stream") == "normal"
    usual = pl.col("usual").filter(payable & normal)
    facts = rows.group_by("account").agg(
        place.min().alias("first"), place.max().alias("last"),
        (pl.col("by_place") | pl.col("is_annual")
         | (payable & (pl.col("arrival").is_null() | pl.col("due").is_null()))).any().alias("_odd"),
        (usual.min() != usual.max()).fill_null(False).alias("_two_lags"),
        # Where some premium came late, or everybody's credits did, the account's own span is the solver's to judge.
        ((place - pl.col("month")).min() != (place - pl.col("month")).max()).alias("_two_spans"),
        (pl.col("shift") != 0).any().alias("_shifted"),
    ).filter(~pl.any_horizontal("_odd", "_two_lags", "_two_spans", "_shifted")).select("account", "first", "last")
    said = coins.group_by("account").agg(
        pl.col("posted").max().alias("newest"), pl.col("printed").is_not_null().any().alias("_printed"),
    ).filter(~pl.col("_printed")).select("account", "newest")
    facts = facts.join(said, on="account")
    due = rows.filter(payable).with_columns(
        pl.when(normal).then(place).otherwise(pl.col("due")).cast(pl.Int32).alias("posted")
    ).join(facts, on="account")
    here = coins.join(facts, on="account").filter(pl.col("posted").is_between("first", "last"))
    pairs = due.join(here.select("account", "posted", "amount", "credit", "on"), on=["account", "posted", "amount"],
                     how="left")
    linked = pl.col("credit").is_not_null()
    lag = pl.col("posted") - pl.col("arrival")
    reached = lag.is_between(0, REACH_MONTHS) & ~(
        (lag == 0) & (pl.col("on") < pl.col("day")).fill_null(False) & ~pl.col("prepaid")
    )
    ahead = pl.col("prepaid") & (pl.col("posted") <= pl.col("newest") + YEAR)  # an earlier credit may have paid for it
    fine = pl.when(linked).then(reached).otherwise((pl.col("arrival") > pl.col("newest")) & ~ahead)
    # As many links as lines and as credits in reach: nobody is linked twice, and nothing priced is left.
    counts = pairs.group_by("account").agg(
        fine.all().alias("_fine"), pl.len().alias("_pairs"), linked.sum().alias("_linked"),
        pl.col("line").n_unique().alias("_lines"), pl.col("credit").drop_nulls().n_unique().alias("_credits"),
    )
    within = here.group_by("account").agg(pl.len().alias("_within"))
    clean = counts.join(within, on="account", how="left").filter(
        pl.col("_fine") & (pl.col("_pairs") == pl.col("_lines")) & (pl.col("_linked") == pl.col("_credits"))
        & (pl.col("_linked") == pl.col("_within").fill_null(0))
    ).select("account")
    return pairs.join(clean, on="account", how="semi"), clean
