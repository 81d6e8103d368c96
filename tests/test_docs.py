"""The documentation says what the program does: tables are generated, commands, codes and files are all there."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from itertools import chain
from pathlib import Path

import click
import pytest

import recon
import test_layering
import test_run_problems
from recon.problems import CATALOGUE
from support import CONFORMANCE, FORMAT_SAMPLES, MAPPINGS, ROOT, SAMPLES, answers_once, run_recon

SKIPPED = {".git", ".venv", "build", "dist", ".mypy_cache", ".ruff_cache", ".pytest_cache", ".hypothesis",
           "__pycache__"}
TEXT = {".py", ".md", ".toml", ".txt", ".cfg", ".yaml", ".yml", ".csv", ".tsv", ""}
IMPORTED_AS = {"chinese_calendar": "chinesecalendar", "stdnum": "python_stdnum", "msoffcrypto": "msoffcrypto_tool",
               "PIL": "pillow"}  # where a package is imported under another name
README = (ROOT / "README.md").read_text(encoding="utf-8")
PAGES = {page.relative_to(ROOT).as_posix(): page.read_text(encoding="utf-8")
         for page in (ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").rglob("*.md")))}


def texts() -> Iterator[tuple[str, str]]:
    """Name and text of every file of the project that is text."""
    for path in sorted(ROOT.rglob("*")):
        parts = path.relative_to(ROOT).parts
        if path.is_file() and path.suffix in TEXT and not SKIPPED.intersection(parts):
            try:
                yield "/".join(parts), path.read_text(encoding="utf-8")
            except UnicodeDecodeError:
                continue  # an export in another encoding


def every_command() -> dict[str, click.Command]:
    """All commands by name (``policy show``), those of inner groups too."""
    from recon.cli import main

    def below(group: click.Command, prefix: str) -> Iterator[tuple[str, click.Command]]:
        if isinstance(group, click.Group):
            for name in group.list_commands(click.Context(group)):
                command = group.get_command(click.Context(group), name)
                assert command is not None
                yield f"{prefix}{name}", command
                yield from below(command, f"{prefix}{name} ")

    return dict(below(main, ""))


def commands() -> list[str]:
    """The names of all commands."""
    return sorted(every_command())


def test_generated_parts_are_up_to_date() -> None:
    """README and docs hold the tables and helps that the code would generate now."""
    done = subprocess.run([sys.executable, ROOT / "tools" / "docs_pages.py", "--check"], capture_output=True, text=True,
                          encoding="utf-8", check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("part", ["labels-zh", "labels-en", "verdicts-zh", "verdicts-en"])
def test_readme_has_its_tables(part: str) -> None:
    """The README carries the generated tables, in both languages."""
    assert f"<!-- generated: {part} -->" in README


def test_every_command_is_documented() -> None:
    """Each command has help, stands in the README and in the reference."""
    reference = PAGES["docs/cli.md"]
    for command in commands():
        assert f"recon {command}" in README, command
        assert f"## recon {command}\n" in reference, command
        outcome = run_recon([*command.split(), "--help"])
        assert outcome.code == 0
        assert len(outcome.stdout.splitlines()) > 3, command
        assert "\\b" not in outcome.stdout, f"{command}: the docstring is raw, so click shows its \\b"


def test_examples_in_help_work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the help shows for the sample statements can be typed as it stands."""
    monkeypatch.chdir(tmp_path)
    answers_once(monkeypatch)
    tried = 0
    for command in commands():
        for line in run_recon([*command.split(), "--help"]).stdout.splitlines():
            words = line.split()
            if words[:2] == ["recon", command.split()[0]] and "sample_statements" in words:
                outcome = run_recon([str(SAMPLES) if word == "sample_statements" else word for word in words[1:]])
                assert outcome.code in (0, 3, 4), f"{line.strip()}: {outcome.stderr}"
                tried += 1
    assert tried >= 3


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_readme_explains_every_sheet(tmp_path: Path, lang: str) -> None:
    """Each sheet of the workbook has its row in the README."""
    from openpyxl import load_workbook

    run_recon(["run", CONFORMANCE / "01-reference-year" / "exports", "-o", tmp_path / "r.xlsx", "--lang", lang,
               "--edition", "audit"])
    book = load_workbook(tmp_path / "r.xlsx", read_only=True)
    names = book.sheetnames
    book.close()
    assert [name for name in names if f"| {name} |" not in README] == []


def test_every_option_has_help() -> None:
    """No option of any command is without a word of help."""
    silent = [f"{name} {option.opts[0]}" for name, command in every_command().items() for option in command.params
              if isinstance(option, click.Option) and not option.help]
    assert silent == []


def test_every_problem_has_a_trigger() -> None:
    """Each problem code has a minimal input: a folder in tests/problems, or an entry in test_run_problems."""
    folders = {path.name for path in (ROOT / "tests" / "problems").iterdir()}
    assert sorted(set(CATALOGUE) - folders - set(test_run_problems.TRIGGERS)) == []


def test_every_decision_is_listed() -> None:
    """docs/adr/README.md names every decision, and each has its five sections."""
    index = PAGES["docs/adr/README.md"]
    for name, text in PAGES.items():
        if re.match(r"docs/adr/\d{4}-", name):
            assert Path(name).name in index, name
            for heading in ("**Context.**", "**Decision.**", "**Alternatives.**", "**What we give up.**",
                            "**Look again"):
                assert heading in text, f"{name}: {heading}"


def test_every_dependency_is_justified() -> None:
    """docs/adr/0005 names every package that pyproject.toml requires, and constraints.txt pins it."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    reasons = PAGES["docs/adr/0005-dependencies.md"]
    pinned = (ROOT / "constraints.txt").read_text(encoding="utf-8").lower()
    for requirement in [*project["dependencies"], *chain(*project["optional-dependencies"].values())]:
        name = re.split(r"[<>=~\[ ]", requirement)[0]
        assert f"| {name} |" in reasons, name
        assert re.search(rf"^{re.escape(name.lower())}==", pinned, re.MULTILINE), name


def test_every_import_is_declared() -> None:
    """What src imports from elsewhere stands in pyproject.toml, under its own name."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = (names for extra, names in project["optional-dependencies"].items() if extra != "dev")
    declared = {re.split(r"[<>=~\[ ]", requirement)[0].replace("-", "_")
                for requirement in chain(project["dependencies"], *extras)}
    imported = {name.split(".")[0] for path in (ROOT / "src").rglob("*.py") for _, name in test_layering.imports(path)}
    foreign = imported - set(sys.stdlib_module_names) - {"recon"}
    assert sorted({IMPORTED_AS.get(name, name) for name in foreign} - declared) == []


def test_changelog_speaks_of_this_version() -> None:
    """CHANGELOG.md has this version, or what is not released yet."""
    changelog = PAGES["CHANGELOG.md"]
    assert f"## [{recon.__version__}]" in changelog or "## [Unreleased]" in changelog


@pytest.mark.parametrize("name", sorted(PAGES))
def test_links_lead_somewhere(name: str) -> None:
    """Links inside the repository point at files that exist."""
    page = ROOT / name
    for target in re.findall(r"\]\(([^)#\s]+)", PAGES[name]):
        if not re.match(r"[a-z]+:", target):
            assert (page.parent / target).exists(), target


def test_no_machine_is_named() -> None:
    """No file names a place or an index of the machine it was written on."""
    places = re.compile(r"(?<![\w.])/(?:work|farm|root|home|Users)/\w|--(?:extra-)?index-url|--find-links|trusted-host")
    named = [f"{name}: {found[0]}" for name, text in texts() if name != "tests/test_docs.py"
             for found in [places.search(text)] if found]
    assert named == []


def test_lock_names_no_host() -> None:
    """constraints.txt holds names and exact versions only."""
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    assert [line for line in lines if line and not re.fullmatch(r"#.*|[A-Za-z0-9._-]+==[A-Za-z0-9.+]+", line)] == []


def test_every_format_has_a_sample() -> None:
    """Each format file names samples that are there."""
    for path in sorted((MAPPINGS / "formats").glob("*.toml")):
        entry = tomllib.loads(path.read_text(encoding="utf-8"))
        if "id" in entry:  # shared.toml holds names that all formats use
            assert entry["samples"], path.name
            assert [name for name in entry["samples"]
                    if not (SAMPLES / name).is_file() and not (FORMAT_SAMPLES / name).is_file()] == []
