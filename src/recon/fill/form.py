"""How a fill-in sheet looks: labelled cells, sections with dropdowns and hints, yellow where one is to type."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from recon.reading.filled import Field

FONT = {"font_name": "Microsoft YaHei", "font_size": 10, "valign": "vcenter"}
INPUT, HEADER, INK, RULE, FAINT, DRAFT, DOUBT = (
    "#FFF8DC", "#1F4E78", "#FFFFFF", "#C9B458", "#6E7781", "#F6F6F6", "#C00000")
_NUMBERS = {"money": "#,##0.00", "day": "yyyy-mm-dd", "month": "@", "text": "@", "word": "@"}
_EARLIEST, _LATEST = date(1990, 1, 1), date(2199, 12, 31)
_MOST = 99_999_999.99


@dataclass
class Form:
    """One fill-in sheet while it is written; ``row`` is the next free row (from 0)."""

    book: Any
    page: Any
    lang: str
    row: int = 0
    editable: bool = True
    _made: dict[tuple[tuple[str, Any], ...], Any] = field(default_factory=dict)

    def style(self, **properties: Any) -> Any:
        """A cell format on the house font, each made once."""
        key = tuple(sorted(properties.items()))
        if key not in self._made:
            self._made[key] = self.book.add_format({**FONT, **properties})
        return self._made[key]

    def say(self, zh: str, en: str) -> str:
        """The text in the sheet's language."""
        return zh if self.lang == "zh" else en

    def title(self, text: str) -> None:
        """The first line, by which the sheet is recognised."""
        self.page.write_string(self.row, 0, text, self.style(bold=True, font_size=14, font_color=HEADER))
        self.page.set_row(self.row, 24)
        self.row += 1

    def note(self, text: str, *, bold: bool = False) -> None:
        """One line of explanation."""
        self.page.write_string(self.row, 0, text, self.style(font_color=FAINT, bold=bold))
        self.row += 1

    def gap(self, rows: int = 1) -> None:
        """Empty rows."""
        self.row += rows

    def identity(self, fields: Sequence[Field], values: Mapping[str, object], *, left: int = 0) -> None:
        """Labelled cells, two to a line from column ``left`` on: label, cell, an empty column, label, cell."""
        for at, each in enumerate(fields):
            row, column = self.row + at // 2, left + (at % 2) * 3
            label = self.style(bold=True, align="right")
            self.page.write_string(row, column, self.say(each.zh, each.en), label)
            self._cell(row, column + 1, each, values.get(each.name))
            self._check(row, column + 1, row, column + 1, each)
        self.row += (len(fields) + 1) // 2

    def section(
        self, title: str, fields: Sequence[Field], rows: Sequence[Mapping[str, object]], *, blank: int = 0,
        left: int = 0, doubtful: Collection[int] = (),
    ) -> int:
        """A section from column ``left`` on: its title, header, given rows and blank ones; the row of the first.

        ``doubtful`` rows are shown in red.
        """
        self.page.write_string(self.row, left, title, self.style(bold=True, font_size=11, font_color=HEADER))
        self.row += 1
        head = self.style(bold=True, bg_color=HEADER, font_color=INK, border=1, border_color=RULE, text_wrap=True,
                          align="center")
        for at, each in enumerate(fields):
            self.page.write_string(self.row, left + at, self.say(each.zh, each.en), head)
        self.page.set_row(self.row, 30)
        first = self.row + 1
        for at in range(len(rows) + blank):
            values = rows[at] if at < len(rows) else {}
            for column, each in enumerate(fields):
                self._cell(first + at, left + column, each, values.get(each.name), doubtful=at in doubtful)
        last = first + len(rows) + blank - 1
        for column, each in enumerate(fields):
            if last >= first:
                self._check(first, left + column, last, left + column, each)
        self.row = last + 1
        return first

    def widths(self, fields: Sequence[Field], *, left: int = 0, least: Mapping[int, float] | None = None) -> None:
        """Columns wide enough for a section; ``least`` by column where something else needs more."""
        for column, each in enumerate(fields, start=left):
            self.page.set_column(column, column, max(each.width, (least or {}).get(column, 0)))

    def _cell(self, row: int, column: int, each: Field, value: object, *, doubtful: bool = False) -> None:
        style = self.style(bg_color=INPUT if self.editable else DRAFT, border=1, border_color=RULE,
                           num_format=_NUMBERS[each.kind], **({} if self.editable else {"italic": True}),
                           **({"font_color": DOUBT} if doubtful else {}),
                           **({"shrink": True} if each.name == "sha256" else {}),
                           align="right" if each.kind == "money" else "left")
        if value is None or value == "":
            self.page.write_blank(row, column, None, style)
        elif isinstance(value, date):
            self.page.write_datetime(row, column, value, style)
        elif isinstance(value, int) and each.kind == "money":
            self.page.write_number(row, column, value / 100, style)  # fen as a spreadsheet's yuan: exact to the fen
        elif each.kind == "word":
            names = each.words.get(str(value))
            self.page.write_string(row, column, self.say(*names) if names else str(value), style)
        else:
            self.page.write_string(row, column, str(value), style)

    def _check(self, row: int, column: int, last_row: int, last_column: int, each: Field) -> None:
        """A dropdown, or the kind of value a cell takes, with a hint; for days a warning only: text is a way out."""
        if not self.editable:
            return
        hint = self.say(*each.hint)
        options: dict[str, Any] = {"ignore_blank": True}
        if hint:
            options |= {"input_title": self.say(each.zh, each.en)[:32], "input_message": hint[:255]}
        if each.kind == "word":
            options |= {"validate": "list", "source": [self.say(*names) for names in each.words.values()],
                        "error_title": self.say("请从列表里选", "Choose from the list"),
                        "error_message": self.say("请从列表里选一项。", "Please choose one of the list.")}
        elif each.kind == "money":
            options |= {"validate": "decimal", "criteria": "between", "minimum": -_MOST, "maximum": _MOST,
                        "error_title": self.say("要填数字", "A number, please"),
                        "error_message": self.say("请填金额，单位元，例如 120.00。", "An amount in yuan, like 120.00.")}
        elif each.kind == "day":
            options |= {"validate": "date", "criteria": "between", "minimum": _EARLIEST, "maximum": _LATEST,
                        "error_type": "warning", "error_title": self.say("不是日期", "Not a date"),
                        "error_message": self.say("请填日期，例如 2024-06-12。", "A date, like 2024-06-12.")}
        elif hint:
            options |= {"validate": "any"}
        else:
            return
        self.page.data_validation(row, column, last_row, last_column, options)
