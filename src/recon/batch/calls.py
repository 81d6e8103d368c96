"""What a call of ``recon`` is made of: options, the finished run, exit codes, and the error of a mistaken call."""

from __future__ import annotations

import os
import shutil
import weakref
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta, timezone
from pathlib import Path
from tempfile import mkdtemp
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from recon.core.payroll_settings import PayrollSettings
    from recon.report.view import RunView

CHINA = timezone(timedelta(hours=8))
EXIT_CLEAR, EXIT_CRASH, EXIT_USAGE, EXIT_OPEN, EXIT_REJECTED = 0, 1, 2, 3, 4
SCRATCH = ".recon-"  # begins the name of the folder in which a large run lays down its tables, then its process
Ask = Callable[[str], str | None]
Progress = Callable[[int, int], None]


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
