"""All files together: who counts, whose rows they are, and the tables, problems and sources that come of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import polars as pl

from recon.problems import Problem
from recon.reading.file_read import CONFIRMED, OWN_OUTPUT, PARTLY, READ, FileRead
from recon.reading.identity import People
from recon.reading.lines import HELPERS, LINE_DATE, GridRows
from recon.reading.people import roster
from recon.reading.proof import WHOSE, Proof, proved_by_others, unproved
from recon.tables import INPUT_TABLES, TABLES, conform


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


def people_tables(reads: list[FileRead], people: People) -> dict[str, pl.DataFrame]:
    """The tables whose rows speak of people."""
    tables = {name: table_of(name, reads) for name in INPUT_TABLES if name not in ("coverage", "payment")}
    tables["person"] = roster(tables, people)
    return tables


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
