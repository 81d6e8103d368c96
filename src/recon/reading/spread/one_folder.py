"""What is asked of one folder of people, in a worker process: what its rows tell, and in the end its tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from recon.problems import Problem
from recon.reading.checks import Chain
from recon.reading.file_read import READ, FileRead
from recon.reading.identity import Clue, People
from recon.reading.lines import GridRows
from recon.reading.people import CLUES, clues_of, other_names, settle_names
from recon.reading.proof import MARKS, MOST_NAMED, Proof, proved_by_others
from recon.reading.regions import fill_regions
from recon.reading.slices import PEOPLE_TABLES
from recon.reading.spread.balances import AT_HAND, END_COLUMNS, Named, links_of_rows, named_in, proof_of
from recon.reading.spread.slicing import LINES
from recon.reading.together import figures_of, people_tables

_ENDS = "ends.arrow"  # in a folder: the ends of its people's running balances


@dataclass(frozen=True)
class Common:
    """What every folder is told: the files by number, those that do not count, and what :func:`settle` asks for."""

    names: tuple[str, ...]
    dropped: frozenset[int]
    codes: Mapping[str, str] | None = None
    default_region: str | None = None
    owners: Mapping[str, str] | None = None  # other numbers -> the one person they belong to
    order: tuple[int, ...] = ()  # of the files
    proofs: tuple[Proof, ...] = ()  # of the rows that are not put away


@dataclass(frozen=True)
class Settled:
    """What :func:`settle` tells of one folder.

    proofs: by file the lines proved, and what nothing proves; closed: by place in :attr:`Common.proofs` the ends that
    this folder's people prove.
    """

    problems: list[Problem]
    rows: int
    people: int
    proofs: dict[int, tuple[int, Named]]
    closed: dict[int, list[int]]


def _rows(common: Common, folder: Path, table: str, columns: Sequence[str] | None = None) -> pl.DataFrame | None:
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
    common: Common, folder: Path, orders: Mapping[int, tuple[str, str, bool]], runs: Mapping[int, pl.DataFrame]
) -> dict[int, Chain]:
    """The links of each file's running balance in the order asked for, as far as this folder's people go."""
    columns = ["_file", "_at", "_run", "posted_on", "amount_fen", "balance_fen", "sub_account", *AT_HAND]
    lines = _rows(common, folder, "flow", columns)
    if lines is None:
        return {}
    by_file = lines.filter(pl.col("_file").is_in(sorted(orders))).partition_by("_file", as_dict=True)
    return {number: links_of_rows(rows, *orders[number], runs[number]) for (number,), rows in by_file.items()}


def prove(
    common: Common, folder: Path, orders: Mapping[int, tuple[str, str, bool]], runs: Mapping[int, pl.DataFrame],
    refuted: Mapping[int, bool],
) -> dict[int, tuple[int, Named]]:
    """By file the lines that the running balances of a folder's people prove; their ends are laid down there."""
    lines = _rows(common, folder, "flow")
    told: dict[int, tuple[int, Named]] = {}
    if lines is None:
        return told
    found = []
    for (number,), rows in lines.filter(pl.col("_file").is_in(sorted(orders))).partition_by(
            "_file", as_dict=True).items():
        proof = proof_of(rows, *orders[number], runs[number], refuted[number])
        told[number] = (proof.rows, {"inner": (proof.places[:MOST_NAMED], max(0, len(proof.places) - MOST_NAMED))})
        found.append(proof.ends.with_columns(pl.lit(number, dtype=pl.UInt32).alias("_file")))
    if found:
        pl.concat(found, how="diagonal_relaxed").write_ipc(folder / _ENDS, compression="lz4")
    return told


def aliases(common: Common, folder: Path) -> tuple[pl.DataFrame, set[str]]:
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


def take_back(common: Common, folder: Path, people: set[str]) -> list[pl.DataFrame]:
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


def near(common: Common, folder: Path, asked: Sequence[Clue], known: set[str]) -> pl.DataFrame:
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


def regions(common: Common, folder: Path) -> pl.DataFrame:
    """_file, region, _at, _place: the first row of each file put away here that has it."""
    found = [pl.DataFrame(schema={"_file": pl.UInt32, "region": pl.String, "_at": pl.Int64, "_place": pl.String})]
    for table in PEOPLE_TABLES:
        rows = _rows(common, folder, table, ["_file", "region", "_at", "_place"])
        if rows is not None and "region" in rows.columns:
            found.append(rows.drop_nulls("region").sort("_at", maintain_order=True).unique(
                ["_file", "region"], keep="first", maintain_order=True).select(found[0].columns))
    return pl.concat(found)


def settle(common: Common, folder: Path) -> Settled:
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
    return Settled(problems, sum(tables[name].height for name in LINES), known.drop_nulls().n_unique(), proofs, shut)


def _settled_ends(
    common: Common, folder: Path, figures: pl.DataFrame | None
) -> tuple[dict[int, tuple[int, Named]], dict[int, list[int]]]:
    """Which ends of a folder's people nothing proves, and which ends of rows held elsewhere they prove."""
    path = folder / _ENDS
    ends = pl.read_ipc(path) if path.exists() else pl.DataFrame(schema={**END_COLUMNS, "_file": pl.UInt32})
    own = ends.filter(~pl.col("_file").is_in(sorted(common.dropped))).partition_by(
        "_file", as_dict=True, include_key=False, maintain_order=True)
    if not own and figures is None:
        return {}, {}
    bare = [Proof(0, [], rows, pl.DataFrame(schema=MARKS)) for rows in own.values()]
    settled = proved_by_others([*bare, *common.proofs], figures)
    told = {number: (proof.rows, named_in(proof)) for (number,), proof in zip(own, settled, strict=False)}
    shut = {}
    for at, (before, after) in enumerate(zip(common.proofs, settled[len(bare):], strict=True)):
        changed = before.ends.select("open_amount", "open_beyond").rows()
        which = [end for end, (one, other) in enumerate(zip(
            changed, after.ends.select("open_amount", "open_beyond").rows(), strict=True)) if one != other]
        if which:
            shut[at] = which
    return told, shut


def _reads_of(common: Common, folder: Path) -> list[FileRead]:
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
