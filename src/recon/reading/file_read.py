"""What one file gave: its rows, what was wrong, which format claims it, and what became of it."""

from __future__ import annotations

from dataclasses import dataclass, field

import polars as pl

from recon.problems import Problem
from recon.reading.lines import GridRows
from recon.reading.workers import Failure, memory_limit

# What became of a file (column ``status`` of table source).
READ, PARTLY, NO_ROWS = "read", "partly_read", "no_rows"
UNKNOWN, AMBIGUOUS, UNREADABLE = "unknown", "ambiguous", "unreadable"
IDENTICAL, OWN_OUTPUT = "identical", "own_output"
UNCONFIRMED, CONFIRMED = "unconfirmed", "confirmed"  # a picture whose figures nothing proves; that a person confirmed


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


def lost_file(name: str, digest: str, problem: Problem) -> FileRead:
    """A file that gave nothing because of ``problem``."""
    claim = Claim(name, None, None, [("-", problem.code)])
    return FileRead(name, digest, UNREADABLE, problems=[problem], claims=[claim])


def problem_of(failure: Failure, name: str) -> Problem:
    """What is said of a file that cost a worker its life or its patience."""
    if failure.kind == "slow":
        return Problem("too-slow", name, value=failure.detail)
    if failure.kind == "memory":
        return Problem("too-large", name, value=f"> {memory_limit() >> 20} MiB RAM")
    return Problem("reader-failed", name, value=failure.detail)
