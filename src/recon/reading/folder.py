"""A folder of exports -> the canonical input tables, what was wrong, and what became of every file and row.

Each file is opened and claimed by itself (:mod:`recon.reading.files`); then all files together tell who a masked number
or a bare name is, which region a person belongs to, and what each file covers (:mod:`recon.reading.together`). Nothing
here depends on the order in which files are found or finished.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from pathlib import Path

import polars as pl

from recon.reading.containers import survey
from recon.reading.covered import coverage_of
from recon.reading.file_read import PARTLY, Claim, FileRead, ReadResult
from recon.reading.files import Kept, read_files
from recon.reading.identity import People
from recon.reading.people import other_names, settle_names, settle_people, who_is_who
from recon.reading.proof import unproved
from recon.reading.regions import settle_regions
from recon.reading.together import (
    all_problems,
    people_tables,
    settle_ends,
    settle_pictures,
    sources_of,
    table_of,
    without_own,
)


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
    settle_regions(reads, region_of, default_region)
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


def _tables(reads: list[FileRead], people: People) -> dict[str, pl.DataFrame]:
    return people_tables(reads, people) | {"payment": table_of("payment", reads), "coverage": coverage_of(reads)}
