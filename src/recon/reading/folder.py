"""A folder of exports -> the canonical input tables, what was wrong, and what became of every file and row.

Each file is opened and claimed by itself (in worker processes when that pays); then all files together tell who a
masked number or a bare name is, which region a person belongs to, and what each file covers. Nothing here depends on
the order in which files are found or finished.
"""

from __future__ import annotations

import hashlib
import re
from calendar import monthrange
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from itertools import chain
from pathlib import Path
from typing import Any, Protocol

import polars as pl

from recon.problems import CATALOGUE, Problem
from recon.reading import claim as claiming
from recon.reading import native
from recon.reading.claim import Head, Header
from recon.reading.containers import OpenedFile, Shared, is_plain_text, open_path, survey
from recon.reading.filled import is_explanation, is_filled, read_filled
from recon.reading.formats import Format, Formats, Reason, load_formats
from recon.reading.grid import Grid, Opened
from recon.reading.identity import People
from recon.reading.lines import HELPERS, LINE_DATE, GridRows
from recon.reading.monthly import file_stem, stated_month
from recon.reading.parquet import ParquetGrid, open_parquet, read_parquet_rows
from recon.reading.people import other_names, roster, settle_names, settle_people, who_is_who
from recon.reading.picture import proved, sheet_of
from recon.reading.proof import WHOSE, Proof, proved_by_others, unproved
from recon.reading.rows import read_rows
from recon.reading.values import Unreadable, clean, parse_day, parse_months
from recon.reading.workers import SECONDS, Failure, Pool, Task, cores, in_this_process, memory_limit
from recon.tables import INPUT_TABLES, TABLES, conform

# What became of a file (column ``status`` of table source).
READ, PARTLY, NO_ROWS = "read", "partly_read", "no_rows"
UNKNOWN, AMBIGUOUS, UNREADABLE = "unknown", "ambiguous", "unreadable"
IDENTICAL, OWN_OUTPUT = "identical", "own_output"
UNCONFIRMED, CONFIRMED = "unconfirmed", "confirmed"  # a picture whose figures nothing proves; that a person confirmed
_PAGES_LOST = ("no-text-layer", "pages-unread")  # of a PDF of which other pages have been read

_REGION_TABLES = ("contribution", "flow", "reading", "enrolment")
# Seconds of reading one megabyte and any one file, measured; another worker pays once it saves what its start costs.
_SECONDS_PER_MB = {"pdf": 12.0, "xlsx": 1.2, "": 0.6}
_SECONDS_PER_FILE = 0.01
_START_SECONDS = 0.8
_HERE_BYTES = 1 << 20  # delimited text up to this size is read in this process: no library that a file could upset
MAX_LOST_MEMBERS = 3  # of one archive; the rest is given up
MAX_ASKED = 3  # passwords for one file


@dataclass(frozen=True)
class Claim:
    """Which format claims a file or sheet, and why the others do not."""

    file: str
    format_id: str | None
    table: str | None
    reasons: list[tuple[str, str]]
    sheet: str = ""
    rows_proved: int | None = None  # lines whose amount its running balance proves; None where it prints none
    unproved: str | None = None  # what nothing proves (:data:`recon.tables.UNPROVED`)


@dataclass
class ReadResult:
    """The input tables, the problems, and one row of table source per file (recon's own outputs among them)."""

    tables: dict[str, pl.DataFrame]
    problems: list[Problem]
    sources: pl.DataFrame

    @property
    def skipped_own(self) -> list[str]:
        """Files recognised as recon's own outputs."""
        return self.sources.filter(pl.col("status") == OWN_OUTPUT)["file"].to_list()


@dataclass
class FileRead:
    """What one file gave before the files were put together."""

    file: str
    sha256: str
    status: str
    parts: list[GridRows] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    claims: list[Claim] = field(default_factory=list)
    points_to: set[str] = field(default_factory=set)  # files the row_ids of a written-out table come from
    settles: frozenset[str] = frozenset()  # hashes of the pictures whose figures a person has confirmed here


class Large(Protocol):
    """Reads some of the files itself, piece by piece, and keeps their rows where they need no memory."""

    def take(self, waiting: Sequence[Waiting], shared: Shared, pool: Pool | None) -> tuple[list[Waiting], int]:
        """Which of the files it will read, and in how many pieces."""

    def read(self, shared: Shared, pool: Pool | None, step: Callable[[], None]) -> Iterator[tuple[str, list[FileRead]]]:
        """What each of those gave beside the rows that it keeps; ``step`` is called after each piece."""


class Kept(Protocol):
    """Rows of files that were read before, by the sha256 of their content."""

    def get(self, name: str, digest: str) -> list[FileRead] | None:
        """What the file gave when it was read; None: it has to be read."""

    def put(self, name: str, digest: str, reads: list[FileRead]) -> None:
        """What a file gave now; to be copied, for it is changed afterwards."""


def read_folder(
    folder: Path, *, mappings: list[Path], region_of: Callable[[str], str | None], default_region: str | None = None,
    workers: int | None = None, progress: Callable[[int, int], None] | None = None, passwords: Sequence[str] = (),
    ask: Callable[[str], str | None] | None = None, leave_out: Collection[Path] = (), kept: Kept | None = None,
    files: Sequence[tuple[str, Path]] | None = None,
) -> ReadResult:
    """Every export under ``folder`` as canonical tables (see the module's text).

    ``mappings`` are directories of format files, later ones win; ``region_of`` turns a name or code into a region's
    code; ``default_region`` stands in where neither the row, its file nor the roster names one. ``workers`` is the
    most processes to use, None: as many as pay; 1: none, everything is read in this process, where nothing stops an
    abort or a hang. ``passwords`` are tried on protected files; where none fits, ``ask`` may give one for a file.
    ``leave_out`` are files that are not input. ``kept`` holds rows of files read before; ``files`` (name, path) are
    read instead of all under ``folder``.
    Raises FormatError for a mistake in a mapping; wrong input never raises.
    """
    listed, left = survey(folder) if files is None else (sorted(files), [])
    reads = read_files(listed, mappings, workers, progress, passwords, ask, leave_out, kept)
    return put_together(reads, left, region_of, default_region)


def put_together(
    reads: list[FileRead], left: Sequence[str], region_of: Callable[[str], str | None], default_region: str | None
) -> ReadResult:
    """What all files give together (see :func:`read_folder`); ``left``: names of files that were left out."""
    reads = without_own(reads)
    settle_pictures(reads)
    people = who_is_who(reads)
    for read in reads:
        settle_people(read, people, PARTLY)
        read.problems += other_names(read, people)
    _settle_regions(reads, region_of, default_region)
    settle_names(reads, people)
    settle_ends(reads)
    return ReadResult(_tables(reads, people), all_problems(reads, left), sources_of(reads))


def identify_folder(
    folder: Path, *, mappings: list[Path], workers: int | None = None,
    progress: Callable[[int, int], None] | None = None, passwords: Sequence[str] = (),
    ask: Callable[[str], str | None] | None = None, leave_out: Collection[Path] = (),
) -> list[Claim]:
    """Which format claims each file and sheet, and why not."""
    reads = read_files(survey(folder)[0], mappings, workers, progress, passwords, ask, leave_out)
    people = who_is_who(reads)
    for read in reads:
        settle_people(read, people, PARTLY)
    settle_ends(reads)
    return [_with_proof(claim, read) for read in reads for claim in read.claims]


def _with_proof(claim: Claim, read: FileRead) -> Claim:
    proofs = [part.proof for part in read.parts
              if part.proof is not None and (part.format, part.sheet) == (claim.format_id, claim.sheet)]
    return replace(claim, rows_proved=sum(proof.rows for proof in proofs), unproved=unproved(proofs)
                   ) if proofs else claim


# -------------------------------------------------------------------------------------------------------- file by file


@dataclass(frozen=True)
class Waiting:
    """A file to be read. ``way``: here (small delimited text), opened (in a worker), read or parquet (rows too)."""

    name: str
    path: Path
    digest: str
    seconds: float  # how long it may take, roughly
    way: str


def read_files(
    listed: list[tuple[str, Path]], mappings: list[Path], workers: int | None,
    progress: Callable[[int, int], None] | None, passwords: Sequence[str], ask: Callable[[str], str | None] | None,
    leave_out: Collection[Path], kept: Kept | None = None, large: Large | None = None,
) -> list[FileRead]:
    """Every listed file, read; of byte-identical ones the first."""
    others = {path.resolve() for path in leave_out}
    files = [(name, path) for name, path in listed if path.resolve() not in others]
    done: dict[str, list[FileRead]] = {}
    first: dict[str, str] = {}
    waiting: list[Waiting] = []
    for name, path in files:
        try:
            digest = _sha256(path)
            size = path.stat().st_size
            content = _content(name, digest)
            if content in first and size:
                done[name] = [_identical(name, digest, first[content])]
                continue
            first.setdefault(content, name)
            before = kept.get(name, content) if kept else None
            if before is None:
                waiting.append(_waiting(name, path, digest, size))
            else:
                done[name] = before
        except OSError as error:
            done[name] = [lost_file(name, "", Problem("unreadable-file", name, value=error.strerror or ""))]
    number = _useful_workers(waiting, workers, in_pieces=large is not None)
    pool = Pool(number) if number else None  # they start while the formats are loaded
    try:
        formats = load_formats(mappings)
        shared = Shared(tuple(mappings), formats.header_words, tuple(passwords), formats)
        taken, pieces = large.take(waiting, shared, pool) if large else ([], 0)
        waiting = [each for each in waiting if each not in taken]
        count, total = len(done), len(files) + pieces

        def step() -> None:
            nonlocal count
            count += 1
            if progress:
                progress(count, total)

        in_pieces = large.read(shared, pool, step) if large else iter(())
        for name, reads in chain(_each(waiting, shared, pool), in_pieces):
            done[name] = reads
            step()
        if ask is not None:
            _ask_for_passwords([each for each in waiting if _is_locked(done[each.name])], done, shared, pool, ask)
        if kept:
            for each in waiting:
                kept.put(each.name, _content(each.name, each.digest), done[each.name])
    finally:
        if pool is not None:
            pool.close()
    return [read for name, _ in files for read in done[name]]


def _each(waiting: list[Waiting], shared: Shared, pool: Pool | None) -> Iterator[tuple[str, list[FileRead]]]:
    """Each file as it is finished. A file that costs a worker its life is one lost file; of an archive, one member."""
    if pool is None:
        yield from ((each.name, _taken(each, answer, shared)) for each, answer in (
            (task.key, answer) for task, answer in in_this_process([_task(each) for each in waiting], shared)))
        return
    # The costliest file first, so that no worker is left with it at the end.
    ordered = sorted((each for each in waiting if each.way != "here"), key=lambda each: (-each.seconds, each.name))
    answers = pool.run([_task(each) for each in ordered], shared)
    here = [_task(each) for each in waiting if each.way == "here"]
    broken: list[tuple[Waiting, Failure]] = []
    for task, answer in chain(in_this_process(here, shared), answers):
        each = task.key
        if isinstance(answer, Failure) and answer.kind != "error" and _is_archive(each.path):
            broken.append((each, answer))
        else:
            yield each.name, _taken(each, answer, shared)
    for each, failure in broken:
        yield each.name, _member_by_member(each, failure, shared, pool)


def _task(each: Waiting, only: str | None = None) -> Task:
    function = "recon.reading.containers:open_task" if each.way == "opened" else "recon.reading.folder:read_task"
    return Task(each, function, (each.name, each.path, each.digest, only), SECONDS + 20 * each.seconds)


def read_task(shared: Shared, name: str, path: Path, digest: str, only: str | None = None) -> list[FileRead]:
    """One file, or each member of an archive, opened and read."""
    if shared.formats is None:
        shared.formats = load_formats(list(shared.mappings))
    opened = open_path(name, path, digest, shared.header_words, shared.passwords, only)
    return [_read_opened(each, shared.formats) for each in opened]


def _taken(each: Waiting, answer: Any, shared: Shared) -> list[FileRead]:
    """What a file gave, of what its task answered."""
    if isinstance(answer, Failure):
        return [lost_file(each.name, each.digest, problem_of(answer, each.name))]
    if each.way != "opened":
        return list(answer)
    reads = []
    for opened in answer:
        try:
            reads.append(_read_opened(opened, shared.formats))
        except Exception as error:  # noqa: BLE001 - a bug in reading rows costs this file, and is said
            reads.append(lost_file(opened.name, opened.sha256,
                               Problem("reader-failed", opened.name, value=type(error).__name__)))
    return reads


def _member_by_member(each: Waiting, failure: Failure, shared: Shared, pool: Pool) -> list[FileRead]:
    """An archive that was too much as a whole: each member by itself, so that one bad member costs no other."""
    whole = [lost_file(each.name, each.digest, problem_of(failure, each.name))]
    [(_, names)] = pool.run([Task(each, "recon.reading.containers:member_names", (each.path,))], shared)
    if isinstance(names, Failure) or len(names) < 2:
        return whole
    reads: list[FileRead] = []
    lost = 0
    for name in names:
        answer: Any = failure
        if lost < MAX_LOST_MEMBERS:
            [(_, answer)] = pool.run([_task(each, name)], shared)
        if isinstance(answer, Failure):
            inner = f"{each.name}!{name}"
            reads.append(lost_file(inner, "", problem_of(answer, inner)))
            lost += 1
        else:
            reads += _taken(each, answer, shared)
    return reads


def problem_of(failure: Failure, name: str) -> Problem:
    """What is said of a file that cost a worker its life or its patience."""
    if failure.kind == "slow":
        return Problem("too-slow", name, value=failure.detail)
    if failure.kind == "memory":
        return Problem("too-large", name, value=f"> {memory_limit() >> 20} MiB RAM")
    return Problem("reader-failed", name, value=failure.detail)


def _ask_for_passwords(
    locked: list[Waiting], done: dict[str, list[FileRead]], shared: Shared, pool: Pool | None,
    ask: Callable[[str], str | None],
) -> None:
    """Passwords for the files that none of the given ones opened; each new one is tried on the next file first."""
    before = shared
    for each in locked:
        if shared is not before:
            [(_, done[each.name])] = _each([each], shared, pool)
        for _ in range(MAX_ASKED):
            given = ask(each.name) if _is_locked(done[each.name]) else None
            if not given:
                break
            shared = replace(shared, passwords=(given, *shared.passwords))
            [(_, done[each.name])] = _each([each], shared, pool)


def _is_locked(reads: list[FileRead]) -> bool:
    return any(problem.code in ("password-required", "password-wrong") for read in reads for problem in read.problems)


def _waiting(name: str, path: Path, digest: str, size: int) -> Waiting:
    """How a file will be read, by its first bytes and size."""
    with path.open("rb") as stream:
        start = stream.read(1024)
    kind = "pdf" if b"%PDF-" in start else "xlsx" if start[:2] == b"PK" else ""
    seconds = size / 1e6 * _SECONDS_PER_MB[kind]
    if is_plain_text(start) and size <= _HERE_BYTES:
        return Waiting(name, path, digest, seconds, "here")
    if start[:4] == b"PAR1":
        return Waiting(name, path, digest, seconds, "parquet")
    # The rows of a small file are read here: a worker that needs no polars starts in a fraction of the time.
    return Waiting(name, path, digest, seconds, "read" if seconds > 1 else "opened")


def _useful_workers(waiting: list[Waiting], workers: int | None, *, in_pieces: bool = False) -> int:
    """How many processes to use: none where all is small text, else as many as shorten the whole.

    in_pieces: one large file may keep them all busy.
    """
    if workers == 1:
        return 0
    outside = [each for each in waiting if each.way != "here"]
    most = cores() if workers is None else workers
    if in_pieces and sum(each.seconds for each in outside if each.way == "parquet") > _START_SECONDS:
        return most
    number = min(most, len(outside))
    if number < 2 or workers is not None:
        return number
    seconds = sum(each.seconds + _SECONDS_PER_FILE for each in outside)
    return max(1, min(number, round(seconds / _START_SECONDS)))


def _sha256(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _is_archive(path: Path) -> bool:
    with path.open("rb") as stream:
        return stream.read(2) == b"PK"


def _content(name: str, digest: str) -> str:
    """What a file says: its bytes, and the month its name states, for some files state it nowhere else."""
    month = stated_month([file_stem(name)])
    return f"{digest}|{month}" if month else digest


def _identical(name: str, digest: str, other: str) -> FileRead:
    return FileRead(name, digest, IDENTICAL, problems=[Problem("identical-file", name, value=other)],
                    claims=[Claim(name, None, None, [("-", f"identical: {other}")])])


def lost_file(name: str, digest: str, problem: Problem) -> FileRead:
    """A file that gave nothing because of ``problem``."""
    claim = Claim(name, None, None, [("-", problem.code)])
    return FileRead(name, digest, UNREADABLE, problems=[problem], claims=[claim])


def _read_opened(each: OpenedFile, formats: Formats) -> FileRead:
    """The rows of one opened file."""
    name, opened = each.name, each.opened
    if opened.kind == "own":
        return FileRead(name, each.sha256, OWN_OUTPUT, claims=[Claim(name, None, None, [("-", "own output")])])
    if opened.kind == "parquet" and not opened.problems:
        grid = open_parquet(each.data)
        opened = Opened([grid], kind="parquet") if isinstance(grid, Grid) else Opened(problems=[grid], kind="parquet")
    read = FileRead(name, each.sha256, UNREADABLE, problems=_placed(name, opened.problems))
    grids = [grid for grid in opened.grids if any(grid.rows) or grid.seen]
    if not grids:
        if not read.problems:
            read.problems.append(Problem("empty-file", name))
        if not any(CATALOGUE[problem.code].severity == "error" for problem in read.problems):
            read.status = UNKNOWN
        read.claims.append(Claim(name, None, None, [("-", "nothing to read")]))
        return read
    outcomes = [
        _read_picture(name, grid, read, formats) if grid.seen else
        _read_filled_sheet(name, grid, read) if is_filled(grid) else
        OWN_OUTPUT if is_explanation(grid) else
        _read_grid(name, grid, read, formats) for grid in grids
    ]
    read.status = next(
        (status for status in (AMBIGUOUS, PARTLY, UNCONFIRMED, READ, NO_ROWS, OWN_OUTPUT) if status in outcomes),
        UNKNOWN,
    )
    if read.status == READ and any(problem.code in _PAGES_LOST for problem in opened.problems):
        read.status = PARTLY
    return read


def _placed(name: str, problems: Iterable[Problem]) -> list[Problem]:
    return [replace(problem, file=name) for problem in problems]


def _read_grid(name: str, grid: Grid, read: FileRead, formats: Formats) -> str:
    """Claim and read one grid; its outcome is a file status."""
    head = Head.of(grid)
    own = native.result_table(head)
    if own:
        read.claims.append(Claim(name, None, None, [("-", f"own output: {own}")], grid.name))
        return OWN_OUTPUT
    claims, reasons = claims_of(head, formats)
    place = grid.name or None
    if len(claims) != 1:
        read.claims.append(Claim(name, None, None, reasons, grid.name))
        if claims:
            value = ", ".join(header.format.id for header in claims)
            read.problems.append(Problem("ambiguous-format", name, place, value=value))
            return AMBIGUOUS
        read.problems.append(Problem("unknown-format", name, place, value=_nearest(reasons)))
        return UNKNOWN
    header = claims[0]
    read.claims.append(Claim(name, header.format.id, header.format.table, reasons, grid.name))
    part = read_parquet_rows(grid, header) if isinstance(grid, ParquetGrid) else read_rows(
        grid, header, name)
    read.parts += [part, *part.also]
    read.problems += _placed(name, part.problems)
    if header.format.native:
        read.points_to |= native.source_files(_column(grid, header, "row_id"))
    if part.others and not part.frame.height and not part.also and not part.rejected and not part.problems:
        read.problems.append(Problem("only-other-business", name, place, value=str(part.others)))
    elif not part.rows_read - part.skipped and not part.others:
        read.problems.append(Problem("no-rows", name, place))
        return NO_ROWS
    return PARTLY if part.rejected else READ


def _read_picture(name: str, grid: Grid, read: FileRead, formats: Formats) -> str:
    """What a picture proves by its own sums counts at once; the rest waits for ``recon confirm``."""
    sheet = sheet_of(grid, formats)
    if sheet.header is None:
        read.claims.append(Claim(name, None, None, [("-", "no list and no known table in the picture")]))
        read.problems.append(Problem("not-a-table", name, value=grid.kind))
        return UNKNOWN
    part = read_rows(sheet.grid, sheet.header)
    found = part.rows_read - part.skipped
    part.frame = proved(part, sheet)
    used = part.frame["_at"].n_unique()
    if grid.kind == "picture":
        part.covers, part.proof = "nothing", None  # a screen shows what was scrolled to, whatever it was asked for
    part.skipped, part.rejected, part.problems = part.rows_read - used, 0, []
    read.parts.append(part)
    read.claims.append(Claim(name, part.format, part.table, []))
    if used == found:
        return READ
    read.problems.append(Problem("ocr-unproved", name, value=f"{found - used}/{found}"))
    return UNCONFIRMED


def _read_filled_sheet(name: str, grid: Grid, read: FileRead) -> str:
    """The sections of a fill-in sheet; its outcome is a file status."""
    sheet = read_filled(grid)
    read.problems += _placed(name, sheet.problems)
    read.settles |= sheet.pictures
    used = rejected = 0
    for section in sheet.sections:
        part = read_rows(section.grid, section.header)
        part.covers = "stated" if part.facts else "nothing"  # what is typed in shows only what there is
        part.proof = None  # nobody says that it is the whole account
        part.rows_read += section.skipped
        part.skipped += section.skipped
        read.parts.append(part)
        read.problems += _placed(name, part.problems)
        read.claims.append(Claim(name, part.format, part.table, [], grid.name))
        used += part.frame.height
        rejected += part.rejected
    if not read.claims or not used + rejected:
        read.claims.append(Claim(name, None, None, [("-", "nothing filled in")], grid.name))
        read.problems.append(Problem("no-rows", name, grid.name or None))
        return NO_ROWS
    return PARTLY if rejected else READ


def _column(grid: Grid, header: Header, column: str) -> Iterator[str]:
    if isinstance(grid, ParquetGrid):
        yield from grid.texts(column)
        return
    index = header.columns.get(column)
    if index is not None:
        yield from (row[index] for row in grid.rows[header.row + 1:] if len(row) > index)


def claims_of(head: Head, formats: Formats) -> tuple[list[Header], list[tuple[str, str]]]:
    """The headers found, and per format that found none its reason, the nearest first."""
    found: list[Header] = []
    reasons: list[tuple[str, Reason]] = []
    known: list[Format] = [*native.native_formats(), *formats.by_id.values()]
    for each in known:
        result = claiming.claim(head, each)
        if isinstance(result, Header):
            found.append(result)
        elif not each.native or not result.startswith("missing"):
            reasons.append((each.id, result))
    reasons.sort(key=lambda told: (-told[1].near, told[1].count(","), told[0]))
    return claiming.decide(found), [(format_id, str(why)) for format_id, why in reasons]


def _nearest(reasons: list[tuple[str, str]]) -> str:
    """The reason of the format that lacked least, to show the way."""
    return "{}: {}".format(*reasons[0])[:200] if reasons else "-"


# ------------------------------------------------------------------------------------------------------ all together


def settle_pictures(reads: list[FileRead]) -> None:
    """Pictures whose figures a person has confirmed: the confirmation counts, not what was read from them.

    Of a PDF some of whose pages are pictures, what the others say as text stays.
    """
    settled = frozenset[str]().union(*(read.settles for read in reads))
    waived = ("ocr-unproved", "ocr-missing", "not-a-table", "no-text-layer")
    for read in (read for read in reads if read.sha256 in settled):
        read.parts = [part for part in read.parts
                      if part.frame.height and not part.frame["_place"][0].startswith("ocr")]
        read.status = CONFIRMED if not read.parts else PARTLY if any(part.rejected for part in read.parts) else READ
        read.problems = [problem for problem in read.problems if problem.code not in waived]


def without_own(reads: list[FileRead]) -> list[FileRead]:
    """Native tables that recon itself wrote from files of this folder are its own output, not new input."""
    names = {read.file for read in reads}
    written = {
        Path(read.file).parent for read in reads if read.points_to and read.points_to & (names - {read.file})
    }
    for read in reads:
        tables = {part.table for part in read.parts if part.format.startswith("native_")}
        if not tables or Path(read.file).parent not in written:
            continue
        if read.points_to & (names - {read.file}) or tables <= {"person", "enrolment", "coverage"}:
            read.parts, read.problems, read.status = [], [], OWN_OUTPUT
    return reads


def _settle_regions(
    reads: list[FileRead], region_of: Callable[[str], str | None], default_region: str | None
) -> None:
    """Region codes for names; where a row and its file name none, the roster's, the person's only one, the default."""
    codes: dict[str, str] = {}
    for read in reads:
        for part in read.parts:
            if "region" in part.frame.columns:
                name_regions(read, first_of_each(part.frame, "region"), codes, region_of)
                part.frame = part.frame.with_columns(pl.col("region").replace(codes))
    fill_regions(reads, default_region)


def first_of_each(frame: pl.DataFrame, column: str) -> pl.DataFrame:
    """column, _at, _place: each text of the column, in order, with the first row that has it."""
    return frame.select(column, "_at", "_place").drop_nulls(column).unique(
        column, keep="first", maintain_order=True).sort(column)


def name_regions(
    read: FileRead, texts: pl.DataFrame, codes: dict[str, str], region_of: Callable[[str], str | None]
) -> None:
    """Codes for the region names of one grid (region, _place), among ``codes``; an unknown one is said once."""
    for text, place in texts.select("region", "_place").iter_rows():
        code = codes.get(text) or region_of(clean(text))
        if code is None:
            read.problems.append(Problem("unknown-region", read.file, place, "region", text))
        codes[text] = code or text


def fill_regions(reads: list[FileRead], default_region: str | None) -> None:
    """Where a row names no region: the roster's, the person's only one, the default."""
    silent = [
        part for read in reads for part in read.parts if part.table in _REGION_TABLES
        and not ("region" in part.frame.columns and not part.frame["region"].null_count())
    ]
    if not silent:
        return
    roster = _region_by_person(reads, ("person",))
    elsewhere = _region_by_person(reads, ("contribution", "enrolment", "flow"))
    for part in silent:
        frame = part.frame
        steps = [pl.col("region")] if "region" in frame.columns else []
        for number, known in enumerate((roster, elsewhere)):
            if known.height:
                frame = frame.join(known.rename({"region": f"_region{number}"}), on="person_id", how="left",
                                   maintain_order="left")
                steps.append(pl.col(f"_region{number}"))
        part.frame = frame.with_columns(
            pl.coalesce([*steps, pl.lit(default_region, dtype=pl.String)]).alias("region")
        ).drop("_region0", "_region1", strict=False)


def _region_by_person(reads: list[FileRead], tables: tuple[str, ...]) -> pl.DataFrame:
    """person_id, region of each person for whom ``tables`` name exactly one."""
    found = [part.frame.select("person_id", "region").drop_nulls().unique()
             for read in reads for part in read.parts if part.table in tables
             and {"region", "person_id"} <= set(part.frame.columns)]
    return pl.concat(found).unique().filter(pl.len().over("person_id") == 1) if found else pl.DataFrame(
        schema={"person_id": pl.String, "region": pl.String})


def settle_ends(reads: list[FileRead]) -> None:
    """The ends of account files, without those that another file or a figure of the same account proves."""
    parts = [part for read in reads for part in read.parts if part.proof is not None]
    for part in parts:
        part.proof = _with_people(part)
    proofs = [part.proof for part in parts if part.proof]
    for part, proof in zip(parts, proved_by_others(proofs, figures_of(reads)), strict=True):
        part.proof = proof


def figures_of(reads: list[FileRead]) -> pl.DataFrame | None:
    """Balances that somebody read on some day (:func:`recon.reading.proof.proved_by_others`); None: there are none."""
    figures = [
        part.frame.filter(pl.col("kind").is_in(("ledger", "available"))).select(
            *(pl.col(name).cast(pl.String) for name in WHOSE if name in part.frame.columns),
            pl.col("read_on").alias("day"), pl.col("amount_fen").alias("balance"))
        for read in reads for part in read.parts if part.table == "reading" and part.frame.height]
    return pl.concat(figures, how="diagonal_relaxed") if figures else None


def _with_people(part: GridRows) -> Proof | None:
    """The proof of a grid with the people as they are known by now."""
    proof, frame = part.proof, part.frame
    if proof is None or "person_id" not in frame.columns:
        return proof
    ends = proof.ends
    people = frame["person_id"].drop_nulls().unique()
    if "person_id" in ends.columns and ends["person_id"].is_in(people.implode()).fill_null(value=False).all():
        return proof  # nobody goes by another number by now
    own = [pl.col("person_id")] if "person_id" in ends.columns else []
    if len(people) == 1 and ends.height == 2 and not part.elsewhere:
        return replace(proof, ends=ends.with_columns(pl.coalesce(*own, pl.lit(people[0])).alias("person_id")))
    whose = frame.select(pl.col("_place").alias("place"), pl.col("person_id").alias("_known")).unique("place")
    return replace(proof, ends=ends.join(whose, on="place", how="left", maintain_order="left").with_columns(
        pl.coalesce("_known", *own).alias("person_id")).drop("_known"))


def _tables(reads: list[FileRead], people: People) -> dict[str, pl.DataFrame]:
    return people_tables(reads, people) | {"payment": table_of("payment", reads), "coverage": coverage_of(reads)}


def people_tables(reads: list[FileRead], people: People) -> dict[str, pl.DataFrame]:
    """The tables whose rows speak of people."""
    tables = {name: table_of(name, reads) for name in INPUT_TABLES if name not in ("coverage", "payment")}
    tables["person"] = roster(tables, people)
    return tables


def coverage_of(reads: list[FileRead]) -> pl.DataFrame:
    """What each file covers: declared, stated by itself, and as far as its lines go."""
    stated = [row for read in reads for row in _stated_coverage(read)]
    declared = table_of("coverage", reads)
    lines = [row for read in reads for row in _line_coverage(read)]
    schema = TABLES["coverage"]
    return pl.concat([
        declared, conform(pl.DataFrame(stated, schema=schema), "coverage"),
        conform(pl.DataFrame(lines, schema=schema), "coverage"),
    ])


def table_of(name: str, reads: list[FileRead]) -> pl.DataFrame:
    """All rows of one table in the order of files and places, each with its ``row_id``."""
    frames = [
        part.frame.with_columns((pl.lit(read.file + "#") + pl.col("_place")).alias("row_id"))
        .drop(*HELPERS, "duplicate_of", strict=False)
        for read in reads for part in read.parts if part.table == name and part.frame.height
    ]
    return conform(pl.concat(frames, how="diagonal_relaxed") if frames else pl.DataFrame(), name) if frames else (
        pl.DataFrame(schema=TABLES[name])
    )


def _stated_coverage(read: FileRead) -> Iterator[dict[str, Any]]:
    """What the preambles and footers of a file state about its period and the day of its export."""
    several = sum(part.table in ("flow", "contribution") for part in read.parts) > 1
    for part in read.parts:
        if part.table not in ("flow", "contribution", "payment") or part.covers != "stated":
            continue
        first, last, exported = _stated_period(part)
        if exported is None and last is None:
            continue
        people = part.frame["person_id"].unique().to_list() if "person_id" in part.frame.columns else []
        end = last
        if part.table != "contribution" and exported is not None:
            end = exported if last is None else min(last, exported)
        elif part.table == "contribution" and last is None:
            first, end = first or part.first, part.last
        yield {
            "table": part.table, "file": read.file, "person_id": people[0] if several and len(people) == 1 else None,
            "region": None, "from": first, "to": end, "exported_on": exported,
            "basis": "exported" if last is None else "stated",
        }


def _stated_period(part: GridRows) -> tuple[date | None, date | None, date | None]:
    """(from, to, exported_on) as far as the labelled lines say."""
    first = last = exported = None
    for fact in ("period", "exported"):
        text = part.facts.get(fact)
        if not text:
            continue
        days = _days_in(text, months=part.table == "contribution")
        if len(days) > 1 and first is None:
            (first, _), (_, last) = days[0], days[-1]
        elif len(days) == 1 and exported is None:
            exported = days[0][1]
    if part.table == "contribution":
        first, last = (day.replace(day=1) if day else None for day in (first, last))
    return first, last, exported


_DATED = re.compile(
    r"\d{4}\s*年\s*\d{1,2}\s*月(?:\s*\d{1,2}\s*日)?|\d{4}[-/.]\d{1,2}(?:[-/.]\d{1,2})?|\d{8}|\d{6}"
)


def _days_in(text: str, *, months: bool) -> list[tuple[date, date]]:
    """The days (or whole months) a text names, in order, each as its first and last day."""
    found: list[tuple[date, date]] = []
    for hit in _DATED.finditer(text):
        word = hit.group().replace(" ", "")
        try:
            day = parse_day(word)
            span = parse_months(word)
        except Unreadable:
            continue
        if day is None or span is None:
            continue
        digits = sum(char.isdigit() for char in word)
        whole_month = digits <= 6 and word.count("-") + word.count("/") + word.count(".") < 2 and "日" not in word
        end = _month_end(span[1]) if whole_month and not months else day
        found.append((day, end))
    return found


def _month_end(month: date) -> date:
    return month.replace(day=monthrange(month.year, month.month)[1])


def _line_coverage(read: FileRead) -> Iterator[dict[str, Any]]:
    """First and last line of each account or contribution file, over all its people, whatever became of the lines."""
    for table in ("flow", "contribution"):
        # What a person typed in shows what there is, not that there is nothing else.
        spans = [(part.first, part.last) for part in read.parts if part.table == table and part.covers != "nothing"
                 and not part.format.startswith(("filled_", "confirmed_"))]
        firsts = [first for first, _ in spans if first is not None]
        lasts = [last for _, last in spans if last is not None]
        if firsts and lasts:
            yield {"table": table, "file": read.file, "person_id": None, "region": None, "from": min(firsts),
                   "to": max(lasts), "exported_on": None, "basis": "lines"}


def all_problems(reads: list[FileRead], left: Sequence[str]) -> list[Problem]:
    """All problems in the order of files; one ID with a wrong check digit is said once."""
    said: set[str | None] = set()
    problems: list[Problem] = []
    for problem in (problem for read in reads for problem in read.problems):
        if problem.code == "id-check-digit":
            if problem.value in said:
                continue
            said.add(problem.value)
        problems.append(problem)
    if left:
        problems.append(Problem("files-skipped", value=f"{len(left)}: {', '.join(left[:5])}"))
    return problems


def sources_of(reads: list[FileRead]) -> pl.DataFrame:
    """One row per file; asserts that no row has been lost."""
    rows = []
    for read in reads:
        counts = Counter[str]()
        for part in read.parts:
            used = part.frame["_at"].n_unique() + part.elsewhere
            counts.update(read=part.rows_read, used=used, rejected=part.rejected, skipped=part.skipped)
        assert counts["read"] == counts["used"] + counts["rejected"] + counts["skipped"], f"rows lost: {counts}"
        proofs = [part.proof for part in read.parts if part.proof is not None]
        dated = [part for part in read.parts if part.table in LINE_DATE]
        firsts = [part.first for part in dated if part.first is not None]
        lasts = [part.last for part in dated if part.last is not None]
        rows.append({
            "file": read.file, "sha256": read.sha256,
            "format": ",".join(sorted({part.format for part in read.parts})) or None,
            "table": ",".join(sorted({part.table for part in read.parts})) or None,
            "rows_read": counts["read"], "rows_used": counts["used"], "rows_rejected": counts["rejected"],
            "rows_skipped": counts["skipped"], "first_date": min(firsts, default=None),
            "last_date": max(lasts, default=None), "status": read.status,
            "rows_proved": sum(proof.rows for proof in proofs) if proofs else None, "unproved": unproved(proofs),
        })
    return conform(pl.DataFrame(rows, schema=TABLES["source"]), "source")
