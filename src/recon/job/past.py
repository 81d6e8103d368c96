"""A run beside the last one: whether they are the same, what else differs, and how that is shown."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from recon import __version__, batch

if TYPE_CHECKING:
    import polars as pl

    from recon.state.compare import Circumstances
    from recon.state.store import RunRecord

# Settings that change no answer: where things go, what wakes whom.
_NOT_DECIDING = frozenset({
    "folder", "passwords", "tables_format", "lang", "full_ids", "fail_on", "min_fen", "min_people", "stale_days",
    "cache", "keep_runs", "monthly", "at", "next_workday", "kind", "notify_when", "holidays", "workdays",
})
_PERSON_TABLES = ("contribution", "flow", "payroll", "reading")


def fingerprint(
    as_of: str, sources: Mapping[str, tuple[str, str]], told: Mapping[str, Any], rules: Mapping[str, str], edition: str,
) -> str:
    """A mark of all that a result follows from: equal marks, equal results."""
    facts = [as_of, sorted((file, sha) for file, (sha, status) in sources.items() if status != "own_output"),
             deciding(told), rules, edition, __version__]
    return hashlib.sha256(json.dumps(facts, ensure_ascii=False, sort_keys=True).encode()).hexdigest()


def deciding(told: Mapping[str, Any]) -> dict[str, Any]:
    """The settings that decide answers."""
    return {name: value for name, value in told.items() if name not in _NOT_DECIDING}


def file_hash(path: Path) -> str:
    """The sha256 of a file's content, read in pieces."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def around(
    run: batch.Run, last: RunRecord | None, sources: Mapping[str, tuple[str, str]], told: Mapping[str, Any],
    rules: Mapping[str, str], as_of: str,
) -> Circumstances:
    """What else is different from the last run."""
    import polars as pl

    from recon.state.compare import Circumstances

    if last is None:
        return Circumstances()
    before = {sha for sha, status in last.sources.values() if status != "own_output"}
    here = {sha for sha, status in sources.values() if status != "own_output"}
    fresh = sorted(file for file, (sha, status) in sources.items() if sha not in before and status != "own_output")
    file = pl.col("row_id").str.extract(r"^(.*)#[^#]*$")
    people = pl.concat([
        run.view.whole(name).filter(file.is_in(fresh)).select("person_id").unique().collect()
        for name in _PERSON_TABLES
    ]).drop_nulls().to_series().unique()
    return Circumstances(
        people=frozenset(people), files_new=bool(fresh), files_gone=bool(before - here),
        rules=dict(last.rules) != dict(rules) or deciding(last.options) != deciding(told),
        program=last.version != __version__, time=last.as_of != as_of,
    )


def with_past(run: batch.Run, known: pl.DataFrame, events: pl.DataFrame, base: RunRecord | None) -> batch.Run:
    """The run with the ages of its gaps and what is different since ``base``."""
    import polars as pl

    from recon.report.view import Since

    as_of = run.view.as_of
    age = (pl.lit(as_of) - pl.col("first_as_of").str.to_date()).dt.total_days().clip(lower_bound=0)
    first = known.select("gap_id", "first_as_of", age.alias("age_days"))
    ages = first.join(events.select("gap_id", "event"), on="gap_id", how="left")
    since = Since(base.as_of if base else as_of.isoformat(), ages, events.join(first, on="gap_id", how="left"))
    return replace(run, view=replace(run.view, since=since))


def as_new(gap: pl.DataFrame) -> pl.DataFrame:
    """The gaps of a run with nothing before it as events: to whoever is told of new gaps, all of them are new."""
    import polars as pl

    from recon.state.compare import EVENT_SCHEMA, live_gaps

    live = live_gaps(gap).with_columns(pl.lit("new").alias("event"))
    return live.select(pl.col(name) if name in live.columns else pl.lit(None, dtype=kind).alias(name)
                       for name, kind in EVENT_SCHEMA.items())
