"""Native Parquet files read slice by slice: each row goes straight to the folder of the people it speaks of.

A slice is read as the whole file would be (:func:`recon.reading.parquet.slice_rows`), but for its running balance,
which is followed when all slices are there (:mod:`recon.reading.spread`). Rows that do not name their person in full
stay with the caller. All this is done in worker processes; rows are laid down as Arrow, which is quick to read again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl

from recon.reading import native
from recon.reading.checks import same_days
from recon.reading.claim import HEAD_ROWS, Head, Header, claim
from recon.reading.containers import Shared
from recon.reading.files import Waiting
from recon.reading.formats import load_formats
from recon.reading.lines import GridRows
from recon.reading.one_file import claims_of
from recon.reading.parquet import ParquetGrid, balance_column, grid_of, slice_rows
from recon.reading.regions import first_of_each

SLICE_ROWS = 500_000
# Tables whose rows speak of people, by any of which they can be told apart.
PEOPLE_TABLES = ("contribution", "flow", "reading", "person", "enrolment", "payroll")
OWN = "own"
_ODD = (pl.exceptions.PolarsError, pl.exceptions.PanicException, OSError)


@dataclass(frozen=True)
class Seen:
    """What a look at a file tells: how many rows of which table (``own``: a result table, nothing to read)."""

    table: str
    rows: int
    format: str = ""
    balance: str = ""  # what it calls the running balance; empty: it has none


@dataclass(frozen=True)
class Piece:
    """So many rows of the file with that number (its place among all files), from the one after ``before`` on."""

    number: int
    path: Path
    table: str
    before: int
    rows: int


@dataclass(frozen=True)
class Places:
    """Where rows go: a folder for each run of people, and the first person of each but the first.

    Rows of nobody go to the first.
    """

    folders: tuple[Path, ...]
    bounds: pl.Series

    def of(self, people: pl.Series) -> pl.Series:
        """Which folder each person belongs to."""
        return self.bounds.search_sorted(people.fill_null(""), side="right").cast(pl.Int32).alias("_shard")


@dataclass
class Slice:
    """What a piece gave: ``rows`` without those put away, how many those are, and what must be known of them."""

    piece: Piece
    rows: GridRows
    put_away: int
    points_to: set[str]
    regions: pl.DataFrame  # region, _at, _place: the first row put away that has it
    days: Days | None = None


@dataclass(frozen=True)
class Days:
    """The days of account lines in the order of the file, as far as the following of its balance asks for them."""

    first: date
    last: date
    rising: bool
    runs: int  # of lines of one day
    distinct: frozenset[date] = field(repr=False)
    lines: int
    all_known: bool  # every line has an amount
    balances: int  # how many lines print one
    has_parts: bool  # the file names parts of accounts


def look(shared: Shared, waiting: Sequence[Waiting]) -> list[Seen | None]:
    """Each Parquet file by its first rows: whether it can be read in slices, or not at all. None: as any other file."""
    if shared.formats is None:
        shared.formats = load_formats(list(shared.mappings))
    return [_seen(shared, each) for each in waiting]


def _seen(shared: Shared, each: Waiting) -> Seen | None:
    try:
        with each.path.open("rb") as stream:
            stream.seek(-4, 2)
            if stream.read() != b"PAR1":
                return None
        grid = _head(each.path)
        head = Head.of(grid)
        rows = pl.scan_parquet(each.path, glob=False).select(pl.len()).collect().item()
    except _ODD:
        return None
    if not any(grid.rows):
        return None
    if native.result_table(head):
        return Seen(OWN, rows)
    claims, _ = claims_of(head, shared.formats)
    if len(claims) != 1 or not claims[0].format.native or claims[0].row != 0:
        return None
    header = claims[0]
    table = header.format.table
    if table not in PEOPLE_TABLES or "person_id" not in header.columns:
        return None
    balance = balance_column(grid, header) if table == "flow" and "balance_fen" in header.columns else ""
    return Seen(table, rows, header.format.id, balance)


def sample(_: Any, piece: Piece, step: int) -> pl.Series:
    """Every ``step``-th number of a piece: who its people are, roughly."""
    grid = _head(piece.path)
    name = grid.rows[0][_header(grid, piece.table).columns["person_id"]]
    ids = pl.scan_parquet(piece.path, glob=False).select(pl.col(name).cast(pl.String)).slice(piece.before, piece.rows)
    return ids.collect().to_series().gather_every(step).drop_nulls().rename("person_id")


def _head(path: Path) -> ParquetGrid:
    return grid_of(pl.scan_parquet(path, glob=False).head(2 * HEAD_ROWS).collect())


def _header(grid: ParquetGrid, table: str) -> Header:
    """The header by which the native format of ``table`` claims the file, as a look has found."""
    known = next(each for each in native.native_formats() if each.table == table)
    found = claim(Head.of(grid), known)
    assert isinstance(found, Header)
    return found


def read_pieces(_: Any, pieces: Sequence[Piece], places: Places, name: str) -> list[Slice]:
    """The rows of some pieces of one table; those that name their person in full lie in the folders, under ``name``."""
    slices, kept = [], []
    for piece in pieces:
        one, frame = _read_piece(piece)
        slices.append(one)
        if frame.height:
            kept.append(frame.with_columns(pl.lit(piece.number, dtype=pl.UInt32).alias("_file")))
    if kept:
        put_away(pl.concat(kept, how="diagonal_relaxed"), places, name)
    return slices


def put_away(frame: pl.DataFrame, places: Places, name: str) -> None:
    """The rows of each folder's people as a file ``name`` in it."""
    parts = frame.with_columns(places.of(frame["person_id"])).partition_by(
        "_shard", as_dict=True, include_key=False, maintain_order=True)
    for (at,), part in parts.items():
        part.write_ipc(places.folders[at] / f"{name}.arrow", compression="lz4")


def _read_piece(piece: Piece) -> tuple[Slice, pl.DataFrame]:
    grid = _head(piece.path)
    header = _header(grid, piece.table)
    grid.frame = pl.scan_parquet(piece.path, glob=False).slice(piece.before, piece.rows).collect()
    grid.before = piece.before
    rows = slice_rows(grid, header)
    frame = rows.frame
    days = None
    if header.format.table == "flow" and "balance_fen" in frame.columns and frame.height:
        frame = frame.with_columns(frame.select(pl.col("posted_on").alias("day")).select(
            same_days().alias("_run")).to_series())
        days = _days(frame)
    full = frame["person_id"].is_not_null()
    told = frame.filter(full)
    rows.frame = frame.filter(~full)
    points_to = native.source_files(grid.texts("row_id"))
    regions = first_of_each(told, "region") if "region" in told.columns else _no_regions()
    return Slice(piece, rows, told["_at"].n_unique(), points_to, regions, days), told


def _no_regions() -> pl.DataFrame:
    return pl.DataFrame(schema={"region": pl.String, "_at": pl.Int64, "_place": pl.String})


def _days(frame: pl.DataFrame) -> Days:
    days = frame["posted_on"]
    return Days(
        days[0], days[-1], days.is_sorted(), int(frame["_run"][-1]), frozenset(days.unique()), len(days),
        not frame["amount_fen"].null_count(), frame.height - frame["balance_fen"].null_count(),
        "sub_account" in frame.columns)


