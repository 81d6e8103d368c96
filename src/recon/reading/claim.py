"""Which format a grid is in: by its title and its header names, never by the file's name, extension or line count."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property

from recon.reading.format import Format, Reason, is_amount
from recon.reading.grid import Grid
from recon.reading.monthly import SPREAD, in_ten_thousands, month_columns
from recon.reading.values import WAN, clean, fold

_MOST_REFUSALS = 64
HEAD_ROWS = 80  # a header further down than this is not looked for
_UNIT = re.compile(r"(?:单位)?(?:人民币)?(万?)元$")
_COUNT_LINE = re.compile(r"共[::]?\s*(\d+)\s*[笔条](?:记录)?[。.]?")
_NEXT_LABEL = re.compile(r"[\s\x1f]+[^\W\d_]{2,12}[ \u3000]*[::]")


def reason(text: str, near: float) -> Reason:
    """A reason of that nearness."""
    made = Reason(text)
    made.near = near
    return made


@dataclass(frozen=True)
class Header:
    """Where a format's header stands in a grid, which cell is which column, and what the lines above it state."""

    format: Format
    row: int  # its last row
    columns: Mapping[str, int]
    factors: Mapping[str, int] = field(default_factory=dict)  # column -> 10 000 where the header says 万元
    facts: Mapping[str, str] = field(default_factory=dict)
    first: int = -1  # its first row, where it has several
    leaves: tuple[str, ...] = ()  # per column its lowest name, folded

    @property
    def top(self) -> int:
        """The first row of the header."""
        return self.first if self.first >= 0 else self.row


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

    @cached_property
    def below(self) -> str:
        """The folded text of short lines below, where some files print their title."""
        rows = self.grid.rows[-HEAD_ROWS * 10:]
        return fold("".join("".join(row) for row in rows if sum(map(bool, row)) == 1))

    def named(self, words: frozenset[str]) -> list[tuple[int, int]]:
        """The rows in which some of ``words`` stand as cells, ascending: position in ``rows``, and how many words."""
        counts = Counter(position for word in words & self._words for position in self._positions[word])
        return sorted(counts.items())

    @cached_property
    def _positions(self) -> dict[str, list[int]]:
        """Cell -> the positions in ``rows`` at which it stands."""
        found: dict[str, list[int]] = {}
        for position, (_, cells) in enumerate(self.rows):
            for cell in set(cells):
                found.setdefault(cell, []).append(position)
        return found

    @cached_property
    def _words(self) -> frozenset[str]:
        return frozenset(self._positions)

    def levels(self, count: int, known: Format) -> Iterator[tuple[int, tuple[tuple[str, ...], ...]]]:
        """Headers of ``count`` rows: index of the first, and per column the folded names from top to bottom.

        A name merged over several columns stands over each of them; one merged over several rows counts once. Rows
        without any name that ``known`` has by itself are left out: no header of the format has none.
        """
        hits = {at for word in known.aliases.keys() & self._rows_by_name.keys() for at in self._rows_by_name[word]}
        last = min(len(self.grid.rows), HEAD_ROWS) - count
        for at in sorted({first for hit in hits for first in range(max(0, hit - count + 1), min(hit, last) + 1)}):
            if at in self._full and at + count - 1 in self._full:
                if (at, count) not in self._paths:
                    self._paths[at, count] = _paths(self.grid, at, count)
                yield at, self._paths[at, count]

    @cached_property
    def _full(self) -> frozenset[int]:
        return frozenset(at for at, _ in self.rows)

    @cached_property
    def _paths(self) -> dict[tuple[int, int], tuple[tuple[str, ...], ...]]:
        return {}

    @cached_property
    def _rows_by_name(self) -> dict[str, set[int]]:
        """Cell, with and without a unit behind it -> the rows of the grid in which it stands."""
        found: dict[str, set[int]] = {}
        folded = dict(self.rows)
        for at, row in enumerate(self.grid.rows[:HEAD_ROWS]):
            for cell in set(folded.get(at) or map(fold, row)):
                found.setdefault(cell, set()).add(at)
                if unit := _unit_of(cell):
                    found.setdefault(cell[:unit.start()], set()).add(at)
        return found


def _paths(grid: Grid, first: int, count: int) -> tuple[tuple[str, ...], ...]:
    """Per column the names of the header rows ``first`` .. ``first + count - 1`` that stand over it."""
    rows = grid.rows[first:first + count]
    width = max(map(len, rows))
    texts = [[fold(cell) for cell in row] + [""] * (width - len(row)) for row in rows]
    spread = [list(row) for row in texts]
    for top, left, bottom, right in grid.merged:
        if first <= top < first + count:
            text = texts[top - first][left] if left < width else ""
            for column in range(left, min(right + 1, width)):
                spread[top - first][column] = text
                for row in range(top - first + 1, min(bottom - first + 1, count)):
                    spread[row][column] = text
    if not grid.merged:  # text and web pages: an empty cell over a name goes on with the name on its left
        for level in range(count - 1):
            for column in range(1, width):
                under = any(texts[row][column] for row in range(level + 1, count))
                left_under = any(texts[row][column - 1] for row in range(level + 1, count))
                if not spread[level][column] and under and left_under and spread[level][column - 1]:
                    spread[level][column] = spread[level][column - 1]
    return tuple(
        tuple(dict.fromkeys(name for name in (spread[row][column] for row in range(count)) if name))
        for column in range(width)
    )


def claim(head: Head, known: Format) -> Header | Reason:
    """The header ``known`` finds in the grid, or why it does not claim it."""
    best: tuple[int, int, int, dict[str, int], dict[str, int]] | None = None
    nearest: tuple[int, tuple[str, ...]] = (-1, ())
    if head.rows:
        nearest = (0, head.rows[0][1])
    for position, names in head.named(known.words_of_header):
        at, cells = head.rows[position]
        if names > nearest[0]:
            nearest = (names, cells)
        if names < len(known.header) or _with_surplus(cells, known) or known.names.difference(cells):
            continue
        columns, factors, twice = _columns(cells, known)
        if known.across and (spread := month_columns(cells, known.across)):
            columns |= spread | {f"{known.across}@{SPREAD}": min(spread.values())}
        if twice or not all(any(column in columns for column in group) for group in known.header):
            continue
        if best is None or len(columns) > best[0]:
            best = (len(columns), at, at, columns, factors)
    for count in range(2, known.header_rows + 1):
        for at, paths in head.levels(count, known):
            columns, factors, twice = _columns_by_path(paths, known)
            if twice or not all(any(column in columns for column in group) for group in known.header):
                continue
            if best is None or len(columns) > best[0]:
                best = (len(columns), at, at + count - 1, columns, factors)
    if best is None:
        cells = nearest[1]
        if cells not in known.refusals:  # the files of a folder share a few headers
            if len(known.refusals) >= _MOST_REFUSALS:
                known.refusals.clear()
            known.refusals[cells] = _why_not(cells, known)
        return known.refusals[cells]
    _, first, at, columns, factors = best
    above = head.grid.rows[:first]
    title = fold("".join([head.grid.name, *("".join(row) for row in above)]))
    said = title + head.below if known.titles_below else title
    if known.titles and not any(text in said for text in known.titles):
        return reason("title: " + " / ".join(known.titles), 1.0)
    if any(text in title for text in known.not_titles):
        return reason("not-title: " + next(text for text in known.not_titles if text in title), 1.0)
    facts = read_facts(above, known)
    for fact, parts in known.title_facts.items():
        stated = next((value for part, value in parts if part in title), None)
        if stated is not None:
            facts.setdefault(fact, stated)
    for group in known.facts:
        if not any(name in facts or name in columns for name in group):
            labels = (label for name in group for label in known.labels.get(name, (name,))[:2])
            return reason("no-fact: " + " / ".join(labels), 1.0)
    if in_ten_thousands(above):
        factors = {**dict.fromkeys((column for column in columns if is_amount(column)), WAN), **factors}
    leaves = tuple(fold(cell) for cell in head.grid.rows[at])
    return Header(known, at, columns, factors, facts, first, leaves)


def _unit_of(cell: str) -> re.Match[str] | None:
    """The unit behind a name."""
    return _UNIT.search(cell) if cell.endswith("元") else None


def _with_surplus(cells: tuple[str, ...], known: Format) -> list[str]:
    """The cells that name a column which the format must not have, with or without a unit behind the name."""
    return [
        cell for cell in cells
        if cell in known.without or ((unit := _unit_of(cell)) and cell[:unit.start()] in known.without)
    ] if known.without else []


def decide(claims: Iterable[Header]) -> list[Header]:
    """The claims that stand once formats made to replace others have done so; one means success."""
    found = list(claims)
    beaten = {other for header in found for other in header.format.replaces}
    left = [header for header in found if header.format.id not in beaten]
    return [header for header in left if not header.format.fallback] or left


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
            unit = _unit_of(cell)
            if not unit or not (hit := known.aliases.get(cell[: unit.start()])) or not is_amount(hit[0]):
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


def _columns_by_path(
    paths: tuple[tuple[str, ...], ...], known: Format
) -> tuple[dict[str, int], dict[str, int], list[str]]:
    """The same for a header of several rows: a name over all rows as such, others by their levels in order."""
    flat = tuple(path[0] if len(path) == 1 else "" for path in paths)
    columns, factors, twice = _columns(flat, known)
    if not columns:
        return columns, factors, twice
    rank: dict[str, int] = {}
    for at, path in enumerate(paths):
        leaves = [leaf for leaf in known.paths_by_leaf if path[-1].startswith(leaf)] if len(path) > 1 else []
        for levels, column, preference in (entry for leaf in leaves for entry in known.paths_by_leaf[leaf]):
            if not _goes_through(path, levels):
                continue
            if column in rank and preference >= rank[column]:
                if preference == rank[column]:
                    twice.append(path[-1])
                continue
            columns[column], rank[column] = at, preference
    return columns, factors, twice


def _goes_through(path: tuple[str, ...], levels: tuple[str, ...]) -> bool:
    """Whether each of ``levels`` but the last is part of a name of ``path`` above the lowest, in order."""
    at = 0
    for level in levels[:-1]:
        while at < len(path) - 1 and not (path[at] == level[1:] if level.startswith("=") else level in path[at]):
            at += 1
        if at >= len(path) - 1:
            return False
    return True


def _why_not(cells: tuple[str, ...], known: Format) -> Reason:
    """What the row that comes nearest to the format's header lacks."""
    columns, _, twice = _columns(cells, known)
    missing = [group for group in known.header if not any(column in columns for column in group)]
    lacking = known.names.difference(cells)
    asked = len(known.header) + len(known.names)
    near = (asked - len(missing) - len(lacking)) / asked
    if missing:
        shown = ("/".join(_shown(column, known) for column in group) for group in missing)
        return reason("missing: " + ", ".join(shown), near)
    if lacking:
        return reason("missing: " + ", ".join(sorted(lacking)), near)
    surplus = _with_surplus(cells, known)
    return reason("surplus: " + ", ".join(surplus) if surplus else "twice: " + ", ".join(twice), near)


def _shown(column: str, known: Format) -> str:
    """The first header name of a column: what a clerk would look for."""
    return known.shown[column]


def read_facts(rows: Iterable[list[str]], known: Format) -> dict[str, str]:
    """What labelled lines state: fact -> text, the first one of each."""
    facts: dict[str, str] = {}
    pattern = known.label_pattern
    if pattern is None:
        return facts
    for row in rows:
        counted = _COUNT_LINE.fullmatch(next(iter(filter(None, row)), ""))
        if counted:
            facts.setdefault("total_count", counted.group(1))
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
