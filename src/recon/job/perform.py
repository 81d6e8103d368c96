"""A run: read, reconcile, compare with what the state remembers, write, record, tell."""

from __future__ import annotations

import contextlib
import json
import logging
import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from recon import __version__, batch
from recon.batch import CHINA, UsageError
from recon.config import Settings
from recon.job import tell
from recon.job.judged import judged, live_rows, with_decisions
from recon.job.log import log_to, where
from recon.job.past import around, as_new, file_hash, fingerprint, with_past
from recon.job.plan import plan_of, wall
from recon.job.settle import REPORT, options_of, packed, report_path, scratch_of
from recon.state.place import Locked, StateError, locked, open_place, read_heartbeat, write_heartbeat

if TYPE_CHECKING:
    import polars as pl

    from recon.state.rows import KeptRows
    from recon.state.store import RunRecord, Store

KEEP_RUNS = 120
STALE_DAYS = 62
_BACK_DAYS, _AHEAD_DAYS, _BELIEVED_DAYS = 1, 400, 40  # how far a clock may move between two runs
_ROWS_KEPT_DAYS = 400
_SEEN = ("month", "payroll", "contribution", "flow", "reading")


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
class _Call:
    """One call: what it was asked, when, and what there is to say of it so far."""

    settings: Settings
    now: datetime
    progress: batch.Progress | None = None
    ask: batch.Ask | None = None
    log: logging.Logger | None = None
    alerts: list[str] = field(default_factory=list)
    facts: dict[str, str] = field(default_factory=dict)


@dataclass
class _Past:
    """What the state says before a run, and what a run adds to it."""

    store: Store
    last: RunRecord | None
    known: pl.DataFrame
    recorded: bool = True
    odd_clock: str | None = None  # what the clock said when it was not believed; kept for the next run to compare
    slot: str | None = None  # the month of the schedule that this run serves


def perform(
    settings: Settings, progress: batch.Progress | None = None, ask: batch.Ask | None = None,
    now: datetime | None = None,
) -> Outcome:
    """One run as the settings ask. ``now`` stands in for the clock. Raises UsageError; the state is then as it was."""
    call = _Call(settings, now or datetime.now(CHINA), progress, ask)
    if settings.state is None:
        if settings.fail_on in ("new", "worse"):
            raise UsageError(
                f"--fail-on {settings.fail_on} 要与上次比，需要 --state 目录 / "
                "needs --state DIR, to compare with the last run"
            )
        return _run_once(call)
    outcome = _run_locked(call, only_if_due=False)
    assert outcome is not None
    return outcome


def perform_if_due(
    settings: Settings, progress: batch.Progress | None = None, now: datetime | None = None
) -> Outcome | None:
    """The run of the schedule: None when its month has been served, and then only waiting messages are tried again."""
    if settings.state is None or settings.monthly is None:
        raise UsageError("定时运行要在 recon.toml 写 [state] folder 和 [schedule] monthly / "
                         "a scheduled run needs [state] folder and [schedule] monthly in recon.toml")
    return _run_locked(_Call(settings, now or datetime.now(CHINA), progress), only_if_due=True)


def _run_once(call: _Call) -> Outcome:
    """A run without a state: complete, and remembering nothing."""
    import polars as pl

    from recon.state.store import DECISION_SCHEMA

    settings = call.settings
    assert settings.folder is not None
    run = batch.run_folder(settings.folder, options_of(settings, call.ask), call.progress, now=call.now,
                           scratch=scratch_of(settings))
    report = report_path(settings, run.view.as_of)
    run, decided = with_decisions(settings, run, report, pl.DataFrame(schema=DECISION_SCHEMA))
    counts, code = judged(settings, run, decided, as_new(live_rows(run)))
    call.alerts += _stale(call, run)
    _write(settings, run, report)
    if settings.channels and tell.is_worth_telling(settings, counts, call.alerts):
        _note_failures(call, tell.deliver_now(settings, tell.told(settings, run, report, counts, call.alerts,
                                                                  call.facts)))
    return Outcome(run, report, code, counts | {"alerts": call.alerts}, tuple(call.alerts), call.facts)


def _write(settings: Settings, run: batch.Run, report: Path) -> None:
    if settings.tables is not None:
        batch.write_tables(settings.tables, run, settings.tables_format or "parquet")
    batch.write_report(report, run)


def _note_failures(call: _Call, failed: Mapping[str, str]) -> None:
    codes, facts = tell.alerts_of(failed)
    call.alerts += codes
    call.facts |= facts


# -------------------------------------------------------------------------------------------------- with a state


def _run_locked(call: _Call, *, only_if_due: bool) -> Outcome | None:
    """A run that holds the lock of its state folder; None when it is not due."""
    assert call.settings.state is not None
    try:
        place = open_place(call.settings.state)
        started = f"{_stamp(call.now)} {os.getpid()}"
        with locked(place, started) as left_behind, log_to(place) as log:
            call.log = log
            if left_behind:
                call.alerts.append("taken_up")
                log.warning("the run begun %s did not come to its end; taken up", left_behind.partition(" ")[0])
                _sweep(call.settings, left_behind)
            return _run_watched(call, place, only_if_due=only_if_due)
    except Locked as error:
        since = f"（{error.since.partition(' ')[0]} 开始）" if error.since else ""
        raise UsageError(
            f"另一次运行正在使用这个状态文件夹{since}；等它结束再运行 / another run is at work in this state folder"
        ) from None
    except StateError as error:
        raise UsageError(str(error)) from error


def _run_watched(call: _Call, place: Path, *, only_if_due: bool) -> Outcome | None:
    """A run with its heartbeat and log lines, whatever happens; a failure is told as well."""
    from recon.state.store import open_store

    assert call.log is not None
    plan = plan_of(call.settings)
    beat = {**read_heartbeat(place), "version": __version__, "last_started": _stamp(call.now)}
    if plan is not None:
        beat["next_due"] = plan.next_due(wall(call.now)).isoformat(timespec="minutes")
    try:
        with open_store(place) as store:
            past = _Past(store, store.last_run(), store.known())
            if plan is not None:
                served, slot = store.done_slots(), plan.slot(wall(call.now))
                past.slot = slot if slot not in served else None
                missed = plan.missed(wall(call.now), served)
                if missed:
                    call.alerts.append("missed")
                    call.facts["slots"] = ", ".join(missed)
            if only_if_due and past.slot is None:
                failed = tell.deliver(call.settings, store, _stamp(call.now))
                call.log.info("not due; messages that still wait: %d", len(failed))
                _beat(place, {**beat, "last_checked": _stamp(call.now), "unsent": len(store.unsent())})
                return None
            call.log.info("run started")
            outcome = _run_compared(call, place, past)
            unsent = len(store.unsent())
    except BaseException as error:
        code = batch.EXIT_USAGE if isinstance(error, UsageError | StateError) else batch.EXIT_CRASH
        call.log.log(logging.ERROR, "run failed, exit %d: %s", code, where(error))
        _beat(place, {**beat, "state": "failed", "exit_code": code, "error": type(error).__name__})
        _tell_failure(call, place, error)
        raise
    state = outcome.counts["state"]
    call.log.info("run %s finished, exit %d: %s", state["run"], outcome.exit_code, json.dumps(
        {name: outcome.counts.get(name) for name in ("gaps", "since", "files", "rejected", "alerts", "state")}))
    _beat(place, {
        **beat, "state": "good" if state["recorded"] else "not_recorded", "exit_code": outcome.exit_code,
        "error": None, "run": state["run"], "as_of": outcome.counts["as_of"], "alerts": list(outcome.alerts),
        "unsent": unsent, **({"last_good": _stamp(call.now)} if state["recorded"] else {}),
    })
    return outcome


def _beat(place: Path, facts: Mapping[str, Any]) -> None:
    with contextlib.suppress(OSError):  # a full disk is said by the run itself
        write_heartbeat(place, facts)


def _tell_failure(call: _Call, place: Path, error: BaseException) -> None:
    """A run that came to nothing is told as well, once a day; trouble with that is no further trouble."""
    from recon.state.store import open_store

    if not call.settings.channels or not isinstance(error, Exception):
        return
    with contextlib.suppress(StateError, OSError), open_store(place) as store:
        day = _stamp(call.now)[:10]
        if store.fact("failure_told") != day:
            store.post(tell.told_failure(call.settings, type(error).__name__), _stamp(call.now))
            store.remember("failure_told", day)
        tell.deliver(call.settings, store, _stamp(call.now))


def _run_compared(call: _Call, place: Path, past: _Past) -> Outcome:
    """The run itself: what it found against what is known, written, recorded in one transaction, then told."""
    from recon.report.view import event_counts
    from recon.state.compare import carried, compare, live_gaps, visible
    from recon.state.store import RunRecord

    settings, store, last = call.settings, past.store, past.last
    assert settings.folder is not None
    _judge_clock(call, past)
    rule_files = batch.rule_files(settings.mappings, settings.folder)
    rules = {name: file_hash(path) for name, path in rule_files.items()}
    kept = _kept_rows(settings, place, last, rule_files)
    run = batch.run_folder(settings.folder, options_of(settings, call.ask), call.progress, now=call.now, kept=kept,
                           scratch=scratch_of(settings))
    if kept is not None:
        kept.keep(run.view.edition)
    as_of = run.view.as_of.isoformat()
    if last and _is_look_back(settings, last):
        call.alerts.append("look_back")
        past.recorded = False
    sources = {row["file"]: (row["sha256"] or "", row["status"]) for row in run.view.table("source").select(
        "file", "sha256", "status").iter_rows(named=True)}
    told = packed(replace(settings, as_of=None, file=None, state=None, report=None, tables=None, passwords=None,
                          channels=()))
    mark = fingerprint(as_of, sources, told, rules, run.view.edition)
    live = live_gaps(live_rows(run))
    results = batch.result_hashes(run)
    # The results are looked at too: a program may have changed without a new version.
    is_repeat = last is not None and last.fingerprint == mark and last.results.get("gap") == results["gap"]
    if is_repeat and last is not None:
        run_id, known, events = last.run_id, past.known, store.events(last.run_id)
        base = store.run(last.compared_with) if last.compared_with else None
        news = events.clear()
    else:
        run_id, base = store.next_run(), last
        events = compare(past.known, live, visible({name: run.view.whole(name) for name in _SEEN}),
                         around(run, last, sources, told, rules, as_of))
        if base is None:  # with nothing to compare with nothing is a change; but to be told of, all of it is new
            events = events.clear()
        news = events if base is not None else as_new(live_rows(run))
        known = carried(past.known, live, events, run_id, as_of)
    report = report_path(settings, run.view.as_of)
    before = store.fact("report")
    run, decided = with_decisions(settings, run, report, store.decisions(), [Path(before)] if before else [])
    run = with_past(run, known, events, base)
    counts, code = judged(settings, run, decided, news)
    call.alerts += _stale(call, run)
    counts |= {
        "since": None if base is None and not is_repeat else event_counts(news),
        "state": {"run": run_id, "recorded": past.recorded, "repeat": is_repeat,
                  "files_kept": kept.hits if kept else 0},
    }
    _write(settings, run, report)
    messages: list[tuple[str, str, str]] = []
    alarms = [code for code in call.alerts if code in tell.ALARMS]
    if settings.channels and (alarms or not is_repeat) and tell.is_worth_telling(settings, counts, call.alerts):
        messages = tell.told(settings, run, report, counts, call.alerts, call.facts)
    facts = {"clock": None, "report": str(report.resolve())}
    if not past.recorded:
        if "clock" in call.alerts:
            store.remember("clock", past.odd_clock)
            store.post(messages, _stamp(call.now))
    elif is_repeat:
        store.record_repeat(run_id, _stamp(call.now), past.slot, decided, messages, facts)
    else:
        store.record(RunRecord(
            started=_stamp(call.now), finished=_stamp(call.now), folder=str(settings.folder.resolve()), as_of=as_of,
            edition=run.view.edition, version=__version__, options=told, fingerprint=mark, exit_code=code,
            counts={name: counts[name] for name in ("people", "months", "gaps", "accepted", "rejected", "since")},
            sources=sources, rules=rules, results=results,
            compared_with=base.run_id if base else None, slot=past.slot,
        ), known, events, decided, messages, facts, settings.keep_runs or KEEP_RUNS)
    _note_failures(call, tell.deliver(settings, store, _stamp(call.now)))
    if kept is not None:
        kept.prune(call.now.timestamp() - _ROWS_KEPT_DAYS * 86_400)
    return Outcome(run, report, code, counts | {"alerts": list(call.alerts)}, tuple(call.alerts), call.facts)


def _kept_rows(
    settings: Settings, place: Path, last: RunRecord | None, rule_files: Mapping[str, Path],
) -> KeptRows | None:
    """The rows kept of files. They hold no accounts once the edition is hr.

    None where the settings want no rows kept: those there are go, and StateError says so where they cannot.
    """
    folder = place / "rows"
    if settings.cache is False:
        try:
            with contextlib.suppress(FileNotFoundError):
                shutil.rmtree(folder)
        except OSError as error:
            raise StateError(
                f"状态文件夹里的 rows 删不掉：{error.strerror}；请手工删除 / "
                "rows in the state folder cannot be removed; remove it by hand"
            ) from error
        return None
    from recon.state.rows import KeptRows, reading_mark

    kept = KeptRows(folder, reading_mark([path for name, path in rule_files.items() if "/policy/" not in name]))
    edition = settings.edition or (last.edition if last else None)
    if edition == "hr" and last is not None and last.edition != "hr":
        kept.drop_accounts()
    return kept


# ------------------------------------------------------------------------------------------------------- the clock


def _judge_clock(call: _Call, past: _Past) -> None:
    """A clock that has jumped is not believed once; a second run that agrees with it is (docs/adr/0024).

    A stated as-of date is believed at once: somebody has looked at a calendar.
    """
    if past.last is None or call.settings.as_of not in (None, "today"):
        return
    moved = _days(past.last.repeated or past.last.finished, call.now)
    if -_BACK_DAYS <= moved <= _AHEAD_DAYS:
        return
    before = past.store.fact("clock")
    if before and 0 <= _days(before, call.now) <= _BELIEVED_DAYS:
        return
    call.alerts.append("clock")
    past.recorded = False
    past.odd_clock = _stamp(call.now)


def _stamp(now: datetime) -> str:
    return now.isoformat(timespec="seconds")


def _days(text: str, now: datetime) -> float:
    """Days from a kept moment to ``now``."""
    return (now - datetime.fromisoformat(text)).total_seconds() / 86_400


def _is_look_back(settings: Settings, last: RunRecord) -> bool:
    """Whether somebody asks for an earlier day than the state has reached: an answer, but not the present."""
    return settings.as_of not in (None, "today") and str(settings.as_of) < last.as_of


def _stale(call: _Call, run: batch.Run) -> list[str]:
    """Whether the newest row lies long before today: is this month's export missing?"""
    from recon.core.context import DAY_COLUMNS, newest_date

    settings, now = call.settings, call.now
    days = {name: run.view.whole(name).select(*columns).unique().collect() for name, columns in DAY_COLUMNS.items()}
    newest = newest_date(days, now.date())
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
    for path in scratch_of(settings).glob(f"{batch.SCRATCH}{process}-*"):
        shutil.rmtree(path, ignore_errors=True)
