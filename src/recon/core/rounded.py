"""How a share of a base is rounded; and accounts credited in round sums, in whole yuan or jiao where the share is not.

Offices round credits in their own ways (down, up, to the nearest), and no record says which. Where all credits of an
account are round, what it is due is not in three months or more, and most credits but those of round sums are what is
due rounded down or up, either is right: nobody is short of or given too much by a few fen month after month.
"""

from __future__ import annotations

import polars as pl

from recon.tables import ACCOUNT

PPM = 1_000_000
UNITS_FEN = (10, 100)  # the jiao and the yuan
ROUND_CREDITS = 3  # so many credits of sums that are not round must be round, and so many sums due not
ROUND_PERCENT = 50  # of the credits, at least, are a due sum rounded


def rounded_share(base: pl.Expr, ppm: pl.Expr) -> pl.Expr:
    """``base`` x ``ppm`` parts per million, half-up to the fen (away from zero for refunds), in whole numbers."""
    return (base.abs() * ppm + PPM // 2) // PPM * base.sign()


def with_rounded_credits(lines: pl.DataFrame, credit: pl.DataFrame) -> pl.DataFrame:
    """``lines`` with the sums due, rounded down and up, among ``accepts``, and ``round_fen``, where credits are round.

    round_fen: the unit in fen; null for all other lines. lines: as of :func:`recon.core.expect.lines_of`.
    """
    due = pl.col("expected_fen")
    least = UNITS_FEN[0]
    own = (due > 0) & ~pl.col("is_side") & ~pl.col("netted")
    uneven = lines.filter(own & (due % UNITS_FEN[1] != 0))
    odd = credit.filter(pl.col("net_fen") % least != 0).select(ACCOUNT).unique()
    asked = uneven.join(odd, on=ACCOUNT, how="anti", nulls_equal=True)
    coins = credit.join(asked.select(ACCOUNT).unique(), on=ACCOUNT, how="semi", nulls_equal=True)
    # The credit of a sum that is round itself tells neither way.
    even = lines.filter(own & (due % UNITS_FEN[1] == 0)).select(*ACCOUNT, due.alias("net_fen"))
    telling = coins.join(even, on=[*ACCOUNT, "net_fen"], how="anti", nulls_equal=True)
    enough = telling.group_by(ACCOUNT).agg(pl.len().alias("_credits")).filter(pl.col("_credits") >= ROUND_CREDITS)
    units = coins.group_by(ACCOUNT).agg(
        pl.when((pl.col("net_fen") % UNITS_FEN[1] == 0).all()).then(UNITS_FEN[1]).otherwise(least)
        .cast(pl.Int64).alias("round_fen"),
    ).join(enough, on=ACCOUNT, nulls_equal=True)
    if units.is_empty():
        return lines.with_columns(pl.lit(None, dtype=pl.Int64).alias("round_fen"))
    unit = pl.col("round_fen")
    sums = asked.join(units, on=ACCOUNT, nulls_equal=True).filter(due % unit != 0).with_columns(
        pl.concat_list(due // unit * unit, (due // unit + 1) * unit).alias("net_fen"))
    many = sums.group_by(ACCOUNT).len().filter(pl.col("len") >= ROUND_CREDITS).select(ACCOUNT)
    told = sums.select(*ACCOUNT, "net_fen").explode("net_fen").unique()
    fits = telling.join(told, on=[*ACCOUNT, "net_fen"], how="semi", nulls_equal=True).group_by(ACCOUNT).len()
    units = units.join(fits, on=ACCOUNT, nulls_equal=True).join(many, on=ACCOUNT, how="semi", nulls_equal=True).filter(
        pl.col("len") * 100 >= pl.col("_credits") * ROUND_PERCENT).select(*ACCOUNT, "round_fen")
    joined = lines.join(units, on=ACCOUNT, how="left", nulls_equal=True, maintain_order="left")
    rounds = (own & (due % unit != 0)).fill_null(False)
    return joined.with_columns(
        pl.when(rounds).then(
            pl.concat_list("accepts", due // unit * unit, (due // unit + 1) * unit).list.unique().list.sort())
        .otherwise("accepts").alias("accepts"),
        pl.when(rounds).then(unit).alias("round_fen"),
    )
