"""Rows of a sheet, a row at a time: through XlsxWriter's cells, or, in a streamed workbook, straight into its file.

XlsxWriter spends some ten microseconds on a cell: checks, a tuple, a look at its type, escapes of every attribute. A
report on ten thousand people has three million cells. Where the workbook is streamed (``constant_memory``) a whole row
is put down here in the very bytes that XlsxWriter would write (tests/test_stream.py compares them), at a tenth of the
price; column widths, filters, heights, charts and the package stay XlsxWriter's.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any

from xlsxwriter.utility import xl_col_to_name

Cell = str | int | float | None
WriteRow = Callable[[int, Sequence[Cell], Sequence[Any]], None]

_MARKUP = re.compile("[&<>]")
_ESCAPED_ALREADY = re.compile("(_x[0-9a-fA-F]{4}_)")
# What of XlsxWriter's inside the quick way stands on; without one of them rows are written cell by cell.
_NEEDED = ("_write_single_row", "_write_row", "_check_dimensions", "row_data_fh", "previous_row", "row_info", "table")


def row_writer(sheet: Any) -> WriteRow:
    """A function (row, values, formats) that writes a row of ``sheet`` from its first column on.

    Values are text, numbers or None for a styled blank; each has a format. Rows come from top to bottom.
    """
    if getattr(sheet, "constant_memory", False) and all(hasattr(sheet, name) for name in _NEEDED):
        return _streamed(sheet)

    def write(row: int, values: Sequence[Cell], styles: Sequence[Any]) -> None:
        for place, (value, style) in enumerate(zip(values, styles, strict=True)):
            if value is None:
                sheet.write_blank(row, place, None, style)
            elif isinstance(value, str):
                sheet.write_string(row, place, value, style)
            else:
                sheet.write_number(row, place, value, style)

    return write


def _streamed(sheet: Any) -> WriteRow:
    letters: list[str] = []
    numbers: dict[int, int] = {}  # of the formats, by identity: they live as long as the workbook

    def write(row: int, values: Sequence[Cell], styles: Sequence[Any]) -> None:
        count = len(values)
        while len(letters) < count:
            letters.append(xl_col_to_name(len(letters)))
        if row > sheet.previous_row:
            sheet._write_single_row(row)  # what was written cell by cell above
        assert not sheet.table.get(row), "a row is written once"
        if sheet._check_dimensions(row, 0) or sheet._check_dimensions(row, count - 1):
            return
        # Taken out: at the next row XlsxWriter would otherwise write an empty row of this height.
        sheet._write_row(row, None, sheet.row_info.pop(row, None))
        parts = []
        for letter, value, style in zip(letters, values, styles, strict=False):
            number = numbers.get(id(style))
            if number is None:
                number = numbers[id(style)] = style._get_xf_index()
            place = f'<c r="{letter}{row + 1}" s="{number}"'
            if value is None:
                parts.append(f"{place}/>")
            elif isinstance(value, str):
                parts.append(f'{place} t="inlineStr"><is><t{_text(value)}</t></is></c>')
            else:
                parts.append(f"{place}><v>{value:.16G}</v></c>")
        parts.append("</row>")
        sheet.row_data_fh.write("".join(parts))

    return write


def _text(text: str) -> str:
    """``text`` inside a cell, with the end of the tag before it, which says whether blanks at the ends are kept."""
    if "_x" in text:
        text = _ESCAPED_ALREADY.sub(r"_x005F\1", text)
    keep = ' xml:space="preserve">' if text[:1].isspace() or text[-1:].isspace() else ">"
    if _MARKUP.search(text):
        text = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return keep + text
