"""A folder whose tables are too large for memory, read into a folder of rows for each run of people.

Native Parquet files are read slice by slice (:mod:`recon.reading.slices`): rows that name their person in full go to
the folder of that run of people at once. All others (those of other files, masked numbers, bare names) are held here as
ever until it is known whom they speak of. What takes all files together is decided here from little: who has several
numbers, whom a clue may mean, what regions are called, whether running balances hold. What takes all rows of a person
(names, regions that a row leaves out, the roster) is then done folder by folder. Tables, problems and counts are those
of :func:`recon.reading.folder.read_folder` (``tests/test_spread.py``), whatever the order of rows and files.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import polars as pl

from recon.problems import Problem
from recon.reading.checks import Chain, best_chain, links_of, ordered
from recon.reading.containers import Shared, survey
from recon.reading.covered import coverage_of
from recon.reading.file_read import (
    NO_ROWS,
    OWN_OUTPUT,
    PARTLY,
    READ,
    Claim,
    FileRead,
    ReadResult,
    lost_file,
    problem_of,
)
from recon.reading.files import Kept, Waiting, read_files
from recon.reading.folder import put_together
from recon.reading.identity import Clue, People
from recon.reading.lines import GridRows, yuan
from recon.reading.people import CLUES, clues_of, other_names, settle_names, settle_people, who_is_who
from recon.reading.proof import (
    ENDS,
    MARKS,
    MOST_NAMED,
    WHOSE,
    Printed,
    Proof,
    closed,
    open_places,
    prove_by_column,
    proved_by_others,
)
from recon.reading.regions import fill_regions, first_of_each, name_regions
from recon.reading.slices import OWN, PEOPLE_TABLES, SLICE_ROWS, Piece, Places, Seen, Slice, put_away
from recon.reading.together import (
    all_problems,
    figures_of,
    people_tables,
    settle_ends,
    settle_pictures,
    sources_of,
    table_of,
    without_own,
)
from recon.reading.workers import SECONDS, Failure, Pool, Task, each_in_turn, in_this_process

SAMPLED = 400_000  # numbers that tell where one run of people ends and the next begins
SMALL_BYTES = 1 << 20  # Parquet that is less than this in all is not looked into
_LINES = ("contribution", "flow")
_LOOKED = 64  # files that one task looks into
_AT_HAND = ("person_id", "_number", "_psn", "_name")  # what tells whose running balance a line is in
_END_COLUMNS = ENDS | dict.fromkeys(_AT_HAND, pl.String)
_ENDS = "ends.arrow"  # in a folder: the ends of its people's running balances
# Of a file and kind of doubt: the first places, and how many more there are (Proof.named).
_Named = dict[str, tuple[list[str], int]]


@dataclass(frozen=True)
class Spread:
    """What :func:`read_spread` gives: for each run of people a folder with ``table-*.parquet``; the rest in memory.

    bounds: the first person of each folder but the first. tables: those that speak of nobody in particular (coverage,
    payment). rows: contribution and account lines; people: how many have a line, a payslip or a place in the roster.
    """

    folders: list[Path]
    bounds: pl.Series
    tables: dict[str, pl.DataFrame]
    problems: list[Problem]
    sources: pl.DataFrame
    rows: int
    people: int


def read_spread(
    folder: Path, place: Callable[[], Path], *, from_rows: int, rows_each: int, mappings: list[Path],
    region_of: Callable[[str], str | None], default_region: str | None = None, workers: int | None = None,
    progress: Callable[[int, int], None] | None = None, passwords: Sequence[str] = (),
    ask: Callable[[str], str | None] | None = None, leave_out: Collection[Path] = (), kept: Kept | None = None,
    files: Sequence[tuple[str, Path]] | None = None,
) -> Spread | ReadResult:
    """Every export under ``folder``: spread over folders in a ``place`` from ``from_rows`` rows of native Parquet on.

    Below that all is in memory, as :func:`recon.reading.folder.read_folder` gives it; the other arguments are its.
    ``rows_each``: about how many contribution and account lines one folder is to hold.
    """
    listed, left = survey(folder) if files is None else (sorted(files), [])
    large = _Large(place, [name for name, _ in listed], from_rows, rows_each)
    reads = read_files(listed, mappings, workers, progress, passwords, ask, leave_out, kept, large)
    if large.places is None:
        return put_together(reads, left, region_of, default_region)
    reads = without_own(reads)
    settle_pictures(reads)
    return _Settling(large, reads, workers).spread(left, region_of, default_region)


# --------------------------------------------------------------------------------------------------- slice by slice


class _Large:
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
        mine = [piece for piece in pieces if piece.table in _LINES] or pieces
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


# -------------------------------------------------------------------------------------------------- all files together


@dataclass(frozen=True)
class _All:
    """What every folder is told: the files by number, those that do not count, and what :func:`settle` asks for."""

    names: tuple[str, ...]
    dropped: frozenset[int]
    codes: Mapping[str, str] | None = None
    default_region: str | None = None
    owners: Mapping[str, str] | None = None  # other numbers -> the one person they belong to
    order: tuple[int, ...] = ()  # of the files
    proofs: tuple[Proof, ...] = ()  # of the rows that are not put away


@dataclass(frozen=True)
class _Settled:
    """What :func:`settle` tells of one folder.

    proofs: by file the lines proved, and what nothing proves; closed: by place in :attr:`_All.proofs` the ends that
    this folder's people prove.
    """

    problems: list[Problem]
    rows: int
    people: int
    proofs: dict[int, tuple[int, _Named]]
    closed: dict[int, list[int]]


class _Settling:
    """The steps from rows put away to tables, each asked of all folders."""

    def __init__(self, large: _Large, reads: list[FileRead], workers: int | None) -> None:
        assert large.places is not None
        self.large, self.reads, self.workers, self.places = large, reads, workers, large.places
        sliced = [read for read in reads if large.slices.get(read.file)]
        large.dropped |= {large.number[read.file] for read in sliced if not read.parts}
        self.sliced = {read.file: read for read in sliced if read.parts}
        self.told: dict[str, _Named] = {}  # of files with running balances
        self.number = dict(large.number)
        for read in reads:  # members of archives
            self.number.setdefault(read.file, len(self.number))
        self.common = _All(tuple(self.number), frozenset(large.dropped))

    def ask(self, function: str, *arguments: Any, common: _All | None = None) -> Iterator[Any]:
        """One of the functions below, put to every folder."""
        return each_in_turn(f"recon.reading.spread:{function}", common or self.common,
                            [(folder, *arguments) for folder in self.places.folders], self.workers, 600.0)

    def spread(
        self, left: Sequence[str], region_of: Callable[[str], str | None], default_region: str | None
    ) -> Spread:
        """Everything, in order."""
        self.follow_balances()
        people, moved = self.who_is_who()
        for read in self.reads:
            settle_people(read, people, PARTLY)
        codes = self.regions(region_of, anew=moved)
        settle_ends(self.reads)
        self.hand_out()
        owners = {other: next(iter(all_owners)) for known in (people.by_psn, people.other_ids)
                  for other, all_owners in known.items() if len(all_owners) == 1}
        order = {read.file: at for at, read in enumerate(self.reads)}
        proved = [part for read in self.reads for part in read.parts if part.proof is not None]
        common = replace(self.common, codes=codes, default_region=default_region, owners=owners,
                         order=tuple(order.get(name, -1) for name in self.common.names),
                         proofs=tuple(part.proof for part in proved if part.proof is not None))
        rows = count = 0
        by_name = {read.file: read for read in self.reads}
        shut: dict[int, set[int]] = {}
        for told in self.ask("settle", common=common):
            rows, count = rows + told.rows, count + told.people
            for problem in told.problems:
                by_name[problem.file].problems.append(problem)
            for number, (lines, named) in told.proofs.items():
                self._count(self.common.names[number], lines, named)
            for at, which in told.closed.items():
                shut.setdefault(at, set()).update(which)
        for at, part in enumerate(proved):
            if part.proof is not None and at in shut:
                part.proof = closed(part.proof, pl.Series(sorted(shut[at]), dtype=pl.UInt32))
        self._name_open()
        tables = {"payment": table_of("payment", self.reads), "coverage": coverage_of(self.reads)}
        return Spread(list(self.places.folders), self.places.bounds, tables, all_problems(self.reads, left),
                      sources_of(self.reads), rows, count)

    # ---- running balances

    def follow_balances(self) -> None:
        """Breaks of the running balance of each file, as :func:`recon.reading.printed.check_balance` finds them."""
        following = {file: chain for file in self.sliced if (chain := self._chain(file)) is not None}
        asked = {file: next(chain) for file, chain in following.items()}
        chains: dict[str, Chain] = {}
        while asked:
            orders = {self.number[file]: (f"key{key}", name, self._rising(file))
                      for file, (key, name) in asked.items()}
            runs = {number: self._runs(self.common.names[number]) for number in orders}
            found = {file: [self._loose_links(file, orders, runs)] for file in asked}
            for answer in self.ask("links", orders, runs):
                for number, told in answer.items():
                    found[self.common.names[number]].append(told)
            for file, parts in found.items():
                try:
                    asked[file] = following[file].send(_joined(parts))
                except StopIteration as done:
                    del asked[file]
                    chains[file] = done.value
                    self.sliced[file].problems += [
                        Problem("balance-break", file, f"R{at}", self.large.seen[file].balance, yuan(gap))
                        for at, gap in done.value.breaks]
        self._prove(chains)

    def _prove(self, chains: Mapping[str, Chain]) -> None:
        """What these running balances prove; the ends of people put away lie in their folders (:data:`_ENDS`)."""
        if not chains:
            return
        orders = {self.number[file]: (f"key{chain.key}", chain.order, self._rising(file))
                  for file, chain in chains.items()}
        runs = {self.number[file]: self._runs(file) for file in chains}
        refuted = {self.number[file]: chain.refuted for file, chain in chains.items()}
        for file in chains:
            number, part = self.number[file], self.sliced[file].parts[0]
            part.proof = _proof_of(part.frame, *orders[number], runs[number], refuted[number])
            self.told[file] = {}
        for answer in self.ask("prove", orders, runs, refuted):
            for number, (lines, named) in answer.items():
                self._count(self.common.names[number], lines, named)

    def _count(self, file: str, lines: int, named: _Named) -> None:
        """Add up what the people of one folder have of a file's proof."""
        proof = self.sliced[file].parts[0].proof
        assert proof is not None
        proof.rows += lines
        self._add(file, named)

    def _add(self, file: str, named: _Named) -> None:
        for what, (places, more) in named.items():
            before, others = self.told[file].get(what, ([], 0))
            every = sorted([*before, *places], key=_at)
            self.told[file][what] = (every[:MOST_NAMED], others + more + max(0, len(every) - MOST_NAMED))

    def _name_open(self) -> None:
        """The places that nothing proves, of each file in slices."""
        for file, told in self.told.items():
            proof = self.sliced[file].parts[0].proof
            assert proof is not None
            self._add(file, _named(proof))
            amounts, more = told.pop("amount", ([], 0))
            inner, others = told.pop("inner", ([], 0))
            both = [*amounts, *inner]
            proof.named = {what: told.get(what, ([], 0)) for what in ("before", "after")} | {
                "amount": (both[:MOST_NAMED], more + others + max(0, len(both) - MOST_NAMED))}

    def _chain(self, file: str) -> Generator[tuple[int, str], Chain, Chain] | None:
        """What is to be asked of a file; None: it prints no balance."""
        days = [one.days for one in self._ordered(file) if one.days is not None]
        if not any(one.balances for one in days):
            return None
        lines = sum(one.lines for one in days)
        distinct = frozenset[Any]().union(*(one.distinct for one in days))
        return best_chain(2 if days[0].has_parts else 1, rising=self._rising(file), days_twice=len(distinct) < lines,
                          all_known=all(one.all_known for one in days))

    def _ordered(self, file: str) -> list[Slice]:
        return sorted(self.large.slices[file], key=lambda one: one.piece.before)

    def _rising(self, file: str) -> bool:
        days = [one.days for one in self._ordered(file) if one.days is not None]
        return all(one.rising for one in days) and all(
            one.last <= after.first for one, after in pairwise(days))

    def _runs(self, file: str) -> pl.DataFrame:
        """_at (the first a slice may have), base: what is to be added to the slice's numbers of runs of one day."""
        rows, base, before = [], 0, None
        for one in self._ordered(file):
            if one.days is not None:
                base -= before == one.days.first  # the same run goes on
                rows.append((one.piece.before + 1, base))
                base, before = base + one.days.runs, one.days.last
        return pl.DataFrame(rows, schema={"_at": pl.Int64, "base": pl.Int64}, orient="row")

    def _loose_links(self, file: str, orders: Mapping[int, tuple[str, str, bool]], runs: Mapping[int, Any]) -> Chain:
        number = self.number[file]
        return _links(self.sliced[file].parts[0].frame, *orders[number], runs[number])

    # ---- who is who

    def who_is_who(self) -> tuple[People, bool]:
        """Everybody whom a row held here may speak of; whether rows put away had to be taken back."""
        documents: set[str] = set()
        frames = []
        for frame, found in self.ask("aliases"):
            documents |= found
            frames.append(frame)
        told = pl.concat(frames).sort("_file", "_at", maintain_order=True).partition_by("_file", as_dict=True)
        people = who_is_who(self.reads, sorted(documents), {
            self.common.names[number]: rows.select("person_id", "aliases") for (number,), rows in told.items()})
        moved = self._take_back(people)
        asked = {
            clue for read in self.reads for part in read.parts for clue in clues_of(part.frame)
            if not (clue.person_id and people.is_settled(clue.person_id))}
        if asked:
            known = set[str]().union(*(people.near(clue) for clue in asked))
            for rows in self.ask("near", list(asked), known):
                people.learn(clues_of(rows))
        return people, moved

    def _take_back(self, people: People) -> bool:
        """Rows put away under a number that turned out to be another one of somebody's are held here, too."""
        known = {*people.other_ids, *(number for number in people.by_psn if number.startswith("PSN:"))}
        taken = [frame for frames in self.ask("take_back", known) for frame in frames] if known else []
        for frame in taken:
            people.learn(clues_of(frame) if "is_oldest" not in frame.columns else [])
            for (number,), rows in frame.partition_by("_file", as_dict=True, include_key=False).items():
                part = self.sliced[self.common.names[number]].parts[0]
                if "is_oldest" in rows.columns:
                    assert part.proof is not None
                    part.proof.ends = pl.concat([part.proof.ends, rows], how="diagonal_relaxed")
                    continue
                part.frame = pl.concat([part.frame, rows], how="diagonal_relaxed").sort("_at", maintain_order=True)
                part.elsewhere -= rows["_at"].n_unique()
        for part in (part for read in self.reads for part in read.parts if "person_id" in part.frame.columns):
            part.frame = part.frame.with_columns(pl.col("person_id").alias("_raw"))
        return bool(taken)

    # ---- regions

    def regions(self, region_of: Callable[[str], str | None], *, anew: bool) -> dict[str, str]:
        """The code of each region text; ``anew``: rows put away have been taken back."""
        codes: dict[str, str] = {}
        seen = {file: [one.regions for one in own] for file, own in self.large.slices.items()}
        if anew:
            seen = {file: [] for file in seen}
            for frame in self.ask("regions"):
                for (number,), rows in frame.partition_by("_file", as_dict=True, include_key=False).items():
                    seen[self.common.names[number]].append(rows)
        for read in self.reads:
            for part in read.parts:
                texts = [first_of_each(part.frame, "region")] if "region" in part.frame.columns else []
                if read.file in self.sliced:
                    texts += seen[read.file]
                if texts:
                    firsts = pl.concat(texts).sort("_at", maintain_order=True).unique(
                        "region", keep="first", maintain_order=True).sort("region")
                    name_regions(read, firsts, codes, region_of)
                if texts and part.table not in PEOPLE_TABLES:
                    part.frame = part.frame.with_columns(pl.col("region").replace(codes))
        return codes

    # ---- back to the folders

    def hand_out(self) -> None:
        """The rows held here, now that it is known whom they speak of, to the folders of their people."""
        for table in PEOPLE_TABLES:
            frames = [
                part.frame.with_columns(pl.lit(self.number[read.file], dtype=pl.UInt32).alias("_file"),
                                        pl.lit(at, dtype=pl.UInt32).alias("_part"))
                for read in self.reads for at, part in enumerate(read.parts)
                if part.table == table and part.frame.height
            ]
            if frames:
                put_away(pl.concat(frames, how="diagonal_relaxed"), self.places, f"held-{table}")

def _joined(parts: Sequence[Chain]) -> Chain:
    """The chain of a file of those of its people."""
    return Chain(sum(one.links for one in parts), tuple(sorted(one for part in parts for one in part.breaks)),
                 parts[0].order)


# --------------------------------------------------------------------------------------------------- folder by folder


def _rows(common: _All, folder: Path, table: str, columns: Sequence[str] | None = None) -> pl.DataFrame | None:
    """The rows of a table put away in a folder; None: there are none. ``columns``: those of them that there are."""
    paths = sorted(path for kind in ("raw", "again") for path in folder.glob(f"{kind}-{table}-*.arrow"))
    frames = []
    for path in paths:
        there = pl.read_ipc_schema(path)
        frames.append(pl.read_ipc(path, columns=[name for name in columns or there if name in there]))
    if not frames:
        return None
    whole = pl.concat(frames, how="diagonal_relaxed")
    return whole.filter(~pl.col("_file").is_in(sorted(common.dropped))) if common.dropped else whole


def links(
    common: _All, folder: Path, orders: Mapping[int, tuple[str, str, bool]], runs: Mapping[int, pl.DataFrame]
) -> dict[int, Chain]:
    """The links of each file's running balance in the order asked for, as far as this folder's people go."""
    columns = ["_file", "_at", "_run", "posted_on", "amount_fen", "balance_fen", "sub_account", *_AT_HAND]
    lines = _rows(common, folder, "flow", columns)
    if lines is None:
        return {}
    by_file = lines.filter(pl.col("_file").is_in(sorted(orders))).partition_by("_file", as_dict=True)
    return {number: _links(rows, *orders[number], runs[number]) for (number,), rows in by_file.items()}


def _links(rows: pl.DataFrame, key: str, order: str, rising: bool, runs: pl.DataFrame) -> Chain:
    if rows.is_empty():
        return Chain(order=order)
    return links_of(ordered(_lines(rows, key, runs), order, rising=rising), key, order)


def _lines(rows: pl.DataFrame, key: str, runs: pl.DataFrame) -> pl.DataFrame:
    """at, amount, balance, day, run and ``key`` (whose a line is) of rows in the order of the file."""
    own = [*_AT_HAND, "sub_account"] if key == "key1" else list(_AT_HAND)
    rows = rows.sort("_at")
    base = runs["base"].gather(runs["_at"].search_sorted(rows["_at"], side="right") - 1)
    return rows.with_columns(base).select(
        pl.col("_at").alias("at"), pl.col("amount_fen").alias("amount"), pl.col("balance_fen").alias("balance"),
        pl.col("posted_on").alias("day"), (pl.col("_run").cast(pl.Int64) + pl.col("base")).alias("run"),
        pl.concat_str([pl.col(name).fill_null("") for name in own], separator="\x1f").alias(key))


def _proof_of(
    rows: pl.DataFrame, key: str, order: str, rising: bool, runs: pl.DataFrame, refuted: bool
) -> Proof:
    """What the running balance proves of some accounts of a file, as :func:`recon.reading.printed.check_balance`."""
    if rows.is_empty():
        rows = rows.clear()
        return Proof(0, [], pl.DataFrame(schema=_END_COLUMNS), pl.DataFrame(schema=MARKS))
    lines = _lines(rows, key, runs)
    chain = links_of(ordered(lines, order, rising=rising), key, order)
    at = dict(zip(lines["at"], range(lines.height), strict=True))
    here = replace(chain, breaks=tuple((at[place], gap) for place, gap in chain.breaks))
    numbered = lines.with_columns(pl.int_range(pl.len(), dtype=pl.Int64).alias("at")).rename({key: "account"})
    whose = rows.sort("_at").select(pl.col("_place").alias("place"),
                                    *(name for name in (*WHOSE, "sub_account") if name in rows.columns))
    return prove_by_column(ordered(numbered, order, rising=rising), whose, here, Printed(), marked=False,
                           refuted=refuted)


def prove(
    common: _All, folder: Path, orders: Mapping[int, tuple[str, str, bool]], runs: Mapping[int, pl.DataFrame],
    refuted: Mapping[int, bool],
) -> dict[int, tuple[int, _Named]]:
    """By file the lines that the running balances of a folder's people prove; their ends are laid down there."""
    lines = _rows(common, folder, "flow")
    told: dict[int, tuple[int, _Named]] = {}
    if lines is None:
        return told
    found = []
    for (number,), rows in lines.filter(pl.col("_file").is_in(sorted(orders))).partition_by(
            "_file", as_dict=True).items():
        proof = _proof_of(rows, *orders[number], runs[number], refuted[number])
        told[number] = (proof.rows, {"inner": (proof.places[:MOST_NAMED], max(0, len(proof.places) - MOST_NAMED))})
        found.append(proof.ends.with_columns(pl.lit(number, dtype=pl.UInt32).alias("_file")))
    if found:
        pl.concat(found, how="diagonal_relaxed").write_ipc(folder / _ENDS, compression="lz4")
    return told


def _named(proof: Proof) -> _Named:
    """The first of the places that nothing proves, and how many more there are; those inside chains are told apart."""
    named = open_places(replace(proof, places=[])) | {"inner": (proof.places, 0)}
    return {what: (places[:MOST_NAMED], max(0, len(places) - MOST_NAMED)) for what, (places, _) in named.items()}


def _at(place: str) -> int:
    """The row number of a place ``R12``; lines of a row for several months stand together."""
    return int(place[1:].partition("/")[0])


def aliases(common: _All, folder: Path) -> tuple[pl.DataFrame, set[str]]:
    """_file, _at, person_id, aliases of a folder's people, and their numbers that are no resident's."""
    found = [pl.DataFrame(schema={"_file": pl.UInt32, "_at": pl.Int64, "person_id": pl.String, "aliases": pl.String})]
    documents: set[str] = set()
    for table in PEOPLE_TABLES:
        rows = _rows(common, folder, table, ["_file", "_at", "person_id", "aliases"])
        if rows is not None:
            documents.update(rows.filter(pl.col("person_id").str.starts_with("DOC:"))["person_id"].unique())
            if "aliases" in rows.columns:
                found.append(rows.drop_nulls("aliases").select(found[0].columns))
    return pl.concat(found), documents


def take_back(common: _All, folder: Path, people: set[str]) -> list[pl.DataFrame]:
    """The rows that lie under one of these numbers; they are no longer here then."""
    taken = []
    for path in sorted([*(path for kind in ("raw", "again") for path in folder.glob(f"{kind}-*.arrow")),
                        *folder.glob(_ENDS)]):
        frame = pl.read_ipc(path)
        hit = frame["person_id"].is_in(sorted(people))
        if hit.any():
            rest = path.with_suffix(".rest")
            frame.filter(~hit).write_ipc(rest, compression="lz4")
            rest.replace(path)
            mine = frame.filter(hit)
            taken.append(mine.filter(~pl.col("_file").is_in(sorted(common.dropped))))
    return [frame for frame in taken if frame.height]


def near(common: _All, folder: Path, asked: Sequence[Clue], known: set[str]) -> pl.DataFrame:
    """Everything said of those of a folder's people whom one of the clues may mean; ``known``: others who may be."""
    frames = [rows.select(name for name in (*CLUES, "aliases") if name in rows.columns)
              for table in PEOPLE_TABLES if (rows := _rows(common, folder, table)) is not None]
    if not frames:
        return pl.DataFrame(schema=dict.fromkeys(CLUES, pl.String))
    rows = pl.concat(frames, how="diagonal_relaxed").unique(maintain_order=True)
    people = People()
    people.learn(clues_of(rows))
    _learn_aliases(people, rows)
    fits = known.union(*(people.near(clue) for clue in asked))
    return rows.select(CLUES).filter(pl.col("person_id").is_in(sorted(fits)))


def _learn_aliases(people: People, rows: pl.DataFrame) -> None:
    if "aliases" in rows.columns:
        for row in rows.select("person_id", "aliases").drop_nulls().unique(maintain_order=True).iter_rows():
            people.learn_aliases(*row)


def regions(common: _All, folder: Path) -> pl.DataFrame:
    """_file, region, _at, _place: the first row of each file put away here that has it."""
    found = [pl.DataFrame(schema={"_file": pl.UInt32, "region": pl.String, "_at": pl.Int64, "_place": pl.String})]
    for table in PEOPLE_TABLES:
        rows = _rows(common, folder, table, ["_file", "region", "_at", "_place"])
        if rows is not None and "region" in rows.columns:
            found.append(rows.drop_nulls("region").sort("_at", maintain_order=True).unique(
                ["_file", "region"], keep="first", maintain_order=True).select(found[0].columns))
    return pl.concat(found)


def settle(common: _All, folder: Path) -> _Settled:
    """The tables of a folder's people (``table-*.parquet``), of all rows put away here."""
    reads = _reads_of(common, folder)
    people = People()
    for read in reads:
        for part in read.parts:
            named = part.frame.filter(pl.col("_name").is_not_null())
            people.learn(clues_of(named.with_columns(pl.col("_raw").alias("person_id"))))
    for read in reads:
        for part in read.parts:
            _learn_aliases(people, part.frame.with_columns(pl.col("_raw").alias("person_id")))
    for read in reads:  # those known by a 个人编号 alone
        for part in read.parts:
            alone = part.frame.filter(pl.col("_raw").is_null() & (pl.col("person_id") == pl.col("_psn")))
            people.learn(clues_of(alone))
    people.by_psn.clear()
    people.other_ids.clear()
    here = {person for read in reads for part in read.parts for person in part.frame["person_id"].unique()}
    for other, owner in (common.owners or {}).items():
        if owner in here:
            people.other_ids[other].add(owner)
    problems = [problem for read in reads for problem in other_names(read, people)]
    for part in (part for read in reads for part in read.parts if "region" in part.frame.columns):
        part.frame = part.frame.with_columns(pl.col("region").replace(dict(common.codes or {})))
    fill_regions(reads, common.default_region)
    settle_names(reads, people)
    proofs, shut = _settled_ends(common, folder, figures_of(reads))
    tables = people_tables(reads, people)
    del reads
    for name, frame in tables.items():
        frame.write_parquet(folder / f"table-{name}.parquet", compression="lz4")
    for path in folder.glob("*.arrow"):
        path.unlink()
    known = pl.concat([tables[name]["person_id"] for name in ("contribution", "flow", "person", "payroll")])
    return _Settled(problems, sum(tables[name].height for name in _LINES), known.drop_nulls().n_unique(), proofs, shut)


def _settled_ends(
    common: _All, folder: Path, figures: pl.DataFrame | None
) -> tuple[dict[int, tuple[int, _Named]], dict[int, list[int]]]:
    """Which ends of a folder's people nothing proves, and which ends of rows held elsewhere they prove."""
    path = folder / _ENDS
    ends = pl.read_ipc(path) if path.exists() else pl.DataFrame(schema={**_END_COLUMNS, "_file": pl.UInt32})
    own = ends.filter(~pl.col("_file").is_in(sorted(common.dropped))).partition_by(
        "_file", as_dict=True, include_key=False, maintain_order=True)
    if not own and figures is None:
        return {}, {}
    bare = [Proof(0, [], rows, pl.DataFrame(schema=MARKS)) for rows in own.values()]
    settled = proved_by_others([*bare, *common.proofs], figures)
    told = {number: (proof.rows, _named(proof)) for (number,), proof in zip(own, settled, strict=False)}
    shut = {}
    for at, (before, after) in enumerate(zip(common.proofs, settled[len(bare):], strict=True)):
        changed = before.ends.select("open_amount", "open_beyond").rows()
        which = [end for end, (one, other) in enumerate(zip(
            changed, after.ends.select("open_amount", "open_beyond").rows(), strict=True)) if one != other]
        if which:
            shut[at] = which
    return told, shut


def _reads_of(common: _All, folder: Path) -> list[FileRead]:
    """The rows of a folder's people, file by file and part by part, as the files have them."""
    parts: list[tuple[tuple[int, int], GridRows]] = []
    for table in PEOPLE_TABLES:
        frames = []
        rows = _rows(common, folder, table)
        if rows is not None:
            frames.append(rows.with_columns(pl.col("person_id").alias("_raw"),
                                            pl.lit(0, dtype=pl.UInt32).alias("_part")))
        held = folder / f"held-{table}.arrow"
        if held.exists():
            frames.append(pl.read_ipc(held))
        if not frames:
            continue
        whole = pl.concat(frames, how="diagonal_relaxed").drop("_run", strict=False).sort("_at", maintain_order=True)
        for key, mine in whole.partition_by(
                "_file", "_part", as_dict=True, include_key=False, maintain_order=True).items():
            parts.append((key, GridRows(table, "", mine)))
    reads: dict[int, FileRead] = {}
    for (number, _), part in sorted(parts, key=lambda each: each[0]):
        reads.setdefault(number, FileRead(common.names[number], "", READ)).parts.append(part)
    return [reads[number] for number in sorted(reads, key=lambda number: common.order[number])]
