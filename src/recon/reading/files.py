"""Every file of a folder, read: in this process or in workers, each content once, kept ones not again.

A file that costs a worker its life is one lost file; of an archive, one member.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path
from typing import Any, Protocol

from recon.problems import Problem
from recon.reading.containers import Shared, is_plain_text, open_path
from recon.reading.file_read import IDENTICAL, Claim, FileRead, lost_file, problem_of
from recon.reading.formats import load_formats
from recon.reading.monthly import file_stem, stated_month
from recon.reading.one_file import read_opened
from recon.reading.workers import SECONDS, Failure, Pool, Task, cores, in_this_process

# Seconds of reading one megabyte and any one file, measured; another worker pays once it saves what its start costs.
_SECONDS_PER_MB = {"pdf": 12.0, "xlsx": 1.2, "": 0.6}
_SECONDS_PER_FILE = 0.01
_START_SECONDS = 0.8
_HERE_BYTES = 1 << 20  # delimited text up to this size is read in this process: no library that a file could upset
MAX_LOST_MEMBERS = 3  # of one archive; the rest is given up
MAX_ASKED = 3  # passwords for one file


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
    function = "recon.reading.containers:open_task" if each.way == "opened" else "recon.reading.files:read_task"
    return Task(each, function, (each.name, each.path, each.digest, only), SECONDS + 20 * each.seconds)


def read_task(shared: Shared, name: str, path: Path, digest: str, only: str | None = None) -> list[FileRead]:
    """One file, or each member of an archive, opened and read."""
    if shared.formats is None:
        shared.formats = load_formats(list(shared.mappings))
    opened = open_path(name, path, digest, shared.header_words, shared.passwords, only)
    return [read_opened(each, shared.formats) for each in opened]


def _taken(each: Waiting, answer: Any, shared: Shared) -> list[FileRead]:
    """What a file gave, of what its task answered."""
    if isinstance(answer, Failure):
        return [lost_file(each.name, each.digest, problem_of(answer, each.name))]
    if each.way != "opened":
        return list(answer)
    reads = []
    for opened in answer:
        try:
            reads.append(read_opened(opened, shared.formats))
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
