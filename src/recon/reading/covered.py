"""What each file covers: what its preamble and footer state, and as far as its lines go."""

from __future__ import annotations

import re
from calendar import monthrange
from collections.abc import Iterator
from datetime import date
from typing import Any

import polars as pl

from recon.reading.file_read import FileRead
from recon.reading.lines import GridRows
from recon.reading.together import table_of
from recon.reading.values import Unreadable, parse_day, parse_months
from recon.tables import TABLES, conform

_DATED = re.compile(
    r"\d{4}\s*年\s*\d{1,2}\s*月(?:\s*\d{1,2}\s*日)?|\d{4}[-/.]\d{1,2}(?:[-/.]\d{1,2})?|\d{8}|\d{6}"
)


def coverage_of(reads: list[FileRead]) -> pl.DataFrame:
    """What each file covers: declared, stated by itself, and as far as its lines go."""
    stated = [row for read in reads for row in _stated_coverage(read)]
    declared = table_of("coverage", reads)
    lines = [row for read in reads for row in _line_coverage(read)]
    schema = TABLES["coverage"]
    return pl.concat([
        declared, conform(pl.DataFrame(stated, schema=schema), "coverage"),
        conform(pl.DataFrame(lines, schema=schema), "coverage"),
    ])


def _stated_coverage(read: FileRead) -> Iterator[dict[str, Any]]:
    """What the preambles and footers of a file state about its period and the day of its export."""
    several = sum(part.table in ("flow", "contribution") for part in read.parts) > 1
    for part in read.parts:
        if part.table not in ("flow", "contribution", "payment") or part.covers != "stated":
            continue
        first, last, exported = _stated_period(part)
        if exported is None and last is None:
            continue
        people = part.frame["person_id"].unique().to_list() if "person_id" in part.frame.columns else []
        end = last
        if part.table != "contribution" and exported is not None:
            end = exported if last is None else min(last, exported)
        elif part.table == "contribution" and last is None:
            first, end = first or part.first, part.last
        yield {
            "table": part.table, "file": read.file, "person_id": people[0] if several and len(people) == 1 else None,
            "region": None, "from": first, "to": end, "exported_on": exported,
            "basis": "exported" if last is None else "stated",
        }


def _stated_period(part: GridRows) -> tuple[date | None, date | None, date | None]:
    """(from, to, exported_on) as far as the labelled lines say."""
    first = last = exported = None
    for fact in ("period", "exported"):
        text = part.facts.get(fact)
        if not text:
            continue
        days = _days_in(text, months=part.table == "contribution")
        if len(days) > 1 and first is None:
            (first, _), (_, last) = days[0], days[-1]
        elif len(days) == 1 and exported is None:
            exported = days[0][1]
    if part.table == "contribution":
        first, last = (day.replace(day=1) if day else None for day in (first, last))
    return first, last, exported


def _days_in(text: str, *, months: bool) -> list[tuple[date, date]]:
    """The days (or whole months) a text names, in order, each as its first and last day."""
    found: list[tuple[date, date]] = []
    for hit in _DATED.finditer(text):
        word = hit.group().replace(" ", "")
        try:
            day = parse_day(word)
            span = parse_months(word)
        except Unreadable:
            continue
        if day is None or span is None:
            continue
        digits = sum(char.isdigit() for char in word)
        whole_month = digits <= 6 and word.count("-") + word.count("/") + word.count(".") < 2 and "日" not in word
        end = _month_end(span[1]) if whole_month and not months else day
        found.append((day, end))
    return found


def _month_end(month: date) -> date:
    return month.replace(day=monthrange(month.year, month.month)[1])


def _line_coverage(read: FileRead) -> Iterator[dict[str, Any]]:
    """First and last line of each account or contribution file, over all its people, whatever became of the lines."""
    for table in ("flow", "contribution"):
        # What a person typed in shows what there is, not that there is nothing else.
        spans = [(part.first, part.last) for part in read.parts if part.table == table and part.covers != "nothing"
                 and not part.format.startswith(("filled_", "confirmed_"))]
        firsts = [first for first, _ in spans if first is not None]
        lasts = [last for _, last in spans if last is not None]
        if firsts and lasts:
            yield {"table": table, "file": read.file, "person_id": None, "region": None, "from": min(firsts),
                   "to": max(lasts), "exported_on": None, "basis": "lines"}
