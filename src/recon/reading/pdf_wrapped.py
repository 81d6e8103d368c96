"""Cells of several lines put together: lines without a date of their own join the dated row they belong to."""

from __future__ import annotations

import re
import statistics
from itertools import pairwise

from recon.reading.pdf_lines import NUMBER, Row, is_date, run_on
from recon.reading.pdf_words import Word

# What a page prints under or between its rows and what must never become part of a cell.
_FURNITURE = re.compile(
    r"第?\d+[页/]|第.{0,4}页|共.{0,6}[页笔条]|合计|小计|总计|累计|本页|页码|打印|制表|经办|说明|备注[:：]|注[:：]"
)


def join_wrapped(rows: list[Row]) -> list[Row]:
    """Rows with the lines that belong to them: those without a date in the first date column, near enough.

    Among lines between two dated rows the widest gap parts what belongs to the upper from what belongs to the lower.
    """
    anchor = _anchor(rows)
    if anchor is None:
        return rows
    dated = [i for i, row in enumerate(rows) if not row.free and _is_date(row.cells[anchor])]
    if len(dated) == len(rows):
        return rows
    pitch = statistics.median([rows[b].y - rows[a].y for a, b in pairwise(dated)] or [0.0])
    target: dict[int, int] = {}
    for before, after in zip([None, *dated], [*dated, None], strict=True):
        first, last = (before + 1 if before is not None else 0), (after if after is not None else len(rows))
        if first >= last:
            continue
        chain = [i for i in (before, *range(first, last), after) if i is not None]
        gaps = [rows[b].y - rows[a].y for a, b in pairwise(chain)]
        if before is not None and after is not None:
            widest = max(range(len(gaps)), key=lambda k: (round(gaps[k]), k))
            up, down = range(first, first + widest), range(last - 1, first + widest - 1, -1)
        else:
            up, down = range(first, last), range(last - 1, first - 1, -1)
        for owner, order in ((before, up), (after, down)):
            reached = owner
            for i in order:
                if owner is None or reached is None:
                    break
                if not _continues(rows[i], rows[owner], rows[reached], anchor, pitch):
                    break
                target[i], reached = owner, i
    for i, owner in sorted(target.items()):
        for j, cell in enumerate(rows[i].cells):
            rows[owner].cells[j] = sorted(rows[owner].cells[j] + cell, key=lambda w: (round(w.y), w.x0))
    return [row for i, row in enumerate(rows) if i not in target]


def _anchor(rows: list[Row]) -> int | None:
    """The first column in which at least half of the fuller rows hold a date."""
    table = [row for row in rows if not row.free]
    filled = [sum(map(bool, row.cells)) for row in table]
    most = max(filled, default=0)
    full = [row for row, count in zip(table, filled, strict=True) if 2 * count > most]
    width = max((len(row.cells) for row in full), default=0)
    for j in range(width):
        if any(row.cells[j] for row in full) and 2 * sum(_is_date(row.cells[j]) for row in full) >= len(full):
            return j
    return None


def _is_date(cell: list[Word]) -> bool:
    if len(cell) == 1:
        return is_date(cell[0][4])
    return bool(cell) and is_date(run_on(cell))


def _continues(row: Row, owner: Row, near: Row, anchor: int, pitch: float) -> bool:
    """Whether a line without a date carries on the cells of a dated row."""
    if row.free or row.cells[anchor]:
        return False
    distance = abs(row.y - near.y)
    if distance > 1.7 * max(row.h, owner.h):
        return False
    texts = [(run_on(cell), run_on(owner.cells[j])) for j, cell in enumerate(row.cells)]
    if any(_FURNITURE.match(new) for new, _ in texts if new):
        return False
    if any(NUMBER.fullmatch(old) and not NUMBER.fullmatch(new) for new, old in texts if new and old):
        return False
    if pitch and distance < 0.8 * pitch:
        return True
    filled = sum(map(bool, row.cells))
    plain = all(not old or not NUMBER.fullmatch(old) for new, old in texts if new)
    return plain and 2 * filled <= sum(map(bool, owner.cells))
