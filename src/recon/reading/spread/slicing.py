"""The native Parquet files of a folder read in slices, whose rows go to the folders of their people at once."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import polars as pl

from recon.problems import Problem
from recon.reading.containers import Shared
from recon.reading.file_read import NO_ROWS, OWN_OUTPUT, PARTLY, READ, Claim, FileRead, lost_file, problem_of
from recon.reading.files import Waiting
from recon.reading.lines import GridRows
from recon.reading.slices import OWN, PEOPLE_TABLES, SLICE_ROWS, Piece, Places, Seen, Slice
from recon.reading.workers import SECONDS, Failure, Pool, Task, in_this_process

SAMPLED = 400_000  # numbers that tell where one run of people ends and the next begins
SMALL_BYTES = 1 << 20  # Parquet that is less than this in all is not looked into
LINES = ("contribution", "flow")
_LOOKED = 64  # files that one task looks into


class Large:
    """Reads the native Parquet files of a folder in slices (:class:`recon.reading.files.Large`)."""

    def __init__(self, place: Callable[[], Path], names: Sequence[str], from_rows: int, rows_each: int) -> None:
        self.number = {name: number for number, name in enumerate(names)}
        self.seen: dict[str, Seen] = {}
        self.slices: dict[str, list[Slice]] = {}
        self.dropped: set[int] = set()  # files whose rows do not count after all
        self.places: Places | None = None
        self._place, self._from_rows, self._rows_each = place, from_rows, rows_each
        self._taken: list[Waiting] = []
        self._tasks: list[Task] = []

    def take(self, waiting: Sequence[Waiting], shared: Shared, pool: Pool | None) -> tuple[list[Waiting], int]:
        """See :class:`recon.reading.files.Large`."""
        files = [each for each in waiting if each.way == "parquet"]
        if sum(each.path.stat().st_size for each in files) < SMALL_BYTES:
            return [], 0
        groups = [files[at:at + _LOOKED] for at in range(0, len(files), _LOOKED)]
        for task, answer in _run(pool, [Task(tuple(group), "recon.reading.slices:look", (group,), SECONDS + len(group))
                                        for group in groups], shared):
            if not isinstance(answer, Failure):  # else its files go the usual way, where it is said why
                self.seen |= {each.name: seen for each, seen in zip(task.key, answer, strict=True) if seen}
        if sum(seen.rows for seen in self.seen.values() if seen.table != OWN) < self._from_rows:
            self.seen = {}
            return [], 0
        self._taken = [each for each in files if each.name in self.seen]
        self._tasks = list(self._grouped())
        return self._taken, len(self._tasks)

    def _grouped(self) -> Iterator[Task]:
        """Pieces of about :data:`SLICE_ROWS` rows: a part of a large file, or several small files of one table."""
        for table in PEOPLE_TABLES:
            group: list[Piece] = []
            for each in (each for each in self._taken if self.seen[each.name].table == table):
                rows = self.seen[each.name].rows
                for before in range(0, rows, SLICE_ROWS):
                    piece = Piece(self.number[each.name], each.path, table, before, min(SLICE_ROWS, rows - before))
                    if group and sum(one.rows for one in group) + piece.rows > SLICE_ROWS:
                        yield self._task(group)
                        group = []
                    group.append(piece)
            if group:
                yield self._task(group)

    def _task(self, pieces: list[Piece]) -> Task:
        seconds = SECONDS + sum(piece.rows for piece in pieces) / 2000
        return Task(tuple(pieces), "recon.reading.slices:read_pieces", (pieces,), seconds)

    def read(self, shared: Shared, pool: Pool | None, step: Callable[[], None]) -> Iterator[tuple[str, list[FileRead]]]:
        """See :class:`recon.reading.files.Large`."""
        if not self._taken:
            return
        self.places = self._bounds(pool)
        failed: dict[int, Failure] = {}
        again: list[Piece] = []
        names = {number: name for name, number in self.number.items()}
        for task, answer in _run(pool, self._numbered(self._tasks), None):
            if not isinstance(answer, Failure):
                for one in answer:
                    self.slices.setdefault(names[one.piece.number], []).append(one)
            else:
                self._forget(task)
                if len(task.key) > 1:
                    again += task.key
                else:
                    failed[task.key[0].number] = answer
            step()
        # Of several files that failed together only the bad ones are lost.
        for task, answer in _run(pool, self._numbered([self._task([piece]) for piece in again], "again"), None):
            if isinstance(answer, Failure):
                self._forget(task)
                failed[task.key[0].number] = answer
            else:
                self.slices.setdefault(names[task.key[0].number], []).extend(answer)
        for each in self._taken:
            number = self.number[each.name]
            if number in failed:
                self.dropped.add(number)
                self.slices.pop(each.name, None)
                yield each.name, [lost_file(each.name, each.digest, problem_of(failed[number], each.name))]
            else:
                yield each.name, [self._file_read(each)]

    def _forget(self, task: Task) -> None:
        """Remove what a task that came to no end has laid down."""
        assert self.places is not None
        for folder in self.places.folders:
            (folder / f"{task.arguments[-1]}.arrow").unlink(missing_ok=True)

    def _numbered(self, tasks: Sequence[Task], again: str = "raw") -> list[Task]:
        """The tasks with where their rows go, each under a name of its own."""
        return [
            Task(task.key, task.function, (*task.arguments, self.places, f"{again}-{task.key[0].table}-{at:05d}"),
                 task.seconds) for at, task in enumerate(tasks)]

    def _bounds(self, pool: Pool | None) -> Places:
        """Runs of people with about as many lines each, by a sample of the numbers in the files."""
        pieces = [piece for task in self._tasks for piece in task.key]
        mine = [piece for piece in pieces if piece.table in LINES] or pieces
        rows = sum(piece.rows for piece in mine)
        step = max(1, rows // SAMPLED)
        tasks = [Task(piece, "recon.reading.slices:sample", (piece, step), SECONDS) for piece in mine]
        found = [answer for _, answer in _run(pool, tasks, None) if not isinstance(answer, Failure)]
        known = pl.concat(found).sort() if found else pl.Series("person_id", [], dtype=pl.String)
        number = max(1, -(-rows // self._rows_each))
        at = [len(known) * k // number for k in range(1, number)] if len(known) else []
        bounds = known.gather(at).unique().sort()
        place = self._place()
        folders = tuple(place / f"{k:05d}" for k in range(len(bounds) + 1))
        for folder in folders:
            folder.mkdir()
        return Places(folders, bounds)

    def _file_read(self, each: Waiting) -> FileRead:
        """What a file gave beside the rows that were put away."""
        seen = self.seen[each.name]
        if seen.table == OWN:
            return FileRead(each.name, each.digest, OWN_OUTPUT, claims=[Claim(each.name, None, None, [("-", OWN)])])
        own = sorted(self.slices.setdefault(each.name, []), key=lambda one: one.piece.before)
        parts = [one.rows for one in own]
        firsts = [part.first for part in parts if part.first is not None]
        lasts = [part.last for part in parts if part.last is not None]
        part = GridRows(
            seen.table, seen.format,
            pl.concat([part.frame for part in parts], how="diagonal_relaxed") if parts else pl.DataFrame(
                schema={"_at": pl.Int64, "_place": pl.String}),
            sum(part.rows_read for part in parts), sum(part.skipped for part in parts),
            sum(part.rejected for part in parts), [problem for part in parts for problem in part.problems],
            first=min(firsts, default=None), last=max(lasts, default=None), elsewhere=sum(one.put_away for one in own),
        )
        problems = [Problem(one.code, each.name, one.place, one.column, one.value) for one in part.problems]
        if not part.rows_read - part.skipped:
            problems.append(Problem("no-rows", each.name))
        return FileRead(
            each.name, each.digest,
            NO_ROWS if not part.rows_read - part.skipped else PARTLY if part.rejected else READ, [part], problems,
            [Claim(each.name, seen.format, seen.table, [])], set[str]().union(*(one.points_to for one in own)),
        )


def _run(pool: Pool | None, tasks: Sequence[Task], shared: Any) -> Iterator[tuple[Task, Any]]:
    return pool.run(tasks, shared) if pool is not None and tasks else in_this_process(tasks, shared)
