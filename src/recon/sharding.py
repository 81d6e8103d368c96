"""Large inputs answered in shards of people, in several processes: the same answers in bounded memory.

A shard is a run of people in the order of their ids, with their rows of every table and of the context; the context
itself speaks of all people, so that a shard's answers are those of the whole (DESIGN section 6); the shards are asked
for it round by round (:mod:`recon.core.survey`). What counts people across shards, the findings, is added up from what
each shard has of them. Between processes go the paths of Parquet files in a private temporary folder that is removed
at the end.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, cast

import polars as pl

from recon.core.context import DAY_COLUMNS, Context, build_context, gather, newest_days
from recon.core.expect import conflict_problems
from recon.core.lag_votes import COUNTED, PERSONAL, Votes
from recon.core.payroll.check import PayrollResult
from recon.core.payroll.deducted import deducted_months, no_deductions
from recon.core.payroll.rollup import roll_up
from recon.core.payroll_settings import PayrollSettings
from recon.core.prepare import prepare
from recon.core.reconcile import Members, Result, finding_table, members_of, reconcile, without_spend
from recon.core.survey import Part, Told, together
from recon.inside import inside_polars
from recon.policy import Policy
from recon.problems import Problem
from recon.reading.slices import Places
from recon.reading.spread import Spread
from recon.reading.workers import close_idle, each_in_turn
from recon.tables import INPUT_TABLES, conform

# Rows of contributions and account lines from which shards pay, and that one shard holds at most: about 1 GB at work.
FROM_ROWS = 600_000
SHARD_ROWS = 250_000
FOLDED = 8  # answers of shards that are held before they are added up
SECONDS = 3600.0  # for one shard; the solver's own bounds keep it far below
_ORDERED_BY = {"expected": "row_id"}  # all others come in the order of people
_SHARED = ("coverage", "payment")  # rows that speak of nobody in particular: every shard sees them


@dataclass(frozen=True)
class _Work:
    """What all shards have in common."""

    policy: Policy
    as_of: date
    context: Context  # without the rows of single people
    spend: bool
    drop: bool = False  # spending is still in the shards


@dataclass(frozen=True)
class _Told:
    """What shards give beside their tables."""

    problems: list[Problem]
    conflicts: pl.DataFrame
    members: Members


def rows_of(tables: Mapping[str, pl.DataFrame]) -> int:
    """Contribution and account lines."""
    return sum(tables[name].height for name in ("contribution", "flow") if name in tables)


def reconcile_all(
    tables: Mapping[str, pl.DataFrame], policy: Policy, as_of: date, context: Context, *, spend: bool = True,
    shards: int | None = None, workers: int | None = None, part: Part | None = None,
) -> Result:
    """:func:`recon.core.reconcile.reconcile`, in shards where that pays or ``shards`` says so."""
    number = _number(tables, shards)
    if number < 2:
        return reconcile(tables, policy, as_of, context, spend=spend, part=part)
    with TemporaryDirectory(prefix="recon-") as place:
        made = _split(tables, Path(place), number, context)
        folders = made.folders
        told = answer_shards(made, policy, as_of, context, spend=spend, workers=workers)
        results = {name: _gathered(folders, f"result-{name}", _ORDERED_BY.get(name)) for name in _names(folders)}
        inputs = {
            name: conform(tables[name], name) if name in tables and name in _SHARED
            else _as_before(_gathered(folders, f"input-{name}"), tables.get(name))
            for name in INPUT_TABLES
        }
    results["finding"] = finding_table(told.members)
    return Result(results, inputs, problems_of(told), told.conflicts, told.members)


def _number(tables: Mapping[str, pl.DataFrame], shards: int | None) -> int:
    """How many shards pay: as many as are asked for, else one below :data:`FROM_ROWS`."""
    return shards or (-(-rows_of(tables) // SHARD_ROWS) if rows_of(tables) >= FROM_ROWS else 1)


def context_of(
    tables: Mapping[str, pl.DataFrame], policy: Policy, as_of: date, *, tolerance: int | None = None,
    payroll: PayrollSettings | None = None, shards: int | None = None, workers: int | None = None,
    part: Part | None = None,
) -> Context:
    """:func:`recon.core.context.build_context`, in shards where that pays or ``shards`` says so."""
    number = _number(tables, shards)
    if number < 2:
        return build_context(tables, policy, as_of, tolerance=tolerance, payroll=payroll, part=part)
    deducted = _deducted(tables, payroll)
    with TemporaryDirectory(prefix="recon-") as place:
        made = _split(tables, Path(place), number)
        bare = survey_shards(made, policy, as_of, tolerance=tolerance, deducted=deducted, workers=workers)
        own: dict[str, Any] = {name: _gathered(made.folders, f"context-{name}") for name in _own(bare)}
    return replace(bare, **own)


def tables_to_disk(
    tables: dict[str, pl.DataFrame], policy: Policy, as_of: date, directory: Path, *, tolerance: int | None = None,
    payroll: PayrollSettings | None = None, spend: bool = True, shards: int | None = None, workers: int | None = None,
) -> list[Problem]:
    """The result tables as Parquet in ``directory``, never all in memory; for inputs too large for one workbook.

    ``tables`` is emptied once its shards are written. Rows lie in the order of people. What is returned is what was
    noticed, the context's problems included.
    """
    number = shards or max(-(-rows_of(tables) // SHARD_ROWS), 1)
    directory.mkdir(parents=True, exist_ok=True)
    deducted = _deducted(tables, payroll)
    with TemporaryDirectory(prefix="recon-", dir=directory) as place:
        made = _split(tables, Path(place), number)
        tables.clear()
        context = survey_shards(made, policy, as_of, tolerance=tolerance, deducted=deducted, workers=workers)
        return [*context.problems,
                *shards_to_disk(made, policy, as_of, context, directory, spend=spend, workers=workers)]


def shards_of(spread: Spread) -> Places:
    """The shards of a folder that was read into them, with what every shard has to see."""
    made = Places(tuple(spread.folders), spread.bounds)
    for name, frame in spread.tables.items():
        _write_parts(frame, made, f"table-{name}", everywhere=True)
    return made


def newest_of(shards: Places, today: date) -> date | None:
    """:func:`recon.core.context.newest_date` of all people."""
    days: list[date] = []
    ends: list[date] = []
    for folder in shards.folders:
        tables = {name: pl.read_parquet(path, columns=columns)
                  for name, columns in DAY_COLUMNS.items() if (path := folder / f"table-{name}.parquet").exists()}
        day, end = newest_days(tables, today)
        days += [day] if day else []
        ends += [end] if end else []
    return max(days or ends, default=None)


def deducted_in(shards: Places, payroll: PayrollSettings | None) -> pl.DataFrame:
    """The months with a payslip deduction; without payslips nothing is looked at, with them all people at once."""
    slips = pl.scan_parquet([folder / "table-payroll.parquet" for folder in shards.folders])
    if not slips.select(pl.len()).collect().item():
        return no_deductions()
    names = {path.stem.removeprefix("table-") for path in shards.folders[0].glob("table-*.parquet")}
    # Lines of accounts prove no employment.
    return _deducted({name: _gathered(shards.folders, f"table-{name}").unique() if name in _SHARED
                      else _gathered(shards.folders, f"table-{name}") for name in names - {"flow", "reading"}}, payroll)


def shards_to_disk(
    shards: Places, policy: Policy, as_of: date, context: Context, directory: Path, *, spend: bool = True,
    workers: int | None = None,
) -> list[Problem]:
    """The result tables of all shards as Parquet in ``directory``, in the order of people; what was noticed."""
    told = answer_shards(shards, policy, as_of, context, spend=spend, workers=workers)
    for name in _names(shards.folders):
        to_disk(shards, f"result-{name}", directory / f"{name}.parquet")
    finding_table(told.members).write_parquet(directory / "finding.parquet")
    return problems_of(told)


def to_disk(
    shards: Places, name: str, target: Path, *, more: pl.DataFrame | None = None, keep: bool = False
) -> Path:
    """The parts of a table in all shards, then ``more``, as one file; the parts are gone then unless ``keep``."""
    parts = [folder / f"{name}.parquet" for folder in shards.folders]
    whole = pl.scan_parquet(parts)
    (whole if more is None else pl.concat([whole, more.lazy()])).sink_parquet(target)
    for part in () if keep else parts:
        part.unlink()
    return target


def roll_up_shards(
    shards: Places, payroll: PayrollResult, firm: PayrollSettings, workers: int | None = None
) -> list[pl.DataFrame]:
    """:func:`recon.core.payroll.rollup.roll_up` of each answered shard, with what its people have in ``payroll``."""
    for name, frame in (("gap", payroll.gap), ("month", payroll.payroll_month), ("finding", payroll.finding)):
        _write_parts(frame, shards, f"payroll-{name}", everywhere=False)
    return list(_each("roll_up_shard", firm, [(folder,) for folder in shards.folders], workers))


def roll_up_shard(firm: PayrollSettings, folder: Path) -> pl.DataFrame:
    """The roll-up of one answered shard; called in a worker process."""
    own = {name: pl.read_parquet(folder / f"{kind}.parquet") for name, kind in (
        ("month", "result-month"), ("gap", "result-gap"), ("more", "payroll-gap"), ("payroll_month", "payroll-month"),
        ("finding", "payroll-finding"), ("person", "input-person"))}
    return roll_up({**own, "gap": pl.concat([own["gap"], own["more"]])}, firm)


def _deducted(tables: Mapping[str, pl.DataFrame], payroll: PayrollSettings | None) -> pl.DataFrame:
    """The months with a payslip deduction, of all people at once; without payslips nothing is looked at."""
    if "payroll" not in tables or tables["payroll"].is_empty():
        return no_deductions()
    return deducted_months(prepare(dict(tables)).tables, payroll)


def survey_shards(
    shards: Places, policy: Policy, as_of: date, *, tolerance: int | None = None, deducted: pl.DataFrame,
    workers: int | None = None,
) -> Context:
    """The context of all shards, without the rows of single people: these stand in the shards (``context-*``)."""
    def ask(name: str, *arguments: Any) -> Any:
        answers = _each("survey_shard", policy, [(folder, name, arguments) for folder in shards.folders], workers)
        return _folded(answers, together)

    context = gather(ask, policy, as_of, tolerance=tolerance, deducted=deducted)
    for path in (path for folder in shards.folders for path in folder.glob("survey-*.parquet")):
        path.unlink()
    own = _own(context)
    for name in own:  # what was found by comparing people of several shards
        if not (shards.folders[0] / f"context-{name}.parquet").exists():
            _write_parts(getattr(context, name), shards, f"context-{name}", everywhere=False)
    return replace(context, **{name: getattr(context, name).clear() for name in own})


def survey_shard(policy: Policy, folder: Path, name: str, arguments: tuple[Any, ...]) -> Any:
    """One round of :class:`recon.core.survey.Part` for a shard; called in a worker process.

    What the next round needs, and the tables of single people, stay in the folder.
    """
    kept = {path.stem.removeprefix("survey-"): pl.read_parquet(path) for path in folder.glob("survey-*.parquet")}
    none = pl.DataFrame()
    personal = {each: kept[each] for each in PERSONAL if each in kept}
    votes = Votes(**personal, **dict.fromkeys(COUNTED, none)) if personal else None
    part = Part(_tables_of(folder), policy, kept.get("lines"), votes)
    answer = inside_polars(getattr(part, name))(*arguments)
    if isinstance(answer, Told):
        for table, frame in answer.own.items():
            frame.write_parquet(folder / f"context-{table}.parquet", compression="lz4")
        return replace(answer, own={table: frame.clear() for table, frame in answer.own.items()})
    if name in ("seen", "voted"):
        left = {"lines": part.lines} | (
            {each: getattr(part.votes, each) for each in PERSONAL} if part.votes else {})
        for table, frame in left.items():
            frame.write_parquet(folder / f"survey-{table}.parquet", compression="lz4")
    return answer


def answer_shards(
    shards: Places, policy: Policy, as_of: date, context: Context, *, spend: bool = True, drop: bool = False,
    workers: int | None = None,
) -> _Told:
    """Answer every shard; its tables stand beside its input (``result-*``, ``input-*``).

    drop: spending is still in the shards, and must not be in what is answered.
    """
    bare: dict[str, Any] = {name: getattr(context, name).clear() for name in _own(context)}
    work = _Work(policy, as_of, replace(context, **bare), spend, drop)
    told = _folded(_each("answer_shard", work, [(folder,) for folder in shards.folders], workers), _told)
    close_idle()  # what they held of the largest shard is needed to put the tables together
    return cast(_Told, told)


def _each(function: str, shared: Any, arguments: list[tuple[Any, ...]], workers: int | None) -> Iterator[Any]:
    """``function`` of this module for each of ``arguments``, in several processes; each answer in its turn."""
    return each_in_turn(f"recon.sharding:{function}", shared, arguments, workers, SECONDS)


def _folded(answers: Iterable[Any], put_together: Callable[[Sequence[Any]], Any]) -> Any:
    """All answers as one, a few at a time, so that they are never all held."""
    held: list[Any] = []
    for answer in answers:
        held.append(answer)
        if len(held) > FOLDED:
            held = [put_together(held)]
    return put_together(held)


def answer_shard(work: _Work, folder: Path) -> _Told:
    """Answer one shard; called in a worker process."""
    tables = without_spend(_tables_of(folder)) if work.drop else _tables_of(folder)
    result = reconcile(tables, work.policy, work.as_of, _context_of(work.context, folder), spend=work.spend)
    for name, frame in result.tables.items():
        if name != "finding":
            frame.write_parquet(folder / f"result-{name}.parquet", compression="lz4")
    for name, frame in result.inputs.items():
        if name not in _SHARED:
            frame.write_parquet(folder / f"input-{name}.parquet", compression="lz4")
    return _Told(result.problems, result.conflicts, result.members)


def _told(parts: Sequence[_Told]) -> _Told:
    """What several shards give."""
    return _Told([problem for one in parts for problem in one.problems], pl.concat([one.conflicts for one in parts]),
                 members_of([one.members for one in parts]))


def _tables_of(folder: Path) -> dict[str, pl.DataFrame]:
    return {path.stem.removeprefix("table-"): pl.read_parquet(path) for path in folder.glob("table-*.parquet")}


def _context_of(shared: Context, folder: Path) -> Context:
    """The context of a shard: what all share, and the rows of its own people."""
    own: dict[str, Any] = {path.stem.removeprefix("context-"): pl.read_parquet(path)
                           for path in folder.glob("context-*.parquet")}
    return replace(shared, **own)


# --------------------------------------------------------------------------------------------------------- taking apart


def _own(context: Context) -> list[str]:
    """The parts of a context that speak of single people."""
    return [field.name for field in fields(context)
            if isinstance(getattr(context, field.name), pl.DataFrame)
            and "person_id" in getattr(context, field.name).columns]


def _split(tables: Mapping[str, pl.DataFrame], place: Path, number: int, context: Context | None = None) -> Places:
    """One folder a shard with its rows of all tables and, where it is given, of the context."""
    people = pl.concat([
        frame["person_id"].unique() for frame in tables.values() if "person_id" in frame.columns
    ]).drop_nulls().unique().sort()
    bounds = [people[-(-at * len(people) // number)] if len(people) else "" for at in range(1, number)]
    folders = tuple(place / f"{at:05d}" for at in range(number))
    for folder in folders:
        folder.mkdir()
    shards = Places(folders, pl.Series(bounds, dtype=pl.String))
    for name, frame in tables.items():
        _write_parts(frame, shards, f"table-{name}", everywhere=name in _SHARED)
    for name in _own(context) if context else ():
        _write_parts(getattr(context, name), shards, f"context-{name}", everywhere=False)
    return shards


def _write_parts(frame: pl.DataFrame, shards: Places, name: str, *, everywhere: bool) -> None:
    """The rows of each shard as a Parquet file; rows of nobody go to all shards, or to the first."""
    people = frame["person_id"] if "person_id" in frame.columns else pl.repeat(None, frame.height, dtype=pl.String,
                                                                             eager=True)
    of_all = people.is_null() & everywhere
    nobody = frame.filter(of_all)
    parts = frame.with_columns(shards.of(people)).filter(~of_all).partition_by(
        "_shard", as_dict=True, include_key=False, maintain_order=True)
    for at, folder in enumerate(shards.folders):
        part = parts.get((at,), frame.clear())
        pl.concat([part, nobody]).write_parquet(folder / f"{name}.parquet", compression="lz4")


# ----------------------------------------------------------------------------------------------------- putting together


def _names(folders: Sequence[Path]) -> list[str]:
    return sorted(path.stem.removeprefix("result-") for path in folders[0].glob("result-*.parquet"))


def _gathered(folders: Sequence[Path], name: str, order: str | None = None) -> pl.DataFrame:
    whole = pl.concat([pl.read_parquet(folder / f"{name}.parquet") for folder in folders])
    return whole.sort(order) if order else whole


def _as_before(frame: pl.DataFrame, given: pl.DataFrame | None) -> pl.DataFrame:
    """Input rows in the order in which they were given."""
    if given is None or "row_id" not in frame.columns or frame.height != given.height:
        return frame
    order = given.select("row_id")
    if order["row_id"].null_count() or order["row_id"].is_duplicated().any():
        return frame
    return order.join(frame, on="row_id", how="left", maintain_order="left").select(frame.columns)


def problems_of(told: _Told) -> list[Problem]:
    """Problems without repetition: one that names no place speaks of a file and is said once."""
    said: set[tuple[str, str | None]] = set()
    problems: list[Problem] = []
    for problem in told.problems:
        if problem.code == "policy-differs" or (problem.place is None and (problem.code, problem.file) in said):
            continue
        said.add((problem.code, problem.file))
        problems.append(problem)
    return problems + conflict_problems(told.conflicts)
