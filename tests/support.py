"""What several test modules share: places, and the command line in this process or in its own."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parent.parent
CONFORMANCE = ROOT / "tests" / "conformance"
MAPPINGS = ROOT / "mappings"
SAMPLES = ROOT / "sample_statements"
FORMAT_SAMPLES = ROOT / "tests" / "formats"  # of the layouts that the sample statements do not show


def rules_loaded_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """The shipped formats and policy are loaded once for all runs of this process; others each time."""
    import recon.policy
    import recon.reading.files

    for module, name in ((recon.policy, "load_policy"), (recon.reading.files, "load_formats")):
        monkeypatch.setattr(module, name, _once(getattr(module, name)))


@cache
def _once(load: Callable[[Sequence[Any]], Any]) -> Callable[[Sequence[Any]], Any]:
    kept: dict[str, Any] = {}

    def loaded(layers: Sequence[Any]) -> Any:
        if not all(isinstance(layer, Path) and layer.resolve().is_relative_to(MAPPINGS) for layer in layers):
            return load(layers)
        key = repr(layers)
        if key not in kept:
            kept[key] = load(layers)
        return kept[key]

    return loaded


def reports_in_name_only(monkeypatch: pytest.MonkeyPatch) -> None:
    """No workbook is made, only a file in its place: for tests that never look into it."""
    from recon import batch

    monkeypatch.setattr(batch, "write_report", lambda path, _: path.write_bytes(b"PK"))


_answers: dict[tuple[Any, ...], Any] = {}


def answers_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """A run on the same files with the same options is made once: for tests of what becomes of its answers."""
    from recon import batch

    run_folder = batch.run_folder

    def remembered(folder: Path, options: batch.Options, *more: Any, **given: Any) -> batch.Run:
        files = tuple((name, hashlib.sha256(path.read_bytes()).hexdigest()) for name, path in batch.input_files(folder))
        today = given["now"].date() if options.as_of == "today" else None
        key = (folder.name, files, repr(options), today, repr(given.get("files")))
        if key not in _answers:
            _answers[key] = run_folder(folder, options, *more, **given)
        run: batch.Run = _answers[key]
        return replace(run, counts=dict(run.counts))

    monkeypatch.setattr(batch, "run_folder", remembered)


@dataclass(frozen=True)
class Outcome:
    """How one call of the command line ended."""

    code: int
    stdout: str
    stderr: str


def run_recon(arguments: Sequence[str | Path], stdin: str | None = None) -> Outcome:
    """The command line in this process; an exception that is not an exit is a crash and is raised."""
    from click.testing import CliRunner

    from recon.cli import main

    result = CliRunner().invoke(main, [str(argument) for argument in arguments], input=stdin, catch_exceptions=False)
    return Outcome(result.exit_code, result.stdout, result.stderr)


def spawn_recon(arguments: Sequence[str | Path], stdin: str | None = None, cwd: Path | None = None) -> Outcome:
    """The installed command as its own process, the way a user or a scheduler starts it."""
    command = Path(sys.executable).with_name("recon")
    done = subprocess.run(
        [command, *map(str, arguments)], input=stdin, cwd=cwd, capture_output=True, encoding="utf-8", check=False
    )
    return Outcome(done.returncode, done.stdout, done.stderr)
