"""Imports go one way, and only the edge of the program touches files, clocks and logs (docs/architecture.md)."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from support import ROOT

SOURCE = ROOT / "src" / "recon"
MODULES = sorted(SOURCE.rglob("*.py"))
COMMON = {"tables", "problems", "labels", "collect", "inside"}

# Which rooms a room may import, besides itself and the common ones. A new room must be placed here.
ALLOWED: dict[str, set[str]] = {
    "cli": {"commands"},
    "commands": {"batch", "draft", "job", "simulate"},
    "job": {"batch", "config", "core", "notify", "report", "schedule", "state"},  # one run from its settings to its notifications
    "config": set(),
    "schedule": set(),
    "notify": set(),
    "state": {"reading"},  # keeps the rows that reading gave
    "batch": {"reading", "core", "report", "policy", "draft", "fill", "sharding", "large"},
    "large": {"core", "policy", "reading", "sharding"},
    "sharding": {"core", "policy", "reading"},  # the core in several processes
    "reading": set(),
    "draft": {"reading"},
    "fill": {"reading"},
    "report": set(),
    "core": {"policy"},
    "policy": set(),
    "simulate": set(),  # makes exports and the truth beside them; must not ask the core what is true
    "tables": set(), "problems": set(), "labels": set(), "collect": set(), "inside": set(),
    "__init__": {"batch", "core", "policy", "reading", "report"}, "__main__": {"cli"},
}
WORLD = {"pathlib", "os", "io", "logging", "time", "shutil", "tempfile", "subprocess", "socket", "urllib", "http",
         "random"}
NETWORK = {"socket", "urllib", "http", "requests", "httpx", "ftplib", "smtplib", "apprise", "ssl", "asyncio",
           "aiohttp", "urllib3", "telnetlib", "imaplib", "poplib", "xmlrpc", "webbrowser"}
# The one door to a network, and only through the library that a firm installs and configures (docs/adr/0026).
SPEAKS = {("notify/send.py", "apprise")}
CLOCKS = {"now", "today", "utcnow", "time", "localtime", "gmtime"}
HEAVY = ("polars", "openpyxl", "pdfplumber", "pdfminer", "numpy", "xlsxwriter", "pypdfium2", "python_calamine", "PIL")


def room(path: Path) -> str:
    """The room a module lies in: its folder below recon, or its own name."""
    return path.relative_to(SOURCE).parts[0].removesuffix(".py")


ROOMS = {room(module) for module in MODULES}


@cache
def tree(path: Path) -> ast.Module:
    """The parsed module."""
    return ast.parse(path.read_text(encoding="utf-8"), str(path))


@cache
def nodes(path: Path) -> tuple[ast.Import | ast.ImportFrom | ast.Call, ...]:
    """Every import and every call of a module."""
    return tuple(node for node in ast.walk(tree(path)) if isinstance(node, ast.Import | ast.ImportFrom | ast.Call))


def imports(path: Path) -> Iterator[tuple[int, str]]:
    """Line and full name of everything a module imports, inside functions too."""
    for node in nodes(path):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, f"{path.name}:{node.lineno}: a relative import hides the room it comes from"
            yield from ((node.lineno, f"{node.module}.{alias.name}") for alias in node.names)


def calls(path: Path) -> Iterator[tuple[int, str]]:
    """Line and last name of everything a module calls."""
    for node in nodes(path):
        if isinstance(node, ast.Call):
            function = node.func
            name = function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")
            yield node.lineno, name


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.relative_to(SOURCE).as_posix())
def test_imports_go_one_way(path: Path) -> None:
    """A room imports only the rooms it may."""
    own = room(path)
    used = {(line, name.split(".")[1]) for line, name in imports(path) if name.startswith("recon.")}
    assert {(line, name) for line, name in used if name in ROOMS - COMMON - ALLOWED[own] - {own}} == set()


@pytest.mark.parametrize("path", [path for path in MODULES if room(path) == "core"], ids=lambda path: path.name)
def test_the_core_is_pure(path: Path) -> None:
    """The core touches no file, no clock, no log and no chance."""
    assert {(line, name) for line, name in imports(path) if name.split(".")[0] in WORLD} == set()
    assert {(line, name) for line, name in calls(path) if name in {"open", "print", *CLOCKS}} == set()
    reads = [(line, name) for line, name in calls(path) if name.startswith(("read_", "scan_", "write_", "sink_"))]
    assert reads == []


@pytest.mark.parametrize("path", [path for path in MODULES if room(path) not in ("batch", "job", "cli", "commands")],
                         ids=lambda path: path.relative_to(SOURCE).as_posix())
def test_one_owner_of_clock_and_log(path: Path) -> None:
    """Below the batch nothing reads a clock or writes a log."""
    dated = {(line, name) for line, name in calls(path) if name in {"now", "today", "utcnow"}}
    logs = {(line, name) for line, name in imports(path) if name.split(".")[0] in {"logging", "time"}}
    assert dated | logs == set()


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.relative_to(SOURCE).as_posix())
def test_nothing_leaves_the_machine(path: Path) -> None:
    """No module imports anything that speaks to a network, but the one that hands a notification to apprise."""
    own = path.relative_to(SOURCE).as_posix()
    assert {(own, name) for _, name in imports(path) if name.split(".")[0] in NETWORK} - SPEAKS == set()


def test_the_network_library_is_loaded_for_a_message_only() -> None:
    """apprise is imported inside the function that sends, never by a run without channels."""
    path = SOURCE / "notify" / "send.py"
    outside = [node for node in tree(path).body if isinstance(node, ast.Import | ast.ImportFrom)]
    assert not any("apprise" in ast.dump(node) for node in outside)


@pytest.mark.parametrize("arguments", [["--help"], ["run", "--help"], ["--version"]], ids=" ".join)
def test_help_is_light(arguments: list[str]) -> None:
    """Help and version load none of the heavy libraries."""
    program = (
        "import sys\n"
        "from recon.cli import main\n"
        "try:\n    main(sys.argv[1:])\nexcept SystemExit:\n    pass\n"
        f"print([name for name in {HEAVY!r} if name in sys.modules], file=sys.stderr)\n"
    )
    done = subprocess.run([sys.executable, "-c", program, *arguments], capture_output=True, text=True, check=True)
    assert done.stderr.strip() == "[]"
