"""Lines missing from account exports, as running balances prove them, and balances that prove nothing.

In: the lines in chain order (:mod:`recon.core.chain`) and what the exports cover. Out: ``hole``, an input of the core
(ADR 0020): from one line to the next the balance moves by more than the lines do, so what was posted on these days is
not all there, and a month whose credit may lie there is not to be judged.
"""

from __future__ import annotations

import polars as pl

from recon.core.chain import KEY
from recon.core.overlap import file_of
from recon.problems import Problem
from recon.tables import ACCOUNT

HOLE = {
    **dict.fromkeys(ACCOUNT, pl.String()), "hole_from": pl.Date(), "hole_to": pl.Date(), "shown_on": pl.Date(),
    "amount_fen": pl.Int64(),
    "last_row": pl.String(), "row_id": pl.String(), "cause": pl.String(),
}
# A year in which money was paid in but the export has no line at all is asked for again.
QUIET_MONTHS = 12


def jumps(chained: pl.DataFrame, cover: pl.DataFrame) -> pl.DataFrame:
    """Every jump of a balance (columns :data:`HOLE`; shown_on is the day of the line that shows it), with its cause.

    cause: rows_missing (inside what the exports cover), not_exported (days between the lines that no export covers),
    use_hidden (an export of income only: what its balance lost was used, and is not shown).
    """
    found = chained.filter(pl.col("jump_fen") != 0).select(
        *ACCOUNT, pl.min_horizontal("last_day", "posted_on").alias("hole_from"),
        pl.max_horizontal("last_day", "posted_on").alias("hole_to"), pl.col("posted_on").alias("shown_on"),
        pl.col("jump_fen").alias("amount_fen"), "last_row", "row_id", "fits",
    )
    if found.is_empty():
        return pl.DataFrame(schema=HOLE)
    inside = found.join(cover, on=["person_id", "region"], nulls_equal=True).filter(
        (pl.col("from") <= pl.col("hole_from")) & (pl.col("to") >= pl.col("hole_to"))
    ).select("row_id").unique()
    hidden = (pl.col("fits") == "income_only") & (pl.col("amount_fen") < 0)
    return found.join(inside.with_columns(pl.lit(True).alias("_inside")), on="row_id", how="left").with_columns(
        pl.when(~pl.col("_inside").fill_null(False)).then(pl.lit("not_exported"))
        .when(hidden).then(pl.lit("use_hidden")).otherwise(pl.lit("rows_missing")).alias("cause")
    ).select(list(HOLE)).sort(*ACCOUNT, "hole_to", "row_id", nulls_last=True)


def holes(found: pl.DataFrame, own: pl.DataFrame) -> pl.DataFrame:
    """The days between which covered lines are missing: of the :func:`jumps` those with cause rows_missing in ``own``.

    own: the lines of the one ledger that is believed (:func:`recon.core.balance.one_ledger`).
    """
    return found.filter(pl.col("cause") == "rows_missing").join(own.select("row_id"), on="row_id", how="semi")


def balance_problems(chained: pl.DataFrame, found: pl.DataFrame) -> list[Problem]:
    """What is wrong with printed balances, each with its place and what to export again.

    ``found``: the :func:`jumps`. A break inside one file was told when the file was read; told here is what only shows
    across files, and balances that prove nothing. No amount is named: it could be what somebody spent.
    """
    problems = []
    for code, fits in (("balance-never-chains", "never"), ("mixed-accounts", "mixed")):
        first = chained.filter(pl.col("fits") == fits).sort("posted_on", "row_id").unique(
            [*ACCOUNT, "ledger"], keep="first", maintain_order=True)
        problems += [_problem(code, row_id, "balance_fen") for row_id in first["row_id"]]
    still = chained.group_by([*KEY]).agg(
        (pl.col("amount_fen") != 0).any().alias("_moves"), pl.col("balance_fen").n_unique().alias("_n"),
        pl.col("row_id").sort().first(),
    ).filter(~pl.col("_moves") & (pl.col("_n") > 1))
    problems += [_problem("balance-without-lines", row_id, "amount_fen") for row_id in still["row_id"].sort()]
    below = chained.filter(pl.col("balance_fen") < 0).sort("posted_on", "row_id").unique(
        KEY, keep="first", maintain_order=True)
    problems += [_problem("negative-balance", row_id, "balance_fen") for row_id in below["row_id"]]
    across = found.filter((pl.col("cause") == "rows_missing") & (file_of("last_row") != file_of("row_id")))
    problems += [
        _problem("balance-gap", row_id, "balance_fen", f"{start} → {end}")
        for row_id, start, end in across.select("row_id", "hole_from", "hole_to").iter_rows()
    ]
    return problems


def quiet_years(flow: pl.DataFrame, cover: pl.DataFrame, paid: pl.DataFrame) -> list[Problem]:
    """Exports that cover a year or more without a single line although contributions of these months were paid.

    flow: the lines that count; ``paid``: account, month (first day) of the paid contributions.
    """
    days = flow.select(*ACCOUNT, "posted_on", "row_id").sort(*ACCOUNT, "posted_on", "row_id", nulls_last=True)
    pairs = days.with_columns(
        pl.col("posted_on").shift(1).over(ACCOUNT).alias("_last"),
    ).filter(pl.col("posted_on") > pl.col("_last").dt.offset_by(f"{QUIET_MONTHS + 1}mo"))
    if pairs.is_empty():
        return []
    seen = pairs.join(cover, on=["person_id", "region"], nulls_equal=True).filter(
        (pl.col("from") <= pl.col("_last")) & (pl.col("to") >= pl.col("posted_on")))
    owed = seen.join(paid, on=ACCOUNT, nulls_equal=True).filter(
        pl.col("month").is_between("_last", "posted_on")).group_by("row_id", "_last", "posted_on").agg(pl.len())
    return [_problem("quiet-year", row_id, None, f"{last} → {day}")
            for row_id, last, day, _ in owed.sort("row_id").iter_rows()]


def _problem(code: str, row_id: str, column: str | None, value: str | None = None) -> Problem:
    file, _, place = row_id.partition("#")
    return Problem(code, file, place, column, value)
