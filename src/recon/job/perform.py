"""A run: read, reconcile, compare with what the state remembers, write, record, tell."""

from __future__ import annotations

import contextlib
import hashlib
import json
import logging
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from recon import __version__, batch
from recon.batch import CHINA, UsageError
from recon.config import Settings
from recon.job.log import log_to, where
from recon.job.settle import REPORT, options_of, packed, report_path
from recon.state.place import Locked, StateError, locked, open_place, read_heartbeat, write_heartbeat

if TYPE_CHECKING:
    import polars as pl

    from recon.state.compare import Circumstances
    from recon.state.rows import KeptRows
    from recon.state.store import RunRecord, Store

KEEP_RUNS = 120
STALE_DAYS = 62
_BACK_DAYS, _AHEAD_DAYS, _BELIEVED_DAYS = 1, 400, 40  # how far a clock may move between two runs
_ROWS_KEPT_DAYS = 400
# Settings that change no answer: where things go, what wakes whom.
_NOT_DECIDING = frozenset({
    "folder", "passwords", "tables_format", "lang", "full_ids", "fail_on", "min_fen", "min_people", "stale_days",
    "cache", "keep_runs", "monthly", "at", "next_workday", "kind", "notify_when", "holidays", "workdays",
})
_PERSON_TABLES = ("contribution", "flow", "payroll", "reading")


@dataclass(frozen=True)
class Outcome:
    """A finished run: its tables, where its report is, its exit code and counts, and what ought to be said."""

    run: batch.Run
    report: Path
    exit_code: int
    counts: dict[str, Any]
    alerts: tuple[str, ...] = ()  # codes of recon.job.words.ALERTS
    facts: Mapping[str, str] = field(default_factory=dict)  # what their sentences name


@dataclass
class _Past:
    """What the state says before a run, and what a run adds to it."""

    store: Store
    now: datetime
    last: RunRecord | None
    known: pl.DataFrame
    alerts: list[str] = field(default_factory=list)
    recorded: bool = True
    odd_clock: str | None = None  # what the clock said when it was not believed; kept for the next run to compare


def perform(
    settings: Settings, progress: batch.Progress | None = None, ask: batch.Ask | None = None,
    now: datetime | None = None,
) -> Outcome:
    """One run as the settings ask. ``now`` stands in for the clock. Raises UsageError; the state is then as it was."""
    now = now or datetime.now(CHINA)
    if settings.state is None:
        if settings.fail_on in ("new", "worse"):
            raise UsageError(
                f"--fail-on {settings.fail_on} 要与上次比，需要 --state 目录 / "
                "needs --state DIR, to compare with the last run"
            )
        return _run_once(settings, progress, ask, now)
    try:
        place = open_place(settings.state)
        started = f"{now.isoformat(timespec='seconds')} {os.getpid()}"
        with locked(place, started) as left_behind, log_to(place) as log:
            return _remembered(settings, place, progress, ask, now, log, left_behind)
    except Locked as error:
        since = f"（{error.since.partition(' ')[0]} 开始）" if error.since else ""
        raise UsageError(
            f"另一次运行正在使用这个状态文件夹{since}；等它结束再运行 / another run is at work in this state folder"
        ) from None
    except StateError as error:
        raise UsageError(str(error)) from error


def _run_once(
    settings: Settings, progress: batch.Progress | None, ask: batch.Ask | None, now: datetime
) -> Outcome:
    """A run without a state: complete, and remembering nothing."""
    import polars as pl

    from recon.state.store import DECISION_SCHEMA

    assert settings.folder is not None
    run = batch.run_folder(settings.folder, options_of(settings, ask), progress, now=now)
    report = report_path(settings, run.view.as_of)
    run, decided = _with_decisions(settings, run, report, pl.DataFrame(schema=DECISION_SCHEMA))
    counts, code = _judged(settings, run, decided, None)
    alerts = _stale(settings, run, now)
    _write(settings, run, report)
    return Outcome(run, report, code, counts | {"alerts": alerts}, tuple(alerts))


def _write(settings: Settings, run: batch.Run, report: Path) -> None:
    if settings.tables is not None:
        batch.write_tables(settings.tables, run, settings.tables_format or "parquet")
    batch.write_report(report, run)


# -------------------------------------------------------------------------------------------------- with a state


def _remembered(
    settings: Settings, place: Path, progress: batch.Progress | None, ask: batch.Ask | None, now: datetime,
    log: logging.Logger, left_behind: str | None,
) -> Outcome:
    """A run with a state: heartbeat before and after, a log line for each, whatever happens."""
    heart = read_heartbeat(place)
    beat = {**heart, "version": __version__, "last_started": now.isoformat(timespec="seconds")}
    alerts = []
    if left_behind:
        alerts.append("taken_up")
        log.warning("the run begun %s did not come to its end; taken up", left_behind.partition(" ")[0])
        _sweep(settings, left_behind)
    log.info("run started")
    try:
        with _store(place) as store:
            outcome = _compared(settings, place, store, progress, ask, now, alerts)
    except BaseException as error:
        code = batch.EXIT_USAGE if isinstance(error, UsageError | StateError) else batch.EXIT_CRASH
        log.log(logging.ERROR, "run failed, exit %d: %s", code, where(error))
        with contextlib.suppress(OSError):
            write_heartbeat(place, {**beat, "state": "failed", "exit_code": code, "error": type(error).__name__})
        raise
    state = outcome.counts["state"]
    log.info("run %s finished, exit %d: %s", state["run"], outcome.exit_code, json.dumps(
        {"gaps": outcome.counts["gaps"], "since": outcome.counts.get("since"), "files": outcome.counts["files"],
         "rejected": outcome.counts["rejected"], "alerts": outcome.alerts, "state": state}))
    with contextlib.suppress(OSError):
        write_heartbeat(place, {
            **beat, "state": "good" if state["recorded"] else "not_recorded", "exit_code": outcome.exit_code,
            "error": None, "run": state["run"], "as_of": outcome.counts["as_of"], "alerts": list(outcome.alerts),
            **({"last_good": now.isoformat(timespec="seconds")} if state["recorded"] else {}),
        })
    return outcome


@contextlib.contextmanager
def _store(place: Path) -> Iterator[Store]:
    from recon.state.store import open_store

    with open_store(place) as store:
        yield store


def _compared(
    settings: Settings, place: Path, store: Store, progress: batch.Progress | None, ask: batch.Ask | None,
    now: datetime, alerts: list[str],
) -> Outcome:
    """The run itself: what it found against what is known, written, then recorded in one transaction."""
    from recon.state.compare import carried, compare, live_gaps, visible

    assert settings.folder is not None
    past = _Past(store, now, store.last_run(), store.known(), alerts)
    _judge_clock(settings, past)
    rules = {name: _sha256(path) for name, path in batch.rule_files(settings.mappings).items()}
    kept = _kept_rows(settings, place, past.last)
    run = batch.run_folder(settings.folder, options_of(settings, ask), progress, now=now, kept=kept)
    if kept is not None:
        kept.keep(run.view.edition)
    as_of = run.view.as_of.isoformat()
    if past.last and _is_look_back(settings, past.last):
        past.alerts.append("look_back")
        past.recorded = False
    sources = {row["file"]: (row["sha256"] or "", row["status"]) for row in run.view.table("source").select(
        "file", "sha256", "status").iter_rows(named=True)}
    told = packed(replace(settings, as_of=None, file=None, state=None, report=None, tables=None, passwords=None,
                          channels=()))
    mark = _fingerprint(as_of, sources, told, rules, run.view.edition)
    is_repeat = past.last is not None and past.last.fingerprint == mark
    now_live = live_gaps(run.view.table("gap"))
    run_id = store.next_run()
    if is_repeat and past.last is not None:
        run_id = past.last.run_id
        events, base = store.events(run_id), _run_or_none(store, past.last.compared_with)
        fresh = events.clear()
        known = past.known
    else:
        around = _around(run, past.last, sources, told, rules, as_of)
        base = past.last
        events = compare(past.known, now_live, visible(run.view.table("month")), around)
        if base is None:  # the first run has nothing to compare with: what it finds is not news
            events = events.clear()
        fresh = events
        known = carried(past.known, now_live, events, run_id, as_of)
    report = report_path(settings, run.view.as_of)
    run, decided = _with_decisions(settings, run, report, store.decisions())
    run = _with_past(run, known, events, base)
    # To whoever is told of new gaps only, those of a first run are new.
    is_first = base is None and not is_repeat
    counts, code = _judged(settings, run, decided, _as_new(now_live, events) if is_first else fresh)
    past.alerts.extend(_stale(settings, run, now))
    counts |= {
        "since": None if is_first else _counted(fresh),
        "state": {"run": run_id, "recorded": past.recorded, "repeat": is_repeat,
                  "files_kept": kept.hits if kept else 0},
        "alerts": list(past.alerts),
    }
    _write(settings, run, report)
    stamp = now.isoformat(timespec="seconds")
    if store.fact("clock") != past.odd_clock:
        store.remember("clock", past.odd_clock)
    if not past.recorded:
        pass
    elif is_repeat:
        store.record_repeat(run_id, stamp, None, decided, ())
    else:
        from recon.state.store import RunRecord

        store.record(RunRecord(
            started=stamp, finished=stamp, folder=str(settings.folder.resolve()), as_of=as_of,
            edition=run.view.edition, version=__version__, options=told, fingerprint=mark, exit_code=code,
            counts={name: counts[name] for name in ("people", "months", "gaps", "accepted", "rejected", "since")},
            sources=sources, rules=rules, results=batch.result_hashes(run),
            compared_with=base.run_id if base else None,
        ), known, events, decided, (), settings.keep_runs or KEEP_RUNS)
    if kept is not None:
        kept.prune(now.timestamp() - _ROWS_KEPT_DAYS * 86_400)
    return Outcome(run, report, code, counts, tuple(past.alerts))


def _kept_rows(settings: Settings, place: Path, last: RunRecord | None) -> KeptRows | None:
    """The rows kept of files, unless the settings want none. They hold no accounts once the edition is hr."""
    from recon.state.rows import KeptRows, reading_mark

    folder = place / "rows"
    paths = [path for name, path in batch.rule_files(settings.mappings).items() if "/policy/" not in name]
    kept = KeptRows(folder, reading_mark(paths))
    if settings.cache is False:
        kept.prune(float("inf"))
        return None
    edition = settings.edition or (last.edition if last else None)
    if edition == "hr" and last is not None and last.edition != "hr":
        kept.drop_accounts()
    return kept


def _fingerprint(
    as_of: str, sources: Mapping[str, tuple[str, str]], told: Mapping[str, Any], rules: Mapping[str, str], edition: str,
) -> str:
    """A mark of all that a result follows from: equal marks, equal results."""
    facts = [as_of, sorted((file, sha) for file, (sha, status) in sources.items() if status != "own_output"),
             _deciding(told), rules, edition, __version__]
    return hashlib.sha256(json.dumps(facts, ensure_ascii=False, sort_keys=True).encode()).hexdigest()


def _deciding(told: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in told.items() if name not in _NOT_DECIDING}


def _around(
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
        run.view.table(name).filter(file.is_in(fresh)).select("person_id") for name in _PERSON_TABLES
    ]).drop_nulls().to_series().unique()
    return Circumstances(
        people=frozenset(people), files_new=bool(fresh), files_gone=bool(before - here),
        rules=dict(last.rules) != dict(rules) or _deciding(last.options) != _deciding(told),
        program=last.version != __version__, time=last.as_of != as_of,
    )


def _with_past(run: batch.Run, known: pl.DataFrame, events: pl.DataFrame, base: RunRecord | None) -> batch.Run:
    """The run with the ages of its gaps and what is different since ``base``."""
    import polars as pl

    from recon.report.view import Since

    as_of = run.view.as_of
    age = (pl.lit(as_of) - pl.col("first_as_of").str.to_date()).dt.total_days().clip(lower_bound=0)
    first = known.select("gap_id", "first_as_of", age.alias("age_days"))
    ages = first.join(events.select("gap_id", "event"), on="gap_id", how="left")
    since = Since(base.as_of if base else as_of.isoformat(), ages, events.join(first, on="gap_id", how="left"))
    return replace(run, view=replace(run.view, since=since))


def _as_new(live: pl.DataFrame, events: pl.DataFrame) -> pl.DataFrame:
    """The gaps of a first run: everything is new to whoever is told of new gaps only."""
    import polars as pl

    return live.select("gap_id", "status", "amount_fen", pl.lit("new").alias("event")).select(
        pl.col(name) if name in ("gap_id", "status", "amount_fen", "event")
        else pl.lit(None, dtype=events.schema[name]).alias(name) for name in events.columns)


def _counted(events: pl.DataFrame) -> dict[str, int]:
    from recon.state.compare import EVENTS

    found = dict(events["event"].value_counts().iter_rows())
    return {event: int(found.get(event, 0)) for event in EVENTS}


def _run_or_none(store: Store, run_id: int | None) -> RunRecord | None:
    return store.run(run_id) if run_id is not None else None


# ------------------------------------------------------------------------------------------- decisions and the exit


def _with_decisions(
    settings: Settings, run: batch.Run, report: Path, remembered: pl.DataFrame
) -> tuple[batch.Run, pl.DataFrame]:
    """The run with what was decided on its gaps, and all decisions that hold."""
    import polars as pl

    from recon.state.decisions import as_written, hold, read_decisions

    assert settings.folder is not None
    own = run.view.table("source").filter(pl.col("status") == "own_output")["file"].to_list()
    paths = {settings.folder / name: name for name in own if name.lower().endswith(".xlsx") and "!" not in name}
    paths.setdefault(report, report.name)
    entries, problems = read_decisions((name, path) for path, name in paths.items() if path.is_file())
    decided = hold(entries, remembered)
    written = [as_written(row["decision"], row["note"], row["decided_at"]) for row in decided.iter_rows(named=True)]
    shown = decided.with_columns(pl.Series("as_written", written, dtype=pl.String))
    tables = dict(run.view.tables)
    if problems:
        rows = [one.row(run.view.lang) for one in problems]
        tables["problem"] = pl.concat([tables["problem"], pl.DataFrame(rows, schema=tables["problem"].schema)])
    return replace(run, view=replace(run.view, tables=tables, decisions=shown)), decided


def _judged(
    settings: Settings, run: batch.Run, decided: pl.DataFrame, events: pl.DataFrame | None
) -> tuple[dict[str, Any], int]:
    """The counts with what was accepted, and the exit code that ``fail_on`` asks for (DESIGN section 8)."""
    import polars as pl

    from recon.state.compare import NEWS, live_gaps

    accepted = decided.filter(pl.col("decision") == "accepted")["gap_id"]
    open_gaps = live_gaps(run.view.table("gap")).filter(pl.col("status") == "open")
    theirs = open_gaps.filter(pl.col("gap_id").is_in(accepted.implode()))
    size = pl.max_horizontal(pl.col("amount_fen").abs(), pl.col("estimated_fen").abs().fill_null(0))
    # A gap without any figure, such as a month without a record, is never too small.
    counted = open_gaps.filter(
        ~pl.col("gap_id").is_in(accepted.implode()) & ((size >= (settings.min_fen or 0)) | (size == 0)))
    if settings.fail_on in ("new", "worse") and events is not None:
        wanted = NEWS if settings.fail_on == "new" else (*NEWS, "worse")
        counted = counted.join(events.filter(pl.col("event").is_in(wanted)).select("gap_id"), on="gap_id", how="semi")
    counts = dict(run.counts)
    counts |= {
        "accepted": theirs.height, "counted": counted.height, "counted_people": counted["person_id"].n_unique(),
        "fail_on": settings.fail_on or "any",
    }
    rejected = counts["rejected"]
    if rejected["files"] or rejected["rows"]:
        return counts, batch.EXIT_REJECTED
    return counts, batch.EXIT_OPEN if counted.height else batch.EXIT_CLEAR


# ------------------------------------------------------------------------------------------------------- the clock


def _judge_clock(settings: Settings, past: _Past) -> None:
    """A clock that has jumped is not believed once; a second run that agrees with it is (docs/adr/0024).

    A stated as-of date is believed at once: somebody has looked at a calendar.
    """
    if past.last is None or settings.as_of not in (None, "today"):
        return
    moved = _days(past.last.repeated or past.last.finished, past.now)
    if -_BACK_DAYS <= moved <= _AHEAD_DAYS:
        return
    before = past.store.fact("clock")
    if before and 0 <= _days(before, past.now) <= _BELIEVED_DAYS:
        return
    past.alerts.append("clock")
    past.recorded = False
    past.odd_clock = past.now.isoformat(timespec="seconds")


def _days(text: str, now: datetime) -> float:
    """Days from a kept moment to ``now``."""
    return (now - datetime.fromisoformat(text)).total_seconds() / 86_400


def _is_look_back(settings: Settings, last: RunRecord) -> bool:
    """Whether somebody asks for an earlier day than the state has reached: an answer, but not the present."""
    return settings.as_of not in (None, "today") and str(settings.as_of) < last.as_of


def _stale(settings: Settings, run: batch.Run, now: datetime) -> list[str]:
    """Whether the newest row lies long before today: is this month's export missing?"""
    from recon.core.context import newest_date

    newest = newest_date(run.view.tables, now.date())
    limit = settings.stale_days or (STALE_DAYS if settings.state and settings.as_of in (None, "today") else None)
    return ["stale"] if limit and isinstance(newest, date) and (now.date() - newest).days > limit else []


# ------------------------------------------------------------------------------------------------------------ files


def _sweep(settings: Settings, left_behind: str) -> None:
    """Remove what the killed run (``time process``) may have left half written beside the report and the tables."""
    process = left_behind.rpartition(" ")[2]
    places = [(settings.report or REPORT).parent, *([settings.tables] if settings.tables else [])]
    for path in (path for place in places for path in place.glob(f".*.{process}.part")):
        with contextlib.suppress(OSError):
            path.unlink()


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
