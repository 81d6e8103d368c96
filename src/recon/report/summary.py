"""汇总, the first sheet: what to do today, what waits, what cannot be told, what was looked at, and the proof."""

from __future__ import annotations

from datetime import date
from typing import Any

import polars as pl

from recon.labels import PAYROLL_SAID, STATUSES
from recon.report.paper import Book, Toned, line_count, line_height, part_name, put, write_header
from recon.report.sheets import GridShape
from recon.report.style import TONES
from recon.report.view import (
    SCOPE_CAUSE,
    RunView,
    TieOut,
    counts,
    covered,
    employers,
    groups,
    headcount,
    legs,
    only_credited,
    payroll_ties,
    since_counts,
    tie_out,
    unmatched_credits,
)
from recon.report.words import yuan

_WIDTHS = (35, 18, 26, 8, 8, 18, 19, 50, 11)
_LAST = len(_WIDTHS) - 1
_FILE_ORDER = ("read", "partly_read", "no_rows", "unreadable", "ambiguous", "unknown", "identical", "own_output")
_CHART_PEOPLE = 200
_CHART_WIDTH, _CHART_HEIGHT = 760, 330
# Up to this height the sheet is printed on one page rather than broken in its last part: an A4 page holds about 780
# points at the scale that fits the width, and a fifth smaller is still readable.
_NEARLY_ONE_PAGE = 1000
_ROW_PX = 20  # of a row that nobody made higher


class _Page:
    """The sheet with a cursor: every method writes one row and moves down."""

    def __init__(self, book: Book, sheet: Any) -> None:
        self.book, self.sheet, self.row = book, sheet, 0
        self.points = 0.0  # what the rows with a height of their own take, and how many there are
        self.high_rows = 0
        for place, width in enumerate(_WIDTHS):
            sheet.set_column(place, place, width)

    def text(self, text: str, style: Any, height: float | None = None) -> None:
        """One line across all columns."""
        if height:
            self.height(height)
        self.sheet.merge_range(self.row, 0, self.row, _LAST, text, style)
        self.row += 1

    def height(self, points: float) -> None:
        """The height of the row about to be written."""
        self.sheet.set_row(self.row, points)
        self.points += points
        self.high_rows += 1

    @property
    def printed_points(self) -> float:
        """How high the sheet is on paper, before scaling."""
        return self.points + (self.row - self.high_rows) * _ROW_PX * 0.75

    def section(self, text: str) -> None:
        """The line above a part, after a gap."""
        self.row += 1
        self.text(text, self.book.styles.section, 20)

    def header(self, *titles: str) -> None:
        """Column titles."""
        write_header(self.book, self.sheet, self.row, titles, _WIDTHS)
        self.row += 1

    def cells(self, *values: tuple[str, Any]) -> None:
        """One row of (kind, value); the height fits the wrapped sentences."""
        lines = 1
        for place, (kind, value) in enumerate(values):
            tone = value.tone if isinstance(value, Toned) else ""
            plain = value.value if isinstance(value, Toned) else value
            put(self.book, self.sheet, self.row, place, kind, plain, self.book.styles.cell(kind, tone))
            if kind == "long":
                lines = max(lines, line_count(plain, _WIDTHS[place]))
        self.height(line_height(lines))
        self.row += 1


def write(book: Book, view: RunView, who: pl.DataFrame, listed: pl.DataFrame, shape: GridShape) -> None:
    """The whole sheet; ``listed`` are the rows of the exceptions sheet, for the jumps; ``shape`` for the chart."""
    sheet = book.sheet(book.words("summary"))
    page = _Page(book, sheet)
    proof = tie_out(view, unmatched_credits(view, who))
    _head(page, view, proof)
    _todo(page, listed)
    _waiting(page, view)
    _unknown(page, view)
    _looked_at(page, view)
    top = page.row
    _tie_out(page, proof, view)
    _chart(page, shape, top + 2)
    page.row += 1
    page.text(book.words("sign_off"), book.styles.plain, 24)
    if page.printed_points < _NEARLY_ONE_PAGE:
        sheet.fit_to_pages(1, 1)
    sheet.freeze_panes(2, 0)
    sheet.activate()


def _head(page: _Page, view: RunView, proof: TieOut) -> None:
    words, styles = page.book.words, page.book.styles
    names = employers(view)
    company = names[0] if len(names) == 1 else (
        words("and_more", first=names[0], count=len(names)) if names else words("no_employer"))
    count = headcount(view)
    parts = [company, words("one_person" if count == 1 else "people_count", count=f"{count:,}")]
    first, last = covered(view)
    if first and last:
        parts.append(words("period", first=f"{first:%Y-%m}", last=f"{last:%Y-%m}"))
    parts.append(words("as_of", day=view.as_of.isoformat()))
    page.text(f"{words('title')}  │  {company}", styles.title, 26)
    headline = words(
        "headline", expected=yuan(proof.expected_fen), credited=yuan(proof.credited_known_fen),
        difference=yuan(proof.expected_fen - proof.credited_known_fen),
    )
    shares = [(words.status(status), proof.short_fen[status]) for status in STATUSES if proof.short_fen.get(status)]
    if shares:
        headline += words("of_which", shares=words.join([f"{name} {yuan(fen)}" for name, fen in shares]))
    page.text("  │  ".join([*parts[1:], headline]), styles.plain, 18)
    if view.since is not None:
        told = [words("since_part", what=words.event(event), count=count)
                for event, count in since_counts(view).items() if count]
        page.text(words("since_line", day=view.since.as_of, told=words.join(told) or words("since_nothing"),
                        sheet=words("since")), styles.plain)


def _todo(page: _Page, listed: pl.DataFrame) -> None:
    words = page.book.words
    rows = groups(listed, "open")
    page.section(words("todo", count=rows.height))
    accepted = listed.filter((pl.col("decision") == "accepted") & (pl.col("status") == "open")).height
    if accepted:
        page.text(words("accepted_line", count=accepted), page.book.styles.note)
    if not rows.height:
        page.text(words("nothing_todo"), page.book.styles.plain)
        return
    page.header(*(words(key) for key in (
        "item", "employer", "months", "people", "person_months", "sum", "owner", "action", "jump")))
    for row in rows.iter_rows(named=True):
        is_payroll = row["basis"] == "payroll" and row["label"] in PAYROLL_SAID
        said = words.label(row["label"]) if is_payroll else words.verdict(row["verdict"])
        item = words("cause_of", verdict=said, cause=words.cause(row["label"], row["cause"]))
        company = row["employer"] if row["employers"] < 2 else words(
            "and_more", first=row["employer"], count=row["employers"])
        tone = row["verdict"] if row["verdict"] in TONES else ""
        page.cells(
            ("long", Toned(item, tone)), ("long", company), ("long", words.months(row["months"])),
            ("int", row["people"]), ("int", row["parts"]),
            ("estimate" if row["estimated"] else "money", row["stake_fen"] or None),
            ("long", words.owner(row["owner"])), ("long", _advice(page, row)),
        )
        _jump(page, row["row"])


def _advice(page: _Page, row: dict[str, Any]) -> str:
    """The action of a lone part; of several the cause's, with their months and total."""
    words = page.book.words
    lone = row["parts"] == 1
    if lone and row["action"] and words.lang == "zh":
        return str(row["action"])
    general = words.action(
        row["label"], row["cause"], month=words.months(row["months"]), amount=yuan(row["stake_fen"]),
        arrived=_day(row["arrived_on"]) if lone else words("see_list"),
        due=(_month(row["due_month"]) if lone else "") or words("due_month"), region="",
    )
    return general or row["action"] or ""


def _jump(page: _Page, place: int) -> None:
    """A link to the group's first row on the exceptions sheet, on the row just written."""
    words = page.book.words
    room = page.book.sheet_rows - 1
    name, row = part_name(words("exceptions"), place // room), place % room + 2
    page.sheet.write_url(
        page.row - 1, _LAST, f"internal:'{name}'!A{row}", page.book.styles.link,
        words("see", sheet=name, row=row),
    )


def _waiting(page: _Page, view: RunView) -> None:
    words = page.book.words
    rows = counts(view, "pending")
    page.section(words("waiting"))
    if not rows.height:
        page.text(words("nothing_waiting"), page.book.styles.plain)
        return
    page.header(*_count_titles(page))
    for row in rows.iter_rows(named=True):
        tone = "overdue" if row["cause"] == "overdue" else "waiting"
        _count(page, row, Toned(words.cause(row["label"], row["cause"]), tone), row["amount_fen"])


def _unknown(page: _Page, view: RunView) -> None:
    words = page.book.words
    rows = counts(view, "unknown")
    lone = only_credited(view)
    page.section(words("unknown"))
    if lone.height:
        who = words("one_person" if lone.height == 1 else "people_count", count=f"{lone.height:,}")
        page.text(words("only_credited", who=who, amount=yuan(int(lone["credit_fen"].sum()))), page.book.styles.note)
    if not rows.height:
        if lone.is_empty():
            page.text(words("nothing_unknown"), page.book.styles.plain)
        return
    page.header(*_count_titles(page))
    for row in rows.iter_rows(named=True):
        scope = row["cause"] == SCOPE_CAUSE
        name = words("scope") if scope else words.cause(row["label"], row["cause"])
        _count(page, row, Toned(name, "cannot_tell"), None)


def _count_titles(page: _Page) -> list[str]:
    keys = ("cause", "", "months", "people", "person_months", "sum", "owner", "action", "")
    return [page.book.words(key) if key else "" for key in keys]


def _count(page: _Page, row: dict[str, Any], name: Toned, certain_fen: int | None) -> None:
    """One cause with its people and months; a certain amount, else the estimate."""
    words = page.book.words
    estimated = not certain_fen and row["estimated_fen"]
    if row["parts"] == 1 and row["action"] and words.lang == "zh":
        advice = row["action"]
    else:
        advice = words.action(
            row["label"], row["cause"], month=words.months(row["months"]), amount=yuan(certain_fen or 0),
            arrived=words("see_list"), due=row["due"] or words("due_month"), region="")
    page.cells(
        ("long", name), ("text", None), ("long", words.months(row["months"])), ("int", row["people"]),
        ("int", row["parts"]), ("estimate", row["estimated_fen"]) if estimated else ("money", certain_fen or None),
        ("long", words.owner(row["owner"])), ("long", advice), ("text", None),
    )


def _looked_at(page: _Page, view: RunView) -> None:
    words, styles = page.book.words, page.book.styles
    page.section(words("looked_at"))
    page.header(*(words(key) if key else "" for key in (
        "leg", "period_of", "months", "people", "missing_people", "lines", "files", "remark", "")))
    for row in legs(view).iter_rows(named=True):
        absent = row["lines"] == 0
        if absent:
            remark = Toned(words("absent"), "warning")
        elif row["missing"]:
            remark = Toned(words("lacking", count=f"{row['missing']:,}"), "warning")
        else:
            remark = Toned(words("complete") if row["missing"] == 0 else "", "")
        page.cells(
            ("long", words.code("leg", row["leg"])),
            ("text", f"{_month(row['first'])} – {_month(row['last'])}" if row["first"] else None),
            ("text", words("all_months", count=row["months"]) if row["months"] else None),
            ("int", None if absent else row["people"]), ("int", row["missing"]),
            ("int", row["lines"]), ("int", row["files"]), ("long", remark), ("text", None),
        )
    source = view.table("source")
    by_status = sorted(
        source.group_by("status").len().iter_rows(),
        key=lambda row: (_FILE_ORDER.index(row[0]) if row[0] in _FILE_ORDER else len(_FILE_ORDER), row[0] or ""),
    )
    detail = words("list_semicolon").join(f"{words.code('file', status)} {count}" for status, count in by_status)
    page.text(words("files_line", count=source.height, detail=detail), styles.plain)
    severity = dict(view.table("problem")["severity"].value_counts().iter_rows())
    page.text(words(
        "problems_line", sheet=words("problems"),
        **{name: severity.get(name, 0) for name in ("error", "warning", "info")},
    ), styles.plain)
    if view.edition == "hr":
        page.text(words("hr_edition"), styles.note)


def _tie_out(page: _Page, proof: TieOut, view: RunView) -> None:
    words = page.book.words
    page.section(words("tie_out"))
    page.header(words("item"), words("sum_exact"), words("check"))

    def line(item: str, fen: int | None, check: Toned | str | None = None) -> None:
        page.cells(("long", item), ("money", fen), ("text", check))

    line(words("tie_contributed"), proof.contributed_fen)
    line(words("tie_on_time"), proof.on_time_fen)
    for label, fen, months in proof.parts:
        line(words("tie_part", label=words.label(label)), fen, words("tie_count", count=f"{months:,}"))
    off = words("tie_months_off", off=proof.months_off) if proof.months_off else words(
        "tie_months_ok", count=f"{proof.months:,}")
    line(words("tie_rest"), proof.rest_fen, Toned(off, "good" if proof.is_identity else "bad"))
    for item, fen, rest in payroll_ties(view):
        line(words(item), fen, _check(page, rest))
    line(words("tie_links"), proof.linked_fen, _check(page, proof.linked_fen - proof.credited_fen))
    line(words("tie_flow"), proof.credits_fen,
         _check(page, proof.credits_fen - proof.linked_fen - proof.loose_fen))
    if proof.changed_fen is not None:
        line(words("tie_bridge"), proof.changed_fen, _check(page, proof.bridge_off_fen))
        none = Toned(words("tie_known"), "good")
        line(words("tie_unexplained"), proof.unexplained_fen, none if not proof.unexplained_fen else Toned(
            words("tie_unknown", sheet=words("balances")), "warning"))
    page.cells(("long", words("tie_rows")), ("int", proof.rows_read), (
        "text", _check(page, proof.rows_read - proof.rows_counted, is_money=False)))


def _check(page: _Page, rest: int, *, is_money: bool = True) -> Toned:
    words = page.book.words
    if rest == 0:
        return Toned(words("equal"), "good")
    return Toned(words("differs", amount=yuan(rest) if is_money else rest), "bad")


def _chart(page: _Page, shape: GridShape, top: int) -> None:
    """Months by state, as a native chart beside the tie-out, where few enough people are in it to tell by looking."""
    if not 0 < shape.people <= _CHART_PEOPLE or not shape.months:
        return
    words = page.book.words
    grid = words("grid")
    first = len(shape.lead)
    last = first + len(shape.months) - 1
    chart = page.book.workbook.add_chart({"type": "column", "subtype": "stacked"})
    for place, state in enumerate(shape.states):
        row = shape.totals_row + place
        fill, ink = TONES[state]
        chart.add_series({
            "name": [grid, row, 1], "categories": [grid, 1, first, 1, last],
            "values": [grid, row, first, row, last], "fill": {"color": fill}, "border": {"color": ink, "width": 0.5},
            "gap": 40,
        })
    chart.set_title({"name": words("by_month"), "name_font": {"size": 11, "bold": True}, "overlay": False})
    chart.set_legend({"position": "bottom"})
    chart.set_y_axis({"major_gridlines": {"visible": True, "line": {"color": "#E5E5E5"}}, "num_format": "0"})
    chart.set_x_axis({"num_format": "yyyy-mm", "text_axis": True})
    chart.set_size({"width": _CHART_WIDTH, "height": _CHART_HEIGHT})
    page.sheet.insert_chart(top, 3, chart, {"x_offset": 12, "y_offset": 2, "object_position": 1})
    covered_px = (page.row - top) * _ROW_PX
    page.row += max(0, -(-(_CHART_HEIGHT - covered_px) // _ROW_PX))


def _day(day: date | None) -> str:
    return day.isoformat() if day else ""


def _month(month: date | None) -> str:
    return f"{month:%Y-%m}" if month else ""
