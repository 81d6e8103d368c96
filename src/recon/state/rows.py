"""Rows already read, kept by the content of their file: a file that has been read is not parsed again.

The key is the file's sha256 with a mark of everything else that reading depends on (the program and the formats).
What is kept is what one file gave before the files were put together, in Parquet; names of files are not in it.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import zipfile
from collections.abc import Iterable
from dataclasses import asdict, replace
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl

from recon import __version__, reading
from recon.problems import Problem
from recon.reading.folder import UNREADABLE, Claim, FileRead
from recon.reading.rows import GridRows

_ACCOUNT_TABLES = ("flow", "reading")


def reading_mark(format_files: Iterable[Path]) -> str:
    """A mark of what reading depends on besides the file: this program's reading modules, and the formats."""
    mark = hashlib.sha256(f"{__version__}|{pl.__version__}".encode())
    own = sorted(Path(path) for path in reading.__path__)
    for path in [*(one for place in own for one in sorted(place.glob("*.py"))), *sorted(format_files)]:
        mark.update(path.name.encode())
        mark.update(path.read_bytes())
    return mark.hexdigest()


class KeptRows:
    """The rows kept in one folder. What is read is held back until :meth:`keep`, for only then the edition is known.

    The hr edition keeps no rows of accounts: spend lines, places and memos must not outlive the run (DESIGN 8).
    """

    def __init__(self, folder: Path, mark: str) -> None:
        self._folder, self._mark = folder, mark
        self._fresh: dict[str, tuple[str, list[FileRead]]] = {}
        self.hits = 0

    def get(self, name: str, digest: str) -> list[FileRead] | None:
        """What the file gave when it was read before, under its present name; None: it has to be read."""
        path = self._path(digest)
        try:
            reads = _unpack(path.read_bytes(), name)
            os.utime(path)  # for prune
        except FileNotFoundError:
            return None
        except (OSError, ValueError, KeyError, TypeError, zipfile.BadZipFile, pl.exceptions.PolarsError):
            path.unlink(missing_ok=True)  # damaged, or of another shape: read the file again
            return None
        self.hits += 1
        return reads

    def put(self, name: str, digest: str, reads: list[FileRead]) -> None:
        """Hold what a file gave; it may be changed afterwards without harm."""
        self._fresh[digest] = (name, [
            replace(read, parts=[replace(part) for part in read.parts], problems=list(read.problems))
            for read in reads
        ])

    def keep(self, edition: str) -> int:
        """Write what was held back, each whole or not at all; how many files. A full disk keeps none, and no harm."""
        count = 0
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        for digest, (name, reads) in self._fresh.items():
            accounts = any(part.table in _ACCOUNT_TABLES for read in reads for part in read.parts)
            if (edition == "hr" and accounts) or any(read.status == UNREADABLE for read in reads):
                continue
            path = self._path(digest)
            temporary = path.with_name(f".{path.name}.{os.getpid()}.part")
            try:
                temporary.write_bytes(_pack(reads, name))
                temporary.replace(path)
                count += 1
            except OSError:
                break
            finally:
                temporary.unlink(missing_ok=True)
        self._fresh = {}
        return count

    def drop_accounts(self) -> None:
        """Remove what an earlier edition kept of accounts."""
        for path in self._folder.glob("*.rows"):
            try:
                kept = _unpack(path.read_bytes(), "")
            except (OSError, ValueError, KeyError, TypeError, zipfile.BadZipFile, pl.exceptions.PolarsError):
                kept = None
            if kept is None or any(part.table in _ACCOUNT_TABLES for read in kept for part in read.parts):
                path.unlink(missing_ok=True)

    def prune(self, before: float) -> None:
        """Remove rows that no run has used since ``before`` (seconds since 1970), and what a killed run left."""
        for path in self._folder.glob("*"):
            if path.suffix == ".part" or path.stat().st_mtime < before:
                path.unlink(missing_ok=True)

    def _path(self, digest: str) -> Path:
        return self._folder / f"{hashlib.sha256(f'{digest}|{self._mark}'.encode()).hexdigest()}.rows"


def _pack(reads: list[FileRead], name: str) -> bytes:
    """All that one file gave, as an archive of a manifest and one Parquet file per grid; ``name`` is left out."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_STORED) as archive:
        manifest = []
        for read in reads:
            entry: dict[str, Any] = {
                "inner": read.file.removeprefix(name), "sha256": read.sha256, "status": read.status,
                "points_to": sorted(read.points_to), "settles": sorted(read.settles),
                "problems": [asdict(one) | {"file": _inner(one.file, name)} for one in read.problems],
                "claims": [asdict(one) | {"file": _inner(one.file, name)} for one in read.claims],
                "parts": [],
            }
            for part in read.parts:
                frame = f"{len(archive.namelist())}.parquet"
                buffer = io.BytesIO()
                part.frame.write_parquet(buffer)
                archive.writestr(frame, buffer.getvalue())
                facts = {key: value for key, value in vars(part).items() if key not in ("frame", "problems")}
                dates = {key: value.isoformat() for key, value in facts.items() if isinstance(value, date)}
                entry["parts"].append(facts | dates | {"frame": frame})
            manifest.append(entry)
        archive.writestr("manifest.json", json.dumps(manifest, ensure_ascii=False))
    return out.getvalue()


def _unpack(data: bytes, name: str) -> list[FileRead]:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        reads = []
        for entry in json.loads(archive.read("manifest.json")):
            parts = []
            for facts in entry["parts"]:
                frame = pl.read_parquet(io.BytesIO(archive.read(facts.pop("frame"))))
                dates = {key: date.fromisoformat(facts[key]) if facts[key] else None for key in ("first", "last")}
                parts.append(GridRows(**(facts | dates), frame=frame))
            reads.append(FileRead(
                name + entry["inner"], entry["sha256"], entry["status"], parts,
                [Problem(**(one | {"file": _outer(one["file"], name)})) for one in entry["problems"]],
                [Claim(**(one | {"file": _outer(one["file"], name), "reasons": [tuple(r) for r in one["reasons"]]}))
                 for one in entry["claims"]],
                set(entry["points_to"]), frozenset(entry["settles"]),
            ))
        return reads


def _inner(file: str | None, name: str) -> str | None:
    return None if file is None else file.removeprefix(name)


def _outer(file: str | None, name: str) -> str | None:
    return None if file is None else name + file
