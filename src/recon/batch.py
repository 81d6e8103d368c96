"""A folder in, answers out: the only owner of the clock, of files written, and of what is said on a screen.

Every command line door calls a function here; each is also a Python door.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import logging
import os
import re
import shutil
import weakref
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta, timezone
from pathlib import Path
from tempfile import mkdtemp
from typing import TYPE_CHECKING, Any

from recon import __version__

if TYPE_CHECKING:
    import polars as pl

    from recon.core.context import Context
    from recon.core.payroll.check import PayrollResult
    from recon.core.payroll_settings import PayrollSettings
    from recon.draft import Draft
    from recon.large import Shards
    from recon.policy import Policy
    from recon.policy.draft import Suggested
    from recon.problems import Problem
    from recon.reading.folder import Claim, Kept
    from recon.reading.spread import Spread
    from recon.report.view import RunView

CHINA = timezone(timedelta(hours=8))
HR_ABOVE_PEOPLE = 20
MOST_PASSWORDS = 100  # those somebody knows, not a list to try
EXIT_CLEAR, EXIT_CRASH, EXIT_USAGE, EXIT_OPEN, EXIT_REJECTED = 0, 1, 2, 3, 4
_REJECTED_STATUS = ("partly_read", "ambiguous", "unreadable")
_HASHED_ROWS = 200_000
SCRATCH = ".recon-"  # begins the name of the folder in which a large run lays down its tables, then its process


Ask = Callable[[str], str | None]


class UsageError(Exception):
    """A mistaken call or configuration: exit 2, with a sentence that says what to do."""


@dataclass(frozen=True)
class Options:
    """How a run is made; the defaults are those of the command line."""

    as_of: str | None = None  # YYYY-MM-DD, "today", or None: the newest date among the rows
    region: str | None = None
    tolerance: int | None = None
    mappings: Path | None = None
    edition: str | None = None  # hr, person, audit; None: hr above 20 people
    lang: str = "zh"
    full_ids: bool = False
    legs: Mapping[str, str] = field(default_factory=dict)  # leg -> auto, off or required (recon.toml)
    payroll: PayrollSettings | None = None  # None: nothing is stated of the firm
    passwords: Path | None = None  # a file of passwords, one a line, that nobody else may read
    ask: Ask | None = None  # asks for the password of a file; None: nobody is asked


class Scratch:
    """A folder of its own in ``parent``, for nobody else to read; gone with the last who knows it."""

    def __init__(self, parent: Path) -> None:
        self.path = Path(mkdtemp(prefix=f"{SCRATCH}{os.getpid()}-", dir=parent))
        weakref.finalize(self, shutil.rmtree, self.path, ignore_errors=True)


@dataclass(frozen=True)
class Run:
    """One finished run: its tables, what it was made of, and its exit code."""

    view: RunView
    exit_code: int
    counts: dict[str, Any] = field(default_factory=dict)
    scratch: Scratch | None = None  # where tables too large for memory lie; gone with the run


Progress = Callable[[int, int], None]


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
    from recon.reading.folder import read_folder
    from recon.reading.spread import Spread, read_spread
    from recon.sharding import context_of, reconcile_all

    # pdfminer's warnings quote what stands in a file.
    logging.getLogger("pdfminer").setLevel(logging.CRITICAL)
    folder = _folder(folder)
    mappings = _mappings(options.mappings)
    own_policy = _exported_policy(folder)
    policy = _policy(mappings, own_policy)
    region = _region(options.region, policy)
    now = now or datetime.now(CHINA)
    today = now.date()
    given: dict[str, Any] = {
        "mappings": mappings, "region_of": policy.region_of, "default_region": region, "progress": progress,
        "passwords": _passwords(options.passwords), "ask": _ask_shown(folder, options.ask),
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
    read.tables, missing_legs = _legs(read.tables, options.legs)
    as_of = _as_of(options.as_of, newest_date(read.tables, today), today)
    firm = options.payroll or PayrollSettings()
    context = context_of(read.tables, policy, as_of, tolerance=options.tolerance, payroll=firm)
    people = pl.concat([
        read.tables[name].select("person_id") for name in ("contribution", "flow", "person", "payroll")
    ]).drop_nulls().n_unique()
    edition = options.edition or ("hr" if people > HR_ABOVE_PEOPLE else "person")
    tables = without_spend(read.tables) if edition == "hr" else read.tables
    result = reconcile_all(tables, policy, as_of, context, spend=edition != "hr")
    payroll = check_payroll({**result.inputs, "month": result.tables["month"]}, policy, as_of, firm,
                            _perhaps_on_payroll(lambda name, rows: read.tables[name].filter(rows), read.problems,
                                                read.sources))
    answers = {
        **result.tables, "payroll_month": payroll.payroll_month,
        "gap": pl.concat([result.tables["gap"], payroll.gap]),
        "finding": pl.concat([result.tables["finding"], payroll.finding]),
    }
    answers["rollup"] = roll_up({**result.inputs, **answers}, firm)
    problems: list[Problem] = [
        *read.problems, *missing_legs, *_future(lambda name, rows: read.tables[name].filter(rows), today),
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
    missing_legs = _large_legs(shards, options.legs)
    as_of = _as_of(options.as_of, shards.newest(today), today)
    future = _future(shards.rows, today)
    edition = options.edition or ("hr" if read.people > HR_ABOVE_PEOPLE else "person")
    tables = place.path / "tables"
    tables.mkdir()
    told = large.answer(
        shards, frame.policy, as_of, tables, firm=options.payroll or PayrollSettings(), spend=edition != "hr",
        tolerance=options.tolerance, unsure=lambda: _perhaps_on_payroll(shards.rows, read.problems, read.sources))
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
        parameters=[*_parameters(options, frame.region, context.notes, payroll.notes),
                    *_rules_told(context.inferred, [path.relative_to(frame.folder).as_posix()
                                                    for path in frame.own_policy], options.lang)],
        generated_at=frame.now.strftime("%Y-%m-%d %H:%M"), full_ids=options.full_ids,
        region_names=_region_names(policy, tables), policy_refs=_policy_refs(policy, tables, options.lang),
        rules_before=rules_before(tables["contribution"], tables["person"], policy), stored=stored or {},
    )
    counts = _counts(view, people) | {"payslip_months": list(payroll.notes)}
    return Run(view, exit_code_of(counts), counts, place)


def _problem_table(problems: Sequence[Problem], lang: str) -> pl.DataFrame:
    import polars as pl

    return pl.DataFrame(
        [one.row(lang) for one in problems], schema=dict.fromkeys(
            ("code", "severity", "file", "place", "column", "value", "message", "remedy"), pl.String)
    ).unique(maintain_order=True).sort("severity", "file", "place", "code", nulls_last=True, maintain_order=True)


def exit_code_of(counts: Mapping[str, Any]) -> int:
    """4 where a file or row was rejected, else 3 with open gaps, else 0 (DESIGN section 8)."""
    if counts["rejected"]["files"] or counts["rejected"]["rows"]:
        return EXIT_REJECTED
    return EXIT_OPEN if counts["gaps"]["open"] else EXIT_CLEAR


def write_report(path: Path, run: Run) -> None:
    """The workbook at ``path``: written beside it under a temporary name, then renamed."""
    from recon.report.workbook import write_workbook

    with _beside(path) as temporary:
        write_workbook(temporary, run.view)


def write_tables(directory: Path, run: Run, kind: str = "parquet") -> None:
    """Every canonical table into ``directory`` as Parquet or CSV, each renamed into place."""
    from recon.tables import TABLES, conform

    directory.mkdir(parents=True, exist_ok=True)
    for name in TABLES:
        with _beside(directory / f"{name}.{kind}") as temporary:
            if name in run.view.stored:
                if kind == "csv":
                    run.view.whole(name).sink_csv(temporary)
                else:
                    shutil.copyfile(run.view.stored[name], temporary)
                continue
            frame = conform(run.view.table(name), name)
            if kind == "csv":
                frame.write_csv(temporary)
            else:
                frame.write_parquet(temporary)


def explain_person(folder: Path, key: str, options: Options, *, short: bool, html: Path | None = None,
                   progress: Progress | None = None) -> str:
    """The answers for one person of ``folder`` in plain words; UsageError when nobody or several fit.

    html: where to write them as one page, too.
    """
    from recon.report.explain import answers, letter
    from recon.report.page import page

    view = run_folder(folder, options, progress).view
    told = answers(view, key)
    if isinstance(told, str):
        raise UsageError(told)
    if html is not None:
        with _beside(html) as temporary:
            temporary.write_text(page(view, told), encoding="utf-8")
    return told.short if short else letter(told)


def forecast_folder(
    folder: Path, options: Options, month: str | None, output: Path | None = None, progress: Progress | None = None
) -> dict[str, Any]:
    """Who is about to have a gap in ``month`` and what new bases cost, as counts; ``output``: the lists as a workbook.

    Raises UsageError for a month that cannot be read, and where no payslip, declaration or record is there.
    """
    from recon.core.payroll.forecast import forecast
    from recon.report.forecast_sheets import write_forecast

    at = None if month is None else _month(month)
    run = run_folder(folder, options, progress)
    policy = _user_policy(options.mappings, folder)
    told = forecast(run.view.tables, policy, run.view.as_of, options.payroll, at)
    if output is not None:
        with _beside(output) as temporary:
            write_forecast(temporary, run.view, told.month, told.people, told.bases)
    bases = {name: int(told.bases[name].sum()) for name in (
        "own_month_fen", "firm_month_fen", "own_top_up_fen", "firm_top_up_fen")}
    counted = dict(told.people.group_by("cause", maintain_order=True).len().iter_rows())
    deadlines = told.people["deadline"].drop_nulls()
    return {
        "month": f"{told.month:%Y-%m}", "declared": told.declared, "as_of": run.view.as_of.isoformat(),
        "deadline": str(deadlines.min()) if len(deadlines) else None, "causes": counted,
        "about_to_have_a_gap": sum(count for cause, count in counted.items() if cause != "to_be_removed"),
        "bases": {"people": told.bases.height, **bases,
                  "own_month_mean_fen": bases["own_month_fen"] // told.bases.height if told.bases.height else 0},
    }


def identify(folder: Path, options: Options) -> list[tuple[str, Claim]]:
    """(name to show, claim) per file and sheet: which format claims it, and why the others do not."""
    from recon.reading.folder import identify_folder
    from recon.report.mask import mask_files

    folder = _folder(folder)
    own_policy = _exported_policy(folder)
    claims = identify_folder(folder, mappings=_mappings(options.mappings),
                             passwords=_passwords(options.passwords), ask=_ask_shown(folder, options.ask),
                             leave_out=[path for path in (options.passwords, *own_policy) if path])
    shown = mask_files(sorted({claim.file for claim in claims}))
    return [(shown[claim.file], claim) for claim in claims]


def proof_told(claim: Claim, lang: str) -> str | None:
    """What the running balance of a file proves and what nothing proves, in a sentence; None: it prints no balance."""
    from recon.report.words import Words

    if claim.rows_proved is None:
        return None
    words = Words(lang)
    return (f"{words('rows_proved')} {claim.rows_proved} · {words('unproved')}{'：' if lang == 'zh' else ': '}"
            f"{words.unproved(claim.unproved)}")


def check(mappings: Path | None, exports: Path | None = None) -> tuple[int, int]:
    """Validate every format and policy file, shipped and the user's; (formats, regions), or UsageError with all.

    ``exports`` is a folder of exports whose own policy files are looked at too.
    """
    from recon.reading.formats import FormatError, load_formats

    try:
        formats = load_formats(_mappings(mappings))
    except FormatError as error:
        raise UsageError(str(error)) from None
    return len(formats), len(_user_policy(mappings, exports).regions())


# ------------------------------------------------------------------------------------------------------------ policy


def policy_list(mappings: Path | None, exports: Path | None, lang: str) -> list[str]:
    """One line per region, tab-separated."""
    from recon.policy.words import list_lines

    return list(list_lines(_user_policy(mappings, exports), lang))


def policy_show(region: str, at: str | None, mappings: Path | None, exports: Path | None, lang: str) -> list[str]:
    """Everything stated of a region, or what is in force in month ``at``; UsageError names near regions."""
    from recon.policy.words import region_or_national, show_lines

    policy = _user_policy(mappings, exports)
    code = region_or_national(policy, region)
    if code is None:
        raise UsageError(_unknown_region(region, policy))
    return list(show_lines(policy, code, _month(at) if at else None, lang))


def policy_diff(
    region: str, one: str, other: str, mappings: Path | None, exports: Path | None, lang: str
) -> list[str]:
    """What differs between two months of a region."""
    from recon.policy.words import diff_lines, region_or_national

    policy = _user_policy(mappings, exports)
    code = region_or_national(policy, region)
    if code is None:
        raise UsageError(_unknown_region(region, policy))
    return list(diff_lines(policy, code, _month(one), _month(other), lang))


def policy_new(
    region: str, mappings: Path | None, exports: Path | None, output: Path | None, *, name: str | None, lang: str
) -> tuple[str, list[str]]:
    """The text of a drafted policy file, written to ``output`` if given, and what to say about it.

    A file that exists is never written over. A region that nobody knows needs a six-digit code and a ``name``.
    """
    from recon.policy.draft import draft_text, latest

    if output is not None and output.exists():
        raise UsageError(f"{output.name} 已经存在，不覆盖；请换一个名字 / it exists and is not written over")
    policy = _user_policy(mappings, exports)
    code = policy.region_of(region)
    is_new = code is None
    if code is None:
        if not re.fullmatch(r"\d{6}(-P)?", region):
            raise UsageError(_unknown_region(region, policy))
        if not name:
            raise UsageError(f"{region} 不在自带的政策里，请用 --name 写出名称；相近的有："
                             f"{'、'.join(policy.near_names(region)) or '无'} / not in the table: give --name")
        code = region
    known_name = str(policy.files[code].about.get("name", code)) if code in policy.files else str(name)
    known = {section: entry for section in ("in_service", "retiree", "employee", "base_limit", "schedule", "calendar")
             if (entry := latest(policy.line(code, section).entries)) is not None}
    suggested = _suggested(exports, policy, mappings, code) if exports is not None else []
    text = draft_text(code, known_name, known, suggested, is_new=is_new)
    told = [] if exports is None else [
        f"从数据推断出 {len(suggested)} 条规则" if lang == "zh" else f"{len(suggested)} rules inferred from the data"]
    if output is not None:
        with _beside(output) as temporary:
            temporary.write_text(text, encoding="utf-8")
        where = output.parent.as_posix()
        told.append(f"已写入 {output}；改好后运行 recon check --mappings {where}" if lang == "zh" else
                    f"written to {output}; edit it, then run recon check --mappings {where}")
    return text, told


def _suggested(exports: Path, policy: Policy, mappings: Path | None, code: str) -> list[Suggested]:
    """What the data of a folder suggest for a region: one section per inferred rule."""
    from recon.core.context import newest_date
    from recon.core.inferred import suggested_sections
    from recon.policy.draft import Suggested
    from recon.reading.folder import read_folder
    from recon.sharding import context_of

    folder = _folder(exports)
    read = read_folder(folder, mappings=_mappings(mappings), region_of=policy.region_of,
                       leave_out=_exported_policy(folder))
    today = datetime.now(CHINA).date()
    context = context_of(read.tables, policy, newest_date(read.tables, today) or today)
    return [Suggested(*one) for one in suggested_sections(context.inferred, code)]


def _user_policy(mappings: Path | None, exports: Path | None) -> Policy:
    return _policy(_mappings(mappings), _exported_policy(_folder(exports)) if exports else ())


def draft_mapping(
    file: Path, mappings: Path | None, output: Path | None, *, table: str | None = None, sheet: str | None = None,
    lang: str = "zh",
) -> Draft:
    """A drafted format for ``file``, written to ``output`` when that is given; UsageError when none can be made.

    A file that exists is never written over: it may hold somebody's work.
    """
    from recon.draft import DraftError, draft_mapping
    from recon.reading.formats import FormatError

    if not file.is_file():
        raise UsageError("没有这个文件 / no such file")
    if output is not None and output.exists():
        raise UsageError(f"{output.name} 已经存在，不覆盖；请换一个名字 / it exists and is not written over")
    stem = re.sub(r"[^a-z0-9_]+", "_", (output.stem if output else "").lower()).strip("_")
    try:
        draft = draft_mapping(file, _mappings(mappings), new_id=stem if stem[:1].isalpha() else "my_format",
                              table=table, sheet=sheet, lang=lang)
    except (DraftError, FormatError) as error:
        raise UsageError(str(error)) from None
    if output is not None:
        with _beside(output) as temporary:
            temporary.write_text(draft.text, encoding="utf-8")
    return draft


def input_files(folder: Path) -> list[tuple[str, Path]]:
    """(name, path) of every file that a run on ``folder`` would read."""
    from recon.reading.containers import list_files

    return list_files(folder)


def rule_files(mappings: Path | None, folder: Path | None = None) -> dict[str, Path]:
    """Every format and policy file that decides answers, by a name that does not tell where it lies.

    Those of policy that lie among the exports of ``folder`` are among them.
    """
    from recon.policy.load import policy_files
    from recon.reading.formats import format_files

    found = {}
    for owner, directory in zip(("shipped", "own"), _mappings(mappings), strict=False):
        inside = directory / "policy" if (directory / "policy").is_dir() else directory
        for path in sorted({*format_files(directory), *policy_files(inside)}):
            found[f"{owner}/{path.parent.name}/{path.name}"] = path
    if folder is not None:
        exported = _exported_policy(_folder(folder))
        found |= {f"exports/policy/{path.relative_to(folder.resolve()).as_posix()}": path for path in exported}
    return found


def result_hashes(run: Run) -> dict[str, tuple[int, str]]:
    """Rows and sha256 of every result table, for telling whether two runs gave the same."""
    from recon.tables import RESULT_TABLES, conform

    hashes = {}
    for name in RESULT_TABLES:
        if name in run.view.stored:
            hashes[name] = _stored_hash(run.view.whole(name))
            continue
        frame = conform(run.view.table(name), name)
        if name == "source":  # recon's own reports in the folder come and go
            frame = frame.remove(frame["status"] == "own_output")
        hashes[name] = (frame.height, hashlib.sha256(frame.write_csv().encode()).hexdigest())
    return hashes


def _stored_hash(table: pl.LazyFrame) -> tuple[int, str]:
    """Rows and hash of a large table, some rows at a time; the same as of the whole."""
    import polars as pl

    rows = table.select(pl.len()).collect().item()
    mark = hashlib.sha256()
    for at in range(0, max(rows, 1), _HASHED_ROWS):
        mark.update(table.slice(at, _HASHED_ROWS).collect().write_csv(include_header=at == 0).encode())
    return rows, mark.hexdigest()


def confirm(
    folder: Path, output: Path, *, mappings: Path | None = None, lang: str = "zh", passwords: Path | None = None,
    progress: Progress | None = None,
) -> tuple[int, int, int, int]:
    """Lay what the pictures of ``folder`` seem to say beside them in ``output``.

    How many pictures and rows are in it, how many pictures say nothing that can be laid out, and how many of those in
    it are scans with pages that could not be read.

    Without a picture nothing is written. Raises UsageError where the extra is missing or ``output`` exists: it may hold
    somebody's ticks.
    """
    from recon.fill.confirm import drafts, write_confirm

    if output.exists():
        raise UsageError(f"{output.name} 已经存在，不覆盖；请换一个名字 / it exists and is not written over")
    try:
        drawn = drafts(_folder(folder), _mappings(mappings), _passwords(passwords), progress)
    except ImportError:
        raise UsageError(
            "没有安装图片识别组件：pip install 'recon[ocr]'；或用 recon template 手填 / "
            "the OCR extra is not installed: pip install 'recon[ocr]', or type the figures with recon template"
        ) from None
    found = [draft for draft in drawn if draft is not None]
    if found:
        with _beside(output) as temporary:
            write_confirm(temporary, found, lang)
    return (len(found), sum(len(draft.rows) for draft in found), len(drawn) - len(found),
            sum(bool(draft.unread) for draft in found))


def write_template(path: Path, lang: str = "zh") -> None:
    """The fill-in workbook at ``path``; a file that exists is never written over."""
    from recon.fill import write_template

    if path.exists():
        raise UsageError(f"{path.name} 已经存在，不覆盖；请换一个名字 / it exists and is not written over")
    with _beside(path) as temporary:
        write_template(temporary, lang)


# ------------------------------------------------------------------------------------------------------- its inputs


def _folder(folder: Path) -> Path:
    if not folder.is_dir():
        raise UsageError(f"没有这个文件夹：{folder.name} / no such folder")
    return folder.resolve()


def _mappings(user: Path | None) -> list[Path]:
    from recon.reading.formats import shipped

    if user is not None and not user.is_dir():
        raise UsageError(f"没有这个目录：{user} / no such directory")
    return [shipped(), *([user] if user else [])]


def _passwords(file: Path | None) -> tuple[str, ...]:
    """The passwords of a protected file and of the environment (RECON_PASSWORDS), one a line; never logged."""
    lines = os.environ.get("RECON_PASSWORDS", "").splitlines()
    if file is not None:
        file = file.expanduser()
        try:
            if os.name == "posix" and file.stat().st_mode & 0o077:
                raise UsageError(f"别人也能读 {file.name}；先执行 chmod 600 / others may read it; chmod 600 it first")
            lines = file.read_text(encoding="utf-8-sig").splitlines() + lines
        except (OSError, UnicodeDecodeError) as error:
            why = type(error).__name__
            raise UsageError(f"密码文件 {file.name} 读不了（{why}） / the file of passwords cannot be read") from None
    passwords = tuple(dict.fromkeys(line for line in lines if line.strip()))
    if len(passwords) > MOST_PASSWORDS:
        raise UsageError(f"密码最多 {MOST_PASSWORDS} 个 / at most {MOST_PASSWORDS} passwords")
    return passwords


def _ask_shown(folder: Path, ask: Ask | None) -> Ask | None:
    """``ask`` with the file called as on any screen: by number where its name carries personal data."""
    if ask is None:
        return None
    from recon.reading.containers import list_files
    from recon.report.mask import mask_files

    shown = mask_files(sorted(name for name, _ in list_files(folder)))
    return lambda name: ask(shown.get(name, "?"))


def _policy(mappings: list[Path], exports: Sequence[Path] = ()) -> Policy:
    """The shipped policy, then the files among the exports, then the user's own mappings: the later wins."""
    from recon.policy import PolicyError, load_policy

    shipped, *own = [inside if (inside := path / "policy").is_dir() else path for path in mappings]
    try:
        return load_policy([shipped, exports, *own])
    except PolicyError as error:
        raise UsageError(f"政策文件有误，改正后再运行 / mistakes in a policy file:\n{error}") from None


def _exported_policy(folder: Path) -> list[Path]:
    from recon.policy import exported_policy_files

    return exported_policy_files(folder)


def _region(text: str | None, policy: Policy) -> str | None:
    if text is None:
        return None
    code = policy.region_of(text)
    if code is None:
        raise UsageError(_unknown_region(text, policy))
    return code


def _unknown_region(text: str, policy: Policy) -> str:
    near = "、".join(policy.near_names(text))
    return (f"不认识的统筹区：{text}；相近的有：{near or '无'}；全部见 recon policy list / "
            f"unknown region; near: {near or 'none'}; recon policy list shows all")


def _month(text: str) -> date:
    """A month as people write it: 2024-05, 2024.5, 202405, 2024年5月."""
    found = re.fullmatch(r"\s*(\d{4})\s*[-./年]?\s*(\d{1,2})\s*月?\s*", text)
    try:
        return date(int(found[1]), int(found[2]), 1) if found else date.fromisoformat(text).replace(day=1)
    except ValueError:
        raise UsageError(f"月份看不懂：{text}；请写成 2024-05 / unreadable month; write 2024-05") from None


def _as_of(text: str | None, newest: date | None, today: date) -> date:
    if text == "today":
        return today
    if text is not None:
        try:
            return date.fromisoformat(text)
        except ValueError:
            raise UsageError(f"基准日看不懂：{text}；请写成 2024-12-31 或 today / unreadable date") from None
    return newest or today  # without a single date nothing is judged by it


def _legs(
    tables: dict[str, pl.DataFrame], legs: Mapping[str, str]
) -> tuple[dict[str, pl.DataFrame], list[Problem]]:
    """The tables without the legs that are switched off, and a problem for each required one that is not there."""
    from recon.problems import Problem

    tables = dict(tables)
    missing = []
    for leg, (table, rows) in _rows_of_legs().items():
        if legs.get(leg) == "off":
            tables[table] = tables[table].filter(~rows)
        elif legs.get(leg) == "required" and tables[table].filter(rows).is_empty():
            missing.append(Problem("leg-absent", value=leg))
    return tables, missing


def _large_legs(shards: Shards, legs: Mapping[str, str]) -> list[Problem]:
    """The same for tables in shards."""
    from recon.problems import Problem

    missing = []
    for leg, (table, rows) in _rows_of_legs().items():
        if legs.get(leg) == "off":
            shards.without(table, rows)
        elif legs.get(leg) == "required" and not shards.has(table, rows):
            missing.append(Problem("leg-absent", value=leg))
    return missing


def _rows_of_legs() -> dict[str, tuple[str, pl.Expr]]:
    """The table of each leg, and which of its rows belong to it."""
    import polars as pl

    declared = pl.col("proof").is_in(["declared", "billed"]).fill_null(value=False)
    everything = pl.lit(value=True)
    return {"payroll": ("payroll", everything), "payment": ("payment", everything), "flow": ("flow", everything),
            "declared": ("contribution", declared), "arrived": ("contribution", ~declared)}


def _future(rows: Callable[[str, pl.Expr], pl.DataFrame], today: date) -> list[Problem]:
    """One notice per file with days after today: they do not move the as-of date. rows: of a table, those asked for."""
    import polars as pl

    from recon.problems import Problem

    found = []
    for name, column in (("flow", "posted_on"), ("contribution", "paid_on"), ("payment", "paid_on")):
        later = rows(name, pl.col(column) > today).with_columns(
            pl.col("row_id").str.split_exact("#", 1).struct.rename_fields(["file", "place"]).alias("at")
        ).unnest("at").sort("file", column, "place").unique("file", keep="last", maintain_order=True)
        found += [
            Problem("as-of-future", row["file"], row["place"], column, row[column].isoformat())
            for row in later.iter_rows(named=True)
        ]
    return found


def _perhaps_on_payroll(
    rows: Callable[[str, pl.Expr], pl.DataFrame], problems: list[Problem], sources: pl.DataFrame
) -> set[str]:
    """People of a name that a payroll states without a number and that several bear: who was meant, nobody knows."""
    import polars as pl

    payrolls = set(sources.filter(pl.col("table").fill_null("").str.contains("payroll"))["file"])
    names = {one.value for one in problems if one.code == "ambiguous-person" and one.file in payrolls and one.value}
    return {
        person for name in ("person", "contribution")
        for person in rows(name, pl.col("person_name").is_in(sorted(names)))["person_id"].drop_nulls()
    }


# ------------------------------------------------------------------------------------------------------ its outputs


@contextlib.contextmanager
def _beside(path: Path) -> Iterator[Path]:
    """A temporary name beside ``path`` that becomes ``path`` when all went well, and is removed when not."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        yield temporary
        temporary.replace(path)
    except PermissionError as error:
        message = f"写不进 {path.name}：是否正在用表格软件打开？ / cannot write it; is it open elsewhere?"
        raise UsageError(message) from error
    except Exception as error:
        if _is_full(error):
            raise UsageError(
                f"磁盘满了，{path.name} 没有写成，原来的还在；腾出空间后再运行 / "
                "the disk is full; it was not written and an older one is still there: make room and run again"
            ) from error
        raise
    finally:
        temporary.unlink(missing_ok=True)


def _is_full(error: BaseException | None) -> bool:
    """Whether a full disk is behind an error; the libraries that write wrap it, or only say so."""
    if error is None:
        return False
    inner = [one for one in error.args if isinstance(one, BaseException)]
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EFBIG, getattr(errno, "EDQUOT", None)):
        return True
    told = any(os.strerror(code) in str(error) for code in (errno.ENOSPC, errno.EFBIG))
    return told or any(_is_full(one) for one in (*inner, error.__cause__))


def _parameters(
    options: Options, region: str | None, notes: tuple[str, ...], offsets: tuple[str, ...]
) -> list[tuple[str, str]]:
    given = [
        ("as_of", options.as_of), ("region", region), ("tolerance", options.tolerance),
        ("mappings", options.mappings.name if options.mappings else None), ("edition", options.edition),
    ]
    stated = [(name, str(value)) for name, value in given if value is not None]
    learned = [("learned_lag", note) for note in notes] + [("payslip_month", note) for note in offsets]
    return stated + learned


def _region_names(policy: Policy, tables: Mapping[str, pl.DataFrame]) -> dict[str, str]:
    codes = set(tables["month"]["region"].drop_nulls()) | set(tables["flow"]["region"].drop_nulls())
    return {region.code: region.name for region in policy.regions() if region.code in codes}


def _rules_told(inferred: pl.DataFrame, own_policy: Sequence[str], lang: str) -> Iterator[tuple[str, str]]:
    """What the run says of rules beyond the shipped ones: files of the user's own, and what the data showed."""
    from recon.core.inferred import inferred_notes

    for name in own_policy:
        yield "policy file" if lang == "en" else "自己的政策文件", name
    for note in inferred_notes(inferred, lang):
        yield "inferred rule" if lang == "en" else "推断的规则", note


def _policy_refs(policy: Policy, tables: Mapping[str, pl.DataFrame], lang: str) -> dict[str, str]:
    refs = {ref for name in ("expected", "step") for ref in tables[name]["policy_ref"].drop_nulls().unique()}
    return {ref: policy.ref_words(ref, lang) for ref in sorted(refs)}


def _proof(tables: Mapping[str, pl.DataFrame]) -> dict[str, Any]:
    """What running balances prove of the files that print them, and the rows that nothing proves, file by file.

    A file or sheet whose name tells who it is about is called by number, or not at all.
    """
    import polars as pl

    from recon.report.mask import mask_files, number_files

    balanced = tables["source"].drop_nulls("rows_proved").sort("file")
    open_ends = balanced.drop_nulls("unproved").select("file", "unproved").rows()
    told: list[dict[str, str]] = []
    if open_ends:
        named = [tables[name].select(pl.col("person_id"), pl.col("person_name")) for name in (
            "person", "contribution", "payroll")]
        ids = {one for frame in (*named, tables["month"]) for one in frame["person_id"].drop_nulls().unique()}
        names = {one for frame in named for one in frame["person_name"].drop_nulls().unique()}
        numbers = number_files(tables["source"]["file"].drop_nulls())
        shown = mask_files([text for pair in open_ends for text in pair], ids=ids, names=names)
        for file, rows in open_ends:
            told.append({"file": file if shown[file] == file else numbers[file],
                         "rows": rows if shown[rows] == rows else _without_sheets(rows)})
    return {"files": balanced.height, "rows_proved": int(balanced["rows_proved"].sum() or 0), "unproved": told}


def _without_sheets(rows: str) -> str:
    """``before 某某!R5; after 某某!R9`` as ``before R5; after R9``."""
    parts = (part.partition(" ") for part in rows.split("; "))
    return "; ".join(f"{what} {', '.join(place.rpartition('!')[2] for place in places.split(', '))}"
                     for what, _, places in parts)


def _counts(view: RunView, people: int) -> dict[str, Any]:
    """What ``--json`` prints: facts for scripts, without a name or an ID; of all ``people``."""
    import polars as pl

    gap, source, problem = view.whole("gap"), view.table("source"), view.table("problem")

    def found(rows: pl.LazyFrame) -> pl.DataFrame:
        return rows.collect(engine="streaming" if view.stored else "auto")

    told = (pl.col("basis") == "balance") & (pl.col("status") == "explained")  # every spend line, and the like
    counted = gap.filter(~pl.col("label").is_in(["pooled_share", "flat_fee"]) & ~told)
    by_status = dict(found(counted.group_by("status").agg(pl.len())).sort("status").iter_rows())
    by_cause = found(counted.filter(pl.col("status").is_in(["open", "pending", "unknown"])).group_by(
        "status", "label", "cause").agg(
        pl.len().alias("parts"), pl.col("person_id").n_unique().alias("people"), pl.col("amount_fen").sum(),
    )).sort("status", "label", "cause", nulls_last=True)
    outstanding = found(counted.filter(
        (pl.col("basis") == "credit") & pl.col("status").is_in(["open", "pending"])
    ).select("amount_fen"))["amount_fen"].sum()
    legs = {
        name: dict(zip(("rows", "people"), found(view.whole(name).select(
            pl.len(), pl.col("person_id").n_unique() if name != "payment" else pl.lit(None).alias("person_id"))
        ).row(0), strict=True))
        for name in ("payroll", "contribution", "flow", "reading", "payment")
    }
    proofs = dict(found(view.whole("contribution").group_by("proof").agg(pl.len())).sort(
        "proof", nulls_last=True).iter_rows())
    status = dict(source.group_by("status").agg(pl.len()).sort("status").iter_rows())
    return {
        "version": __version__, "as_of": view.as_of.isoformat(), "edition": view.edition, "people": people,
        "months": found(view.whole("month").select(pl.len())).item(), "outstanding_fen": outstanding,
        "gaps": {name: by_status.get(name, 0) for name in ("open", "pending", "unknown", "resolved", "explained")},
        "causes": by_cause.to_dicts(), "findings": view.table("finding").height,
        "coverage": {"legs": legs, "contribution_proof": {str(key): value for key, value in proofs.items()}},
        "files": status, "proof": _proof(view.tables),
        "rejected": {
            "files": source.filter(  # a file read in part counts by its rows, or as a file where pages are missing
                pl.col("status").is_in(_REJECTED_STATUS)
                & ((pl.col("status") != "partly_read") | (pl.col("rows_rejected") == 0))).height,
            "rows": int(source["rows_rejected"].sum() or 0),
        },
        "problems": dict(problem.group_by("code").agg(pl.len()).sort("code").iter_rows()),
    }
