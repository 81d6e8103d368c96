"""The month of a file that has no column for it, and months that stand side by side as columns.

A payroll workbook says its month in a line above the table, in the sheet's name, or only in the file's name; a table of
deductions has a column for each month. Both are part of the grammar of formats (``[month]`` and ``across``).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from recon.reading.format import Block
from recon.reading.values import fold

_WHOLE = re.compile(r"(?<!\d)(20\d\d)\s*(?:年|[-./_])?\s*(0?[1-9]|1[0-2])(?!\d)")
_YEAR = re.compile(r"(?<!\d)(20\d\d)(?:年|(?!\d))")
_MONTH = re.compile(r"(?<!\d)(0?[1-9]|1[0-2])月")
_HEAD = re.compile(
    r"^(?:(20\d\d)[-./年]?)?(0?[1-9]|1[0-2])(月?)(?:份)?(?:[-/.]0?1)?(?:医疗保险|医保|医疗|个人|扣款|缴费)*$")
SPREAD = "month"  # the name of a column that is a month: deducted_fen@month:2024-03, or month:3 without its year


def stated_month(texts: Iterable[str]) -> str | None:
    """``YYYY-MM`` as the first text that says a month says it; the year may stand in a later text.

    ``2024年3月工资表``, ``工资_202403``, or a sheet ``3月`` in a file ``工资2024``.
    """
    known = [text for text in texts if text]
    for text in known:
        if found := _WHOLE.search(text):
            return f"{found[1]}-{int(found[2]):02d}"
        month = _MONTH.search(text)
        if month:
            year = next((one[1] for other in [text, *known] if (one := _YEAR.search(other))), None)
            return f"{year}-{int(month[1]):02d}" if year else None
    return None


def month_columns(cells: Iterable[str], column: str) -> dict[str, int]:
    """``column@month:…`` -> place, for the folded header cells that are months; in January there is but one."""
    found: dict[str, int] = {}
    for at, cell in enumerate(cells):
        hit = _HEAD.match(cell)
        if hit and (hit[1] or hit[3]):
            year = f"{hit[1]}-{int(hit[2]):02d}" if hit[1] else f"{int(hit[2])}"
            found.setdefault(f"{column}@{SPREAD}:{year}", at)
    return found


def month_blocks(columns: Mapping[str, int], column: str, month: str, texts: Iterable[str]) -> tuple[Block, ...]:
    """One block per month of a header; months without a year take that of the texts, else there is none."""
    known = list(texts)
    year = next((found[1] for text in known if (found := _YEAR.search(text))), None)
    blocks = []
    for name in columns:
        if not name.startswith(f"{column}@{SPREAD}:"):
            continue
        said = name.partition(":")[2]
        if "-" not in said:
            if year is None:
                return ()
            said = f"{year}-{int(said):02d}"
        blocks.append(Block(said, {month: said}, {column: name}))
    return tuple(blocks)


def file_stem(file: str) -> str:
    """The name of a file (or of a member of an archive) without folders and ending."""
    return file.rsplit("/", 1)[-1].rsplit("!", 1)[-1].rsplit(".", 1)[0]


def above(rows: Iterable[Iterable[str]]) -> list[str]:
    """The lines above a table, each as one text."""
    return ["".join(row) for row in rows]


def in_ten_thousands(rows: Iterable[Iterable[str]]) -> bool:
    """Whether a line above the table says that amounts are in 万元."""
    return any("单位万元" in text or "单位人民币万元" in text for text in (fold("".join(row)) for row in rows))
