"""A folder in, answers out: the run itself, in memory or with its tables on disk."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from recon import __version__
from recon.batch.calls import CHINA, Options, Progress, Run, Scratch, UsageError
from recon.batch.given import (
    ask_shown,
    day_of,
    exported_policy,
    folder_of,
    future_days,
    mappings_of,
    passwords_of,
    perhaps_on_payroll,
    policy_of,
    region_code,
    with_large_legs,
    with_legs,
)
from recon.batch.told import counts_of, exit_code_of, parameters_of, policy_refs, region_names, rules_told

if TYPE_CHECKING:
    import polars as pl

    from recon.core.context import Context
    from recon.core.payroll.check import PayrollResult
    from recon.policy import Policy
    from recon.problems import Problem
    from recon.reading.files import Kept
    from recon.reading.spread import Spread

HR_ABOVE_PEOPLE = 20


def run_folder(
    folder: Path, options: Options, progress: Progress | None = None, *, now: datetime | None = None,
    kept: Kept | None = None, files: Sequence[tuple[str, Path]] | None = None, scratch: Path | None = None,
) -> Run:
    """Read ``folder`` and answer every person and month; nothing is written.

    ``now`` stands in for the clock, ``kept`` holds rows that were read before, ``files`` (name, path) are read instead
    of all that lie in the folder. ``scratch`` is a folder in which a place may be made for tables too large for memory
    (:mod:`recon.large`); without one all is done in memory. Raises UsageError for a mistaken call, a mistake in a
    mapping or policy file, or a folder with nothing readable.
    """
    import polars as pl

    from recon import sharding
    from recon.core.context import newest_date
    from recon.core.payroll.check import check_payroll
    from recon.core.payroll.rollup import roll_up
    from recon.core.payroll_settings import PayrollSettings
    from recon.core.reconcile import without_spend
    from recon.core.survey import Part
    from recon.reading.folder import read_folder
    from recon.reading.spread import Spread, read_spread
    from recon.sharding import context_of, reconcile_all

    # pdfminer's warnings quote what stands in a file.
    logging.getLogger("pdfminer").setLevel(logging.CRITICAL)
    folder = folder_of(folder)
    mappings = mappings_of(options.mappings)
    own_policy = exported_policy(folder)
    policy = policy_of(mappings, own_policy)
    region = region_code(options.region, policy)
    now = now or datetime.now(CHINA)
    today = now.date()
    given: dict[str, Any] = {
        "mappings": mappings, "region_of": policy.region_of, "default_region": region, "progress": progress,
        "passwords": passwords_of(options.passwords), "ask": ask_shown(folder, options.ask),
        "leave_out": [path for path in (options.passwords, *own_policy) if path], "kept": kept, "files": files,
    }
    frame = _Frame(folder, options, policy, region, own_policy, now)
    if scratch is None:
        read = read_folder(folder, **given)
    else:
        places: list[Scratch] = []

        def place() -> Path:
            places.append(Scratch(scratch))
            return places[0].path

        found = read_spread(folder, place, from_rows=sharding.FROM_ROWS, rows_each=sharding.SHARD_ROWS, **given)
        if isinstance(found, Spread):
            return _large_run(found, frame, places[0])
        read = found
    if not any(read.tables[name].height for name in ("contribution", "flow", "person", "payroll", "reading")):
        names = ", ".join(sorted({problem.code for problem in read.problems})) or "empty-folder"
        raise UsageError(
            f"文件夹里没有能用的数据（{names}）；运行 recon identify 看每个文件的情况 / "
            "nothing readable in the folder; recon identify tells why, file by file"
        )
    read.tables, missing_legs = with_legs(read.tables, options.legs)
    as_of = day_of(options.as_of, newest_date(read.tables, today), today)
    firm = options.payroll or PayrollSettings()
    part = Part(read.tables, policy)
    context = context_of(read.tables, policy, as_of, tolerance=options.tolerance, payroll=firm, part=part)
    people = pl.concat([
        read.tables[name].select("person_id") for name in ("contribution", "flow", "person", "payroll")
    ]).drop_nulls().n_unique()
    edition = options.edition or ("hr" if people > HR_ABOVE_PEOPLE else "person")
    tables = without_spend(read.tables) if edition == "hr" else read.tables
    result = reconcile_all(tables, policy, as_of, context, spend=edition != "hr",
                           part=part if tables is read.tables else None)
    payroll = check_payroll({**result.inputs, "month": result.tables["month"]}, policy, as_of, firm,
                            perhaps_on_payroll(lambda name, rows: read.tables[name].filter(rows), read.problems,
                                                read.sources))
    answers = {
        **result.tables, "payroll_month": payroll.payroll_month,
        "gap": pl.concat([result.tables["gap"], payroll.gap]),
        "finding": pl.concat([result.tables["finding"], payroll.finding]),
    }
    answers["rollup"] = roll_up({**result.inputs, **answers}, firm)
    problems: list[Problem] = [
        *read.problems, *missing_legs, *future_days(lambda name, rows: read.tables[name].filter(rows), today),
        *context.problems, *result.problems, *payroll.problems,
    ]
    everything = {**result.inputs, **answers, "problem": _problem_table(problems, options.lang),
                  "source": read.sources}
    return _finished(frame, everything, as_of, edition, people, context, payroll)


@dataclass(frozen=True)
class _Frame:
    """What a run is made of besides its tables."""

    folder: Path
    options: Options
    policy: Policy
    region: str | None
    own_policy: Sequence[Path]
    now: datetime


def _large_run(read: Spread, frame: _Frame, place: Scratch) -> Run:
    """The run of a folder whose tables are too large for memory: they lie in ``place``."""
    from recon import large
    from recon.core.payroll_settings import PayrollSettings
    from recon.problems import Problem

    options, today = frame.options, frame.now.date()
    shards = large.Shards(read)
    missing_legs = with_large_legs(shards, options.legs)
    as_of = day_of(options.as_of, shards.newest(today), today)
    future = future_days(shards.rows, today)
    edition = options.edition or ("hr" if read.people > HR_ABOVE_PEOPLE else "person")
    tables = place.path / "tables"
    tables.mkdir()
    told = large.answer(
        shards, frame.policy, as_of, tables, firm=options.payroll or PayrollSettings(), spend=edition != "hr",
        tolerance=options.tolerance, unsure=lambda: perhaps_on_payroll(shards.rows, read.problems, read.sources))
    problems = [*read.problems, *missing_legs, *future, *told.problems]
    if told.shown < read.people:
        problems.append(Problem("workbook-part", value=f"{told.shown:,}/{read.people:,}"))
    everything = {**told.tables, "problem": _problem_table(problems, options.lang), "source": read.sources}
    return _finished(frame, everything, as_of, edition, read.people, told.context, told.payroll, told.stored, place)


def _finished(
    frame: _Frame, tables: Mapping[str, pl.DataFrame], as_of: date, edition: str, people: int, context: Context,
    payroll: PayrollResult, stored: Mapping[str, Path] | None = None, place: Scratch | None = None,
) -> Run:
    """The run with its tables, as it is shown."""
    from recon.core.steps import rules_before
    from recon.report.view import RunView

    options, policy = frame.options, frame.policy
    view = RunView(
        tables=tables, as_of=as_of, edition=edition, lang=options.lang, folder=frame.folder.name,
        version=__version__,
        parameters=[*parameters_of(options, frame.region, context.notes, payroll.notes),
                    *rules_told(context.inferred, [path.relative_to(frame.folder).as_posix()
                                                    for path in frame.own_policy], options.lang)],
        generated_at=frame.now.strftime("%Y-%m-%d %H:%M"), full_ids=options.full_ids,
        region_names=region_names(policy, tables), policy_refs=policy_refs(policy, tables, options.lang),
        rules_before=rules_before(tables["contribution"], tables["person"], policy), stored=stored or {},
    )
    counts = counts_of(view, people) | {"payslip_months": list(payroll.notes)}
    return Run(view, exit_code_of(counts), counts, place)


def _problem_table(problems: Sequence[Problem], lang: str) -> pl.DataFrame:
    import polars as pl

    return pl.DataFrame(
        [one.row(lang) for one in problems], schema=dict.fromkeys(
            ("code", "severity", "file", "place", "column", "value", "message", "remedy"), pl.String)
    ).unique(maintain_order=True).sort("severity", "file", "place", "code", nulls_last=True, maintain_order=True)
