"""Which format a grid is in: by its title and its header names, never by the file's name, extension or line count."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from recon.reading.formats import Format
from recon.reading.grid import Grid
from recon.reading.values import WAN, clean, fold

HEAD_ROWS = 80  # a header further down than this is not looked for
_UNIT = re.compile(r"(?:单位)?(?:人民币)?(万?)元$")
_NEXT_LABEL = re.compile(r"[\s\x1f]+[^\W\d_]{2,12}[ \u3000]*[::]")


@dataclass(frozen=True)
class Header:
    """Where a format's header stands in a grid, which cell is which column, and what the lines above it state."""

    format: Format
    row: int
    columns: Mapping[str, int]
    factors: Mapping[str, int] = field(default_factory=dict)  # column -> 10 000 where the header says 万元
    facts: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Head:
    """The first rows of a grid, folded once for all formats."""

    grid: Grid
    rows: tuple[tuple[int, tuple[str, ...]], ...]  # rows that could be a header: index, folded cells

    @classmethod
    def of(cls, grid: Grid) -> Head:
        """The head of ``grid``."""
        return cls(grid, tuple(
            (at, tuple(fold(cell) for cell in row))
            for at, row in enumerate(grid.rows[:HEAD_ROWS]) if sum(map(bool, row)) > 1
        ))


def claim(head: Head, known: Format) -> Header | str:
    """The header ``known`` finds in the grid, or why it does not claim it."""
    best: tuple[int, int, dict[str, int], dict[str, int]] | None = None
    nearest: tuple[int, tuple[str, ...]] = (-1, ())
    for at, cells in head.rows:
        names = len(known.words_of_header.intersection(cells))
        if names > nearest[0]:
            nearest = (names, cells)
        if names < len(known.header) or not known.without.keys().isdisjoint(cells):
            continue
        columns, factors, twice = _columns(cells, known)
        if twice or not all(any(column in columns for column in group) for group in known.header):
            continue
        if best is None or len(columns) > best[0]:
            best = (len(columns), at, columns, factors)
    if best is None:
        return _why_not(nearest[1], known)
    _, at, columns, factors = best
    above = head.grid.rows[:at]
    title = fold("".join([head.grid.name, *("".join(row) for row in above)]))
    if known.titles and not any(text in title for text in known.titles):
        return "title: " + " / ".join(known.titles)
    if any(text in title for text in known.not_titles):
        return "not-title: " + next(text for text in known.not_titles if text in title)
    facts = read_facts(above, known)
    for group in known.facts:
        if not any(name in facts or name in columns for name in group):
            return "no-fact: " + " / ".join(label for name in group for label in known.labels.get(name, (name,))[:2])
    return Header(known, at, columns, factors, facts)


def decide(claims: Iterable[Header]) -> list[Header]:
    """The claims that stand once formats made to replace others have done so; one means success."""
    found = list(claims)
    beaten = {other for header in found for other in header.format.replaces}
    return [header for header in found if header.format.id not in beaten]


def _columns(cells: tuple[str, ...], known: Format) -> tuple[dict[str, int], dict[str, int], list[str]]:
    """Column -> cell, unit factors, and the columns two cells claim equally."""
    columns: dict[str, int] = {}
    rank: dict[str, int] = {}
    factors: dict[str, int] = {}
    twice: dict[str, str] = {}
    for at, cell in enumerate(cells):
        if not cell:
            continue
        hit, factor = known.aliases.get(cell), 1
        if hit is None:
            unit = _UNIT.search(cell)
            if not unit or not (hit := known.aliases.get(cell[: unit.start()])) or not hit[0].endswith("_fen"):
                continue
            factor = WAN if unit.group(1) else 1
        column, preference = hit
        if column in columns and preference >= rank[column]:
            if preference == rank[column]:
                twice[column] = cell
            continue
        twice.pop(column, None)
        columns[column], rank[column] = at, preference
        factors.pop(column, None)
        if factor != 1:
            factors[column] = factor
    return columns, factors, list(twice.values())


def _why_not(cells: tuple[str, ...], known: Format) -> str:
    """What the row that comes nearest to the format's header lacks."""
    columns, _, twice = _columns(cells, known)
    missing = [group for group in known.header if not any(column in columns for column in group)]
    if missing:
        return "missing: " + ", ".join("/".join(_shown(column, known) for column in group) for group in missing)
    surplus = [cell for cell in cells if cell in known.without]
    return "surplus: " + ", ".join(surplus) if surplus else "twice: " + ", ".join(twice)


def _shown(column: str, known: Format) -> str:
    """The first header name of a column: what a clerk would look for."""
    return min((rank, word) for word, (name, rank) in known.aliases.items() if name == column)[1]


def read_facts(rows: Iterable[list[str]], known: Format) -> dict[str, str]:
    """What labelled lines state: fact -> text, the first one of each."""
    facts: dict[str, str] = {}
    pattern = known.label_pattern
    if pattern is None:
        return facts
    for row in rows:
        line = "\x1f".join(clean(cell) for cell in row if cell) + "\x1f"
        hits = list(pattern.finditer(line))
        for at, hit in enumerate(hits):
            end = hits[at + 1].start() if at + 1 < len(hits) else len(line)
            value = line[hit.end():end]
            other = _NEXT_LABEL.search(value)
            text = " ".join((value[: other.start()] if other else value).replace("\x1f", " ").split())
            if text:
                facts.setdefault(known.label_facts[fold(hit.group(1))], text)
    return facts
