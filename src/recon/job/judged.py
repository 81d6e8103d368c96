"""What was decided on the gaps of a run, and the exit code that follows."""

from __future__ import annotations

import glob
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from recon import batch
from recon.config import Settings

if TYPE_CHECKING:
    import polars as pl


def with_decisions(
    settings: Settings, run: batch.Run, report: Path, remembered: pl.DataFrame, earlier: Sequence[Path] = ()
) -> tuple[batch.Run, pl.DataFrame]:
    """The run with what was decided on its gaps, and all decisions that hold.

    They are read from recon's workbooks in the folder, the one about to be replaced, those that the same setting has
    named in other months, and ``earlier`` ones.
    """
    import polars as pl

    from recon.state.decisions import as_written, hold, read_decisions

    assert settings.folder is not None
    own = run.view.table("source").filter(pl.col("status") == "own_output")["file"].to_list()
    paths = {(settings.folder / name).resolve(): name for name in own
             if name.lower().endswith(".xlsx") and "!" not in name}
    for path in (*earlier, *_reports(settings), report):
        paths.setdefault(path.resolve(), path.name)
    entries, problems = read_decisions((name, path) for path, name in paths.items() if path.is_file())
    decided = hold(entries, remembered)
    written = [as_written(row["decision"], row["note"], row["decided_at"]) for row in decided.iter_rows(named=True)]
    shown = decided.with_columns(pl.Series("as_written", written, dtype=pl.String))
    tables = dict(run.view.tables)
    if problems:
        rows = [one.row(run.view.lang) for one in problems]
        tables["problem"] = pl.concat([tables["problem"], pl.DataFrame(rows, schema=tables["problem"].schema)])
    return replace(run, view=replace(run.view, tables=tables, decisions=shown)), decided


def _reports(settings: Settings) -> list[Path]:
    """The workbooks of other months, where the report's name holds a date."""
    report = settings.report
    if report is None or "{" not in report.name:
        return []
    digits = glob.escape(report.name).replace("{as_of}", "[0-9]*").replace("{month}", "[0-9]*")
    return sorted(report.parent.glob(digits)) if "{" not in str(report.parent) else []


def live_rows(run: batch.Run) -> pl.DataFrame:
    """The gaps of all people that are open or pending."""
    import polars as pl

    return run.view.whole("gap").filter(pl.col("status").is_in(["open", "pending"])).collect()


def judged(
    settings: Settings, run: batch.Run, decided: pl.DataFrame, events: pl.DataFrame | None
) -> tuple[dict[str, Any], int]:
    """The counts with what was accepted, and the exit code that ``fail_on`` asks for (DESIGN section 8)."""
    import polars as pl

    from recon.state.compare import NEWS, live_gaps

    accepted = decided.filter(pl.col("decision") == "accepted")["gap_id"]
    open_gaps = live_gaps(live_rows(run)).filter(pl.col("status") == "open")
    theirs = open_gaps.filter(pl.col("gap_id").is_in(accepted.implode()))
    size = pl.max_horizontal(pl.col("amount_fen").abs(), pl.col("estimated_fen").abs().fill_null(0))
    # A gap without any figure, such as a month without a record, is never too small.
    counted = open_gaps.filter(
        ~pl.col("gap_id").is_in(accepted.implode()) & ((size >= (settings.min_fen or 0)) | (size == 0)))
    people = counted["person_id"].n_unique()
    news = counted.clear()
    if events is not None:
        news = counted.join(events.filter(pl.col("event").is_in((*NEWS, "worse"))).select("gap_id"), on="gap_id",
                            how="semi")
        fresh = events.filter(pl.col("event").is_in(NEWS)).select("gap_id")
        if settings.fail_on == "worse":
            counted = news
        elif settings.fail_on == "new":
            counted = counted.join(fresh, on="gap_id", how="semi")
    counts = dict(run.counts)
    counts |= {
        "accepted": theirs.height, "counted": counted.height, "counted_people": people,
        "news": news.height, "news_people": news["person_id"].n_unique(), "fail_on": settings.fail_on or "any",
    }
    rejected = counts["rejected"]
    if rejected["files"] or rejected["rows"]:
        return counts, batch.EXIT_REJECTED
    return counts, batch.EXIT_OPEN if counted.height else batch.EXIT_CLEAR
