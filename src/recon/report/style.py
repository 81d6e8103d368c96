"""How the workbook looks: cell formats by kind and tone, colours by verdict, column widths that fit Chinese text."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass, field
from typing import Any

from recon.labels import VERDICTS

FONT = {"font_name": "Microsoft YaHei", "font_size": 10}
HEADER_FILL, HEADER_INK, RULE, BAND, FAINT = "#1F4E78", "#FFFFFF", "#D0D7DE", "#DDE6EE", "#6E7781"

# The states of a month in the order of the legend: the verdicts, good news first, and two kinds of "received".
STATES = ("received", "received_late", "refund", *[verdict for verdict in VERDICTS if verdict != "received"])

# Fill and ink. Every state also has a word of its own (words.py), so that the grid survives a black-and-white print.
TONES: dict[str, tuple[str, str]] = {
    "received": ("#E3F1DA", "#2E5E1F"),
    "received_late": ("#BFDFA8", "#2E5E1F"),
    "refund": ("#E3F1DA", "#8A5A00"),
    "waiting": ("#DCEBF8", "#1F4E78"),
    "overdue": ("#FBD9B9", "#A04A00"),
    "paid_not_credited": ("#F9B8B8", "#8B0000"),
    "not_paid": ("#DCCDF0", "#4B2380"),
    "no_record": ("#F0C9DE", "#7A1248"),
    "amount_differs": ("#FFE48A", "#6B5000"),
    "no_account": ("#E7E7E7", "#555555"),
    "cannot_tell": ("#F6F6F6", "#7A7A7A"),
    "good": ("#E3F1DA", "#2E5E1F"),
    "bad": ("#F9B8B8", "#8B0000"),
    "error": ("#F9B8B8", "#8B0000"),
    "warning": ("#FFE48A", "#6B5000"),
    "info": ("#F6F6F6", "#7A7A7A"),
}

_NUMBERS = {
    "money": "#,##0.00", "estimate": '"≈"#,##0.00', "day": "yyyy-mm-dd", "month": "yyyy-mm", "int": "#,##0",
    # a count shows nothing for zero
    "count": "#,##0;-#,##0;", "text": "@", "id": "@", "long": "@", "mark": "@",
}
_ALIGNS = {"day": "center", "month": "center", "mark": "center", "money": "right", "estimate": "right", "int": "right",
           "count": "center"}
# Least and greatest width of a column, in characters of the default font.
_WIDTHS = {
    "money": (10, 17), "estimate": (10, 17), "day": (11, 11), "month": (9, 9), "int": (6, 12), "count": (6, 12),
    "text": (6, 28), "id": (9, 24), "long": (8, 30), "mark": (6, 14),
}
_FILTER_BUTTON = 2


@dataclass
class Styles:
    """The formats of one workbook, each made once. ``book`` is the xlsxwriter workbook."""

    book: Any
    _made: dict[tuple[tuple[str, Any], ...], Any] = field(default_factory=dict)

    def make(self, **properties: Any) -> Any:
        """The format with these properties on the house font."""
        key = tuple(sorted(properties.items()))
        if key not in self._made:
            self._made[key] = self.book.add_format({**FONT, "valign": "vcenter", **properties})
        return self._made[key]

    def cell(self, kind: str, tone: str = "", *, bold: bool = False, italic: bool = False) -> Any:
        """A bordered cell of a table: its kind decides number format and alignment, its tone the colours."""
        properties: dict[str, Any] = {
            "num_format": _NUMBERS[kind], "border": 1, "border_color": RULE, "valign": "top",
        }
        if kind in _ALIGNS:
            properties["align"] = _ALIGNS[kind]
        if _ALIGNS.get(kind) == "right":
            properties["indent"] = 1  # so that a figure does not touch the text beside it
        if kind == "long":
            properties["text_wrap"] = True
        if tone:
            properties["bg_color"], properties["font_color"] = TONES[tone]
        return self.make(**properties, **_on(bold=bold, italic=italic))

    @property
    def header(self) -> Any:
        """The header row of a table."""
        return self.make(bold=True, font_color=HEADER_INK, bg_color=HEADER_FILL, border=1, border_color=RULE,
                         align="center", text_wrap=True)

    @property
    def title(self) -> Any:
        """The first line of a sheet."""
        return self.make(bold=True, font_size=14, font_color=HEADER_FILL)

    @property
    def section(self) -> Any:
        """The line above a part of a sheet."""
        return self.make(bold=True, font_size=11, font_color=HEADER_FILL, bg_color=BAND)

    @property
    def note(self) -> Any:
        """A line of free text."""
        return self.make(font_color=FAINT)

    @property
    def plain(self) -> Any:
        """A line of free text that should be read."""
        return self.make()

    @property
    def link(self) -> Any:
        """A jump inside the workbook."""
        return self.make(font_color="#0563C1", underline=1, border=1, border_color=RULE, valign="top", align="center")

    def conditional(self, tone: str) -> Any:
        """Colours only, for a conditional format."""
        fill, ink = TONES[tone]
        return self.book.add_format({"bg_color": fill, "font_color": ink})


def text_width(text: str) -> int:
    """Columns that ``text`` takes: two for a Chinese character; the longest line counts."""
    if text.isascii() and "\n" not in text:
        return len(text)
    return max(
        sum(2 if unicodedata.east_asian_width(char) in "WFA" else 1 for char in line) for line in text.split("\n")
    )


def column_width(kind: str, title: str, longest: int, *, is_filtered: bool, most: int | None = None) -> float:
    """A width that shows the header and, up to ``most`` or the kind's limit, the longest value."""
    least, usual = _WIDTHS[kind]
    head = text_width(title) + (_FILTER_BUTTON if is_filtered else 0)
    return max(least, min(most or usual, longest + 1.5), min(head + 1, 15))


def _on(**flags: bool) -> dict[str, bool]:
    return {name: True for name, is_on in flags.items() if is_on}
