"""What people decided, read back from recon's own workbooks by gap_id: no decision and no note is ever lost.

Beside each decision the workbook keeps, hidden, what recon itself wrote there. A cell that differs from it was
entered by somebody, at the time the file was saved; one that does not was carried over and keeps its own time. The
newest entry per gap wins, whatever file it stands in. An emptied cell is an entry too: the decision is withdrawn.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import polars as pl

from recon.labels import DECISIONS
from recon.problems import Problem
from recon.state.store import DECISION_SCHEMA

_CHINA = timezone(timedelta(hours=8))
_SHEETS = ("差异", "Exceptions")
_HEADS = {"gap_id": "gap_id", "as_written": "as_written", "处理决定": "decision", "Decision": "decision",
          "备注": "note", "Note": "note"}
_WORDS = {
    word.casefold(): code for code, (zh, en, *more) in DECISIONS.items() for word in (code, zh, en, *more)
}


@dataclass(frozen=True)
class Entry:
    """One decision and note on a gap, and when it was made; empty both: nothing, or withdrawn."""

    gap_id: str
    decision: str
    note: str
    decided_at: str


def read_decisions(workbooks: Iterable[tuple[str, Path]]) -> tuple[list[Entry], list[Problem]]:
    """Every entry of the workbooks (name to show, path), and words that are no decision. Unreadable files say nothing.

    A word that is not known is kept as a note.
    """
    entries: list[Entry] = []
    problems: list[Problem] = []
    for name, path in workbooks:
        try:
            saved = datetime.fromtimestamp(path.stat().st_mtime, _CHINA).isoformat(timespec="seconds")
            sheets = _sheets(path)
        except OSError:
            continue
        for sheet, rows in sheets:
            columns = {_HEADS[head]: place for place, head in enumerate(rows[0]) if head in _HEADS}
            if not {"gap_id", "decision", "as_written"} <= columns.keys():
                continue
            for number, row in enumerate(rows[1:], start=2):
                entry, problem = _entry({key: _text(row[place]) for key, place in columns.items()}, saved)
                if entry is not None:
                    entries.append(entry)
                if problem is not None:
                    problems.append(Problem("unknown-decision", name, f"{sheet}!R{number}", "decision", problem))
    return entries, problems


def hold(entries: Sequence[Entry], remembered: pl.DataFrame) -> pl.DataFrame:
    """The decisions that hold (DECISION_SCHEMA): the newest entry per gap, ``remembered`` ones among them."""
    newest: dict[str, Entry] = {}
    for entry in [*(Entry(**row) for row in remembered.to_dicts()), *entries]:
        before = newest.get(entry.gap_id)
        if before is None or entry.decided_at >= before.decided_at:
            newest[entry.gap_id] = entry
    rows = [(one.gap_id, one.decision, one.note, one.decided_at) for one in newest.values()]
    return pl.DataFrame(rows, schema=DECISION_SCHEMA, orient="row").sort("gap_id")


def _entry(cells: Mapping[str, str], saved: str) -> tuple[Entry | None, str | None]:
    """What one row says, if anything; and the word in it that is no decision."""
    gap_id, decision, note = cells["gap_id"], cells["decision"], cells.get("note", "")
    if not gap_id:
        return None, None
    try:
        written = json.loads(cells["as_written"]) if cells["as_written"] else {}
        was = (str(written.get("decision", "")), str(written.get("note", "")), str(written.get("at", "")))
    except (ValueError, AttributeError):
        was = ("", "", "")
    code = _WORDS.get(decision.casefold(), "") if decision else ""
    unknown = decision if decision and not code else None
    if unknown:
        note = note if unknown in note else "；".join(text for text in (note, unknown) if text)
    if (code, note) == was[:2]:
        return (Entry(gap_id, *was) if was[2] else None), unknown
    return Entry(gap_id, "" if code == "withdrawn" else code, note, saved), unknown


def as_written(decision: str, note: str, at: str) -> str:
    """What the hidden cell beside a decision holds; nothing where nobody has said anything."""
    if not at:
        return ""
    return json.dumps({"decision": decision, "note": note, "at": at}, ensure_ascii=False)


def _sheets(path: Path) -> list[tuple[str, list[list[Any]]]]:
    """(name, rows) of the sheets of exceptions; none of a file that is no workbook."""
    from python_calamine import CalamineError, CalamineWorkbook

    try:
        with CalamineWorkbook.from_path(path) as book:
            names = [name for name in book.sheet_names if name.partition(" (")[0] in _SHEETS]
            found = [(name, book.get_sheet_by_name(name).to_python(skip_empty_area=False)) for name in names]
    except CalamineError:
        return []
    return [(name, rows) for name, rows in found if rows]


def _text(value: Any) -> str:
    return str(value).strip() if value is not None else ""
