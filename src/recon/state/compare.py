"""What is new, changed, resolved or gone since the last run, and why: two frames in, events out. Pure.

Ageing and acceptance look at open and pending parts only (DESIGN section 3), one row per gap_id: a month that is
explained differently keeps its gap.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import polars as pl

LIVE_SCHEMA: dict[str, pl.DataType] = {
    "gap_id": pl.String(), "person_id": pl.String(), "region": pl.String(), "scheme": pl.String(),
    "accrual_month": pl.String(), "basis": pl.String(), "label": pl.String(), "cause": pl.String(),
    "status": pl.String(), "amount_fen": pl.Int64(), "estimated_fen": pl.Int64(),
}
KNOWN_SCHEMA: dict[str, pl.DataType] = {
    **LIVE_SCHEMA, "is_live": pl.Boolean(), "first_run": pl.Int64(), "first_as_of": pl.String(), "runs": pl.Int64(),
    "times_opened": pl.Int64(), "ended_as_of": pl.String(), "ending": pl.String(),
}
EVENT_SCHEMA: dict[str, pl.DataType] = {
    "gap_id": pl.String(), "event": pl.String(),  # recon.labels.EVENTS
    "person_id": pl.String(), "region": pl.String(),
    "scheme": pl.String(), "accrual_month": pl.String(), "basis": pl.String(),
    "label_was": pl.String(), "cause_was": pl.String(), "status_was": pl.String(), "amount_was": pl.Int64(),
    "label": pl.String(), "cause": pl.String(), "status": pl.String(), "amount_fen": pl.Int64(), "why": pl.String(),
}
NEWS = ("new", "reopened", "opened")
_NEVER = ("pooled_share", "flat_fee")


@dataclass(frozen=True)
class Circumstances:
    """What else differs between two runs; ``people`` are those with rows in a file that is new or changed."""

    people: frozenset[str] = frozenset()
    files_new: bool = False
    files_gone: bool = False
    rules: bool = False
    program: bool = False
    time: bool = False


def live_gaps(gap: pl.DataFrame) -> pl.DataFrame:
    """The open and pending gaps of a run, one row per gap_id: the worst part's words, the sum of the amounts."""
    rows = gap.filter(pl.col("status").is_in(["open", "pending"]) & ~pl.col("label").is_in(_NEVER))
    return (
        rows.with_columns(pl.col("accrual_month").cast(pl.String))
        .sort(pl.col("status") != "open", pl.col("amount_fen").abs(), "label", "cause",
              descending=[False, True, False, False], nulls_last=True, maintain_order=True)
        .group_by("gap_id", maintain_order=True)
        .agg(pl.exclude("amount_fen", "estimated_fen").first(), pl.col("amount_fen").sum(),
             pl.when(pl.col("estimated_fen").is_not_null().any()).then(pl.col("estimated_fen").sum())
             .alias("estimated_fen"))
        .select(pl.col(name).cast(kind) for name, kind in LIVE_SCHEMA.items())
        .sort("gap_id")
    )


def visible(tables: Mapping[str, pl.LazyFrame]) -> dict[str, pl.DataFrame]:
    """What a run can judge, by basis: a gap of theirs that is no more is resolved, of others it is only out of sight.

    credit: accounts and months whose status is known; payroll: people and months of payslips and contributions;
    balance: accounts with lines or readings.
    """
    month = tables["month"].filter(pl.col("status") != "unknown")
    when = pl.col("accrual_month").cast(pl.String)
    payslip = pl.coalesce("for_month", "pay_month").cast(pl.String).alias("accrual_month")
    return {
        "credit": month.select("person_id", "region", "scheme", when).unique().collect(),
        "payroll": pl.concat([
            tables["payroll"].select("person_id", payslip), tables["contribution"].select("person_id", when),
        ]).unique().collect(),
        "balance": pl.concat([
            tables[name].select("person_id", "region") for name in ("flow", "reading")
        ]).unique().collect(),
    }


def compare(
    known: pl.DataFrame, now: pl.DataFrame, seen: Mapping[str, pl.DataFrame], around: Circumstances
) -> pl.DataFrame:
    """One event per gap that differs from what was ``known`` (KNOWN_SCHEMA).

    ``now`` is :func:`live_gaps`, ``seen`` is :func:`visible`.
    """
    was = known.rename({name: f"{name}_was" for name in KNOWN_SCHEMA if name != "gap_id"})
    both = now.join(was, on="gap_id", how="full", coalesce=True)
    is_now, is_known = pl.col("basis").is_not_null(), pl.col("basis_was").is_not_null()
    was_live = pl.col("is_live_was").fill_null(value=False)
    described = ["label", "cause", "status", "amount_fen"]
    differs = pl.any_horizontal(*(pl.col(name).ne_missing(pl.col(f"{name}_was")) for name in described)) | (
        (pl.col("amount_fen") == 0) & pl.col("estimated_fen").ne_missing(pl.col("estimated_fen_was")))
    grown = pl.max_horizontal(pl.col("amount_fen").abs(), pl.col("estimated_fen").abs().fill_null(0)) > (
        pl.max_horizontal(pl.col("amount_fen_was").abs(), pl.col("estimated_fen_was").abs().fill_null(0)))
    event = (
        pl.when(is_now & ~is_known).then(pl.lit("new"))
        .when(is_now & ~was_live).then(pl.lit("reopened"))
        .when(is_now & (pl.col("status") == "open") & (pl.col("status_was") != "open")).then(pl.lit("opened"))
        .when(is_now & differs & grown & (pl.col("status") == "open")).then(pl.lit("worse"))
        .when(is_now & differs).then(pl.lit("changed"))
        .when(~is_now & was_live).then(pl.lit("resolved"))
    )
    place = ["person_id", "region", "scheme", "accrual_month", "basis"]
    rows = both.with_columns(event.alias("event")).filter(pl.col("event").is_not_null()).with_columns(
        pl.coalesce(name, f"{name}_was").alias(name) for name in place)
    judged = pl.concat([_with_seen(rows, basis, seen) for basis in rows["basis"].unique().sort()] or [
        rows.with_columns(pl.lit(value=True).alias("_seen"))])
    judged = judged.with_columns(
        pl.when((pl.col("event") == "resolved") & pl.col("_seen").is_null()).then(pl.lit("gone"))
        .otherwise("event").alias("event"),
        _why(around).alias("why"),
        pl.col("amount_fen_was").alias("amount_was"),
    )
    return judged.select(pl.col(name).cast(kind) for name, kind in EVENT_SCHEMA.items()).sort("gap_id")


def _with_seen(rows: pl.DataFrame, basis: str, seen: Mapping[str, pl.DataFrame]) -> pl.DataFrame:
    """The rows of one basis with ``_seen``: true where the run can judge them, null where not."""
    own = rows.filter(pl.col("basis") == basis)
    if basis not in seen:
        return own.with_columns(pl.lit(value=True).alias("_seen"))
    marked = seen[basis].with_columns(pl.lit(value=True).alias("_seen"))
    return own.join(marked, on=seen[basis].columns, how="left", nulls_equal=True)


def _why(around: Circumstances) -> pl.Expr:
    """The cause of an event: the person's own new file, else what else differs, several where it cannot be told."""
    own = pl.col("person_id").is_in(sorted(around.people))
    rest = [name for name, is_so in (
        ("file_gone", around.files_gone), ("rule_changed", around.rules), ("program_changed", around.program),
        ("time_passed", around.time),
    ) if is_so]
    # Others' new rows change what is usual; where nothing differs at all it can only be the program.
    text = ";".join(rest) or ("new_file" if around.files_new else "program_changed")
    return pl.when(own.fill_null(value=False)).then(pl.lit("new_file")).otherwise(pl.lit(text))


def carried(known: pl.DataFrame, now: pl.DataFrame, events: pl.DataFrame, run_id: int, as_of: str) -> pl.DataFrame:
    """What is known after a run (KNOWN_SCHEMA): the gaps of now, and those that have ended."""
    held = known.select("gap_id", "is_live", "first_run", "first_as_of", "runs", "times_opened")
    live = now.join(held, on="gap_id", how="left").with_columns(
        pl.lit(value=True).alias("is_live"),
        pl.col("first_run").fill_null(run_id),
        pl.min_horizontal(pl.col("first_as_of"), pl.lit(as_of)).alias("first_as_of"),
        (pl.col("runs").fill_null(0) + 1).alias("runs"),
        (pl.col("times_opened").fill_null(0) + (~pl.col("is_live").fill_null(value=False)).cast(pl.Int64))
        .alias("times_opened"),
        pl.lit(None, dtype=pl.String).alias("ended_as_of"), pl.lit(None, dtype=pl.String).alias("ending"),
    )
    ended = known.join(now.select("gap_id"), on="gap_id", how="anti").join(
        events.select("gap_id", pl.col("event").alias("_event")), on="gap_id", how="left"
    ).with_columns(
        pl.lit(value=False).alias("is_live"),
        pl.when("is_live").then(pl.lit(as_of)).otherwise("ended_as_of").alias("ended_as_of"),
        pl.when("is_live").then("_event").otherwise("ending").alias("ending"),
    )
    return pl.concat([frame.select(pl.col(name).cast(kind) for name, kind in KNOWN_SCHEMA.items())
                      for frame in (live, ended)]).sort("gap_id")
