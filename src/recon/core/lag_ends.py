"""What the ends of an account's records say of its lag, seen against what its exports cover.

A record of one sum fits nearly any lag: only where it begins and ends, and what the export covers there, tells which.
"""

from __future__ import annotations

from collections.abc import Callable

import polars as pl

from recon.core import months
from recon.core.lag_lines import LAGS, MAX_LEARNED_LAG
from recon.tables import ACCOUNT


def with_ends(
    scores: pl.DataFrame, fit: pl.DataFrame, due: pl.DataFrame, spans: pl.DataFrame, typical: dict[str, int],
    text: pl.Expr, cover: Callable[[], pl.DataFrame] | None,
) -> pl.DataFrame:
    """``scores`` where the lags up to the region's own have the lines, too, whose credits nobody can have seen.

    Where every month has one sum, and the lines and the credits are those of the same months, a shorter lag seems to
    explain one line more: the last one, whose credit at the region's lag comes after the export. Asked are only the
    accounts that are clean at a shorter lag than the region's.
    """
    usual = pl.col("region").cast(pl.String).replace_strict(typical, return_dtype=pl.Int32)
    shorter = fit.filter(pl.col("lag") < usual).select(ACCOUNT).unique()
    if shorter.is_empty():
        return scores
    theirs = due.join(shorter, on=ACCOUNT).join(spans.select(*ACCOUNT, "came_from", "came_to"), on=ACCOUNT)
    asked = theirs.join(LAGS, how="cross").filter(pl.col("lag") <= usual).with_columns(
        (pl.col("at") + pl.col("lag")).alias("due")).filter(~pl.col("due").is_between("came_from", "came_to"))
    if cover is not None and asked.height:
        seen = asked.select(text, "due").join(
            _ends(cover()), on=["person_id", "region"], how="left", maintain_order="left")
        asked = asked.filter(~seen.select(pl.col("due").is_between("_from", "_to").fill_null(value=False)).to_series())
    more = asked.group_by(*ACCOUNT, "lag").agg(pl.len().cast(pl.UInt32).alias("_more"))
    return scores.join(more, on=[*ACCOUNT, "lag"], how="left").with_columns(
        pl.col("lines") + pl.col("_more").fill_null(0)).drop("_more")


def unrefuted(votes: pl.DataFrame, even: pl.DataFrame) -> pl.DataFrame:
    """``votes`` without those for one lag alone where ``even`` (:func:`even_records`) tells another for the account."""
    other = even.select(*ACCOUNT, pl.col("lag").alias("_lag"))
    return votes.join(other, on=ACCOUNT, how="left", maintain_order="left").filter(
        pl.col("tied") | (pl.col("lag") == pl.col("_lag")).fill_null(value=True)).drop("_lag")


def unsaid_lines(lines: pl.DataFrame) -> pl.DataFrame:
    """Account, at of paid normal lines that wait for a monthly credit of which nobody knows how much it is."""
    return lines.filter(
        pl.col("stream").is_in(["normal", "annual"]) & (pl.col("paid") == True) & pl.col("expected_fen").is_null()  # noqa: E712
        & ~pl.col("is_side") & ~pl.col("no_account") & ~pl.col("netted") & pl.col("arrival").is_not_null()
    ).select(*ACCOUNT, pl.col("arrival").alias("at"))


def even_records(
    due: pl.DataFrame, came: pl.DataFrame, unsaid: pl.DataFrame, typical: dict[str, int], text: pl.Expr,
    cover: Callable[[], pl.DataFrame] | None, soft: set[str],
) -> pl.DataFrame:
    """Account, lag, lines, tied (none is): at which lag the fewest lines and credits of a record of one sum are alone.

    Such a record fits nearly any lag; what tells them apart is what the export covers: at too short a lag the first
    lines have no credit there, at too long a one the first credits have no line. One record may as well lack its first
    month; that many do is unlikely, and a longer lag accuses nobody. The region's own lag wins a tie it takes part in.
    unsaid: further lines of theirs (:func:`unsaid_lines`), which any credit fits.
    """
    none = due.head(0).select(*ACCOUNT, pl.lit(0, pl.Int32).alias("lag"), pl.lit(0, pl.UInt32).alias("lines"),
                              pl.lit(value=False).alias("tied"))
    if cover is None or not soft:
        return none
    ends = _ends(cover())
    lines = pl.concat([due.select(text, "at", "fen"),
                       unsaid.with_columns(pl.lit(None, pl.Int64).alias("fen"))]).filter(
        pl.col("region").is_in(sorted(soft))).join(ends, on=["person_id", "region"]).filter(
        (pl.col("at") <= pl.col("_to")) & (pl.col("at") + MAX_LEARNED_LAG >= pl.col("_from"))).drop("_from", "_to")
    one_sum = lines.group_by(ACCOUNT).agg(pl.col("fen").drop_nulls().n_unique().alias("_sums")).filter(
        pl.col("_sums") == 1).select(ACCOUNT)
    if one_sum.is_empty():
        return none
    theirs = lines.join(one_sum, on=ACCOUNT, how="semi").join(LAGS, how="cross").select(
        *ACCOUNT, "lag", pl.col("at") + pl.col("lag"), pl.col("fen").is_not_null().alias("said"))
    lines = _seen(theirs, ends)
    credits = _seen(came.select(text, "at").join(one_sum, on=ACCOUNT, how="semi").unique(), ends)
    fits = lines.join(credits, on=[*ACCOUNT, "at"], how="semi").group_by(*ACCOUNT, "lag").agg(
        pl.len().cast(pl.Int64).alias("_fit"), pl.col("said").sum().alias("lines"))
    seen = lines.group_by(*ACCOUNT, "lag").agg(pl.len().cast(pl.Int64).alias("_seen"))
    all_credits = credits.group_by(ACCOUNT).agg(pl.len().cast(pl.Int64).alias("_all"))
    alone = seen.join(fits, on=[*ACCOUNT, "lag"]).join(all_credits, on=ACCOUNT).join(
        _of_earlier_lines(theirs, credits, ends), on=[*ACCOUNT, "lag"], how="left"
    ).with_columns((pl.col("_all") - pl.col("_earlier").fill_null(0)).alias("_came")).with_columns(
        (pl.col("_seen") + pl.col("_came") - 2 * pl.col("_fit")).alias("_alone"),
        (pl.col("lag") == pl.col("region").replace_strict(typical, return_dtype=pl.Int32)).alias("_own"))
    fewest = alone.filter(pl.col("_alone") == pl.col("_alone").min().over(ACCOUNT)).filter(
        pl.col("_own") | ~pl.col("_own").any().over(ACCOUNT))
    return fewest.filter(pl.len().over(ACCOUNT) == 1).select(
        *(pl.col(name).cast(none.schema[name]) for name in ACCOUNT), "lag", "lines", pl.lit(value=False).alias("tied"))


def _of_earlier_lines(lines: pl.DataFrame, credits: pl.DataFrame, ends: pl.DataFrame) -> pl.DataFrame:
    """Account, lag, _earlier: credits before the first line's place, where every covered month before it has one.

    They are of months whose lines are not at hand: both files begin then, and nothing is said of the lag.
    """
    first = lines.group_by(*ACCOUNT, "lag").agg(pl.col("at").min().alias("_first"))
    return first.join(credits, on=ACCOUNT).filter(pl.col("at") < pl.col("_first")).group_by(
        *ACCOUNT, "lag", "_first").agg(pl.len().cast(pl.Int64).alias("_earlier")).join(
        ends, on=["person_id", "region"]).filter(
        pl.col("_earlier") == pl.col("_first") - pl.col("_from")).select(*ACCOUNT, "lag", "_earlier")


def _seen(lines: pl.DataFrame, ends: pl.DataFrame) -> pl.DataFrame:
    """Of ``lines`` (person_id, region, at) those with their month inside what the person's exports cover there."""
    return lines.join(ends, on=["person_id", "region"]).filter(
        pl.col("at").is_between("_from", "_to")).drop("_from", "_to")


def _ends(cover: pl.DataFrame) -> pl.DataFrame:
    """person_id, region, _from, _to: from which to which whole month a person's exports reach."""
    return cover.group_by("person_id", "region").agg(
        months.index_of(pl.col("from").min()).alias("_from"),
        (months.index_of(pl.col("to").max().dt.offset_by("1d")) - 1).alias("_to"))
