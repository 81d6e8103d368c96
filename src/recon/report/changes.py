"""The sheet 为什么变少了: by cause, as charts over time, by what the policy alone says, and change by change."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import Any

import polars as pl

from recon.labels import STEP_CAUSES
from recon.report.paper import (
    Book,
    Column,
    clean,
    line_count,
    line_height,
    part_name,
    put,
    write_header,
    write_rows,
    write_table,
)
from recon.report.sheets import shown_id, shown_text
from recon.report.view import RunView, split_evidence
from recon.report.why import OF_A_RULE, before_sentence, paragraph
from recon.report.words import Words, yuan

CHARTED_PEOPLE = 5
LABELLED_STEPS, LABELS_APART = 4, 3  # the largest steps of a chart carry words, if so many months lie between them
_CHART_WIDTH, _CHART_HEIGHT, _ROW_PX, _CHARTS_ACROSS = 640, 300, 20, 2
_WIDTHS = (11, 11, 13, 12, 10, 13, 13, 12, 74, 30, 26)
_CHANGE = ["person_id", "region", "accrual_month"]
_INK = {"due": "#1F4E78", "credited": "#7FB35A", "fall": "#C00000", "rise": "#6B5000"}


@dataclass(frozen=True)
class _Series:
    """One chart: months with what was due, what came, and at the months of a step its text."""

    title: str
    rows: list[tuple[date, int | None, int | None, str]]


def write_changes(book: Book, view: RunView, who: pl.DataFrame) -> None:
    """The whole sheet; left out when nothing changed and the policy alone says nothing either."""
    step, before = view.table("step"), view.rules_before
    early = before if before is not None and before.height else None
    if not step.height and early is None:
        return
    words = book.words
    named = who.select("number", "person_id", "employee_no", "person_name")
    step = step.join(named, on="person_id", how="left").sort("number", "accrual_month", maintain_order=True)
    sheet = book.sheet(words("changes"))
    for place, width in enumerate(_WIDTHS):
        sheet.set_column(place, place, width)
    sheet.write_string(0, 0, clean(_lead(words, step), words), book.styles.title)
    row = 2
    charts: list[tuple[int, int, _Series]] = []
    if step.height:
        row = _by_cause(book, sheet, row, step) + 1
        series = _series(view, step, words)
        for place, one in enumerate(series):
            charts.append((row + place // _CHARTS_ACROSS * (_CHART_HEIGHT // _ROW_PX + 1), place % _CHARTS_ACROSS, one))
        row += -(-len(series) // _CHARTS_ACROSS) * (_CHART_HEIGHT // _ROW_PX + 1) + 1
    if early is not None:
        row = _by_rule(book, view, sheet, row, early) + 1
    if not step.height:
        return
    row = _details(book, view, sheet, row, step, reserved=sum(len(one.rows) + 3 for *_, one in charts)) + 1
    for top, across, one in charts:
        row = _chart(book, sheet, row, one, top, across)


def _lead(words: Words, step: pl.DataFrame) -> str:
    changes = step.unique(_CHANGE)
    fell = changes.filter(pl.col("to_fen") < pl.col("from_fen"))
    return words("changes_lead", people=changes["person_id"].n_unique(), changes=changes.height,
                 fell=fell["person_id"].n_unique())


def _by_cause(book: Book, sheet: Any, top: int, step: pl.DataFrame) -> int:
    """People and sums by cause, in the order in which causes are substituted; the row below comes back."""
    words, styles = book.words, book.styles
    sums = step.group_by("cause").agg(
        pl.col("person_id").n_unique().alias("people"), pl.len().alias("count"),
        pl.col("amount_fen").filter(pl.col("amount_fen") > 0).sum().alias("more"),
        pl.col("amount_fen").filter(pl.col("amount_fen") < 0).sum().alias("less"), pl.col("amount_fen").sum(),
    )
    found = {row["cause"]: row for row in sums.iter_rows(named=True)}
    heads = [words("cause"), "", "", *map(words, ("people", "times", "more", "less", "change"))]
    write_header(book, sheet, top, heads, _WIDTHS)
    sheet.merge_range(top, 0, top, 2, words("cause"), styles.header)
    row = top + 1
    for cause in STEP_CAUSES:
        if cause in found:
            one = found[cause]
            sheet.merge_range(row, 0, row, 2, words.step(cause), styles.cell("text"))
            for place, (kind, key) in enumerate(
                [("int", "people"), ("int", "count"), ("money", "more"), ("money", "less"), ("money", "amount_fen")], 3
            ):
                put(book, sheet, row, place, kind, one[key], styles.cell(kind))
            row += 1
    sheet.write_string(row, 0, words("changes_order"), styles.note)
    return row + 1


def _by_rule(book: Book, view: RunView, sheet: Any, top: int, early: pl.DataFrame) -> int:
    """What the policy alone says of the time before the records: one line per region and rule; the row below."""
    words = book.words
    _section(book, sheet, top, words("before_title"))
    row = top + 1
    groups = early.sort("region", "since", "from_share", "first_month").group_by(
        "region", "since", "policy_ref", "from_share", "to_share", maintain_order=True).agg(
        pl.col("person_id").n_unique().alias("people"), pl.col("first_month").min(),
        pl.exclude("person_id", "first_month").first())
    for one in groups.iter_rows(named=True):
        several = one["people"] > 1
        sentence = before_sentence(view, one | ({"from_fen": None} if several else {}))
        place = view.region_names.get(one["region"] or "", one["region"] or "")
        text = words("before_line", region=place, people=one["people"], sentence=sentence)
        _line(book, sheet, row, text)
        row += 1
    return row


def _line(book: Book, sheet: Any, row: int, text: str) -> None:
    """A text across the sheet, wrapped, so that it prints within the width of the table."""
    sheet.set_row(row, line_height(line_count(text, sum(_WIDTHS))))
    sheet.merge_range(row, 0, row, len(_WIDTHS) - 1, clean(text, book.words), book.styles.make(
        text_wrap=True, valign="top"))


def _details(book: Book, view: RunView, sheet: Any, top: int, step: pl.DataFrame, *, reserved: int) -> int:
    """One row per change, with its paragraph; the row below. What does not fit goes on in further sheets."""
    words = book.words
    columns = [
        Column(words("employee_no")), Column(words("person_name")), Column(words("person_id"), "id"),
        Column(words("region")), Column(words("accrual_month"), "month"), Column(words("from_amount"), "money"),
        Column(words("to_amount"), "money"), Column(words("change"), "money"), Column(words("why_changed"), "long"),
        Column(words("policy_ref"), "long"), Column(words("sources"), "long"),
    ]
    rows = [_detail(view, rows) for rows in _changes(step)]
    room = max(book.sheet_rows - top - 2 - reserved, 1)
    _section(book, sheet, top, words("change_by_change"))
    bottom = write_rows(book, sheet, top + 1, columns, rows[:room], is_filtered=True, widths=_WIDTHS)
    sheet.autofilter(top + 1, 0, max(bottom - 1, top + 2), len(columns) - 1)
    if rows[room:]:
        write_table(book, part_name(words("changes"), 1), columns, rows[room:], frozen=2)
    return bottom


def _detail(view: RunView, rows: list[dict[str, Any]]) -> tuple[Any, ...]:
    one = rows[0]
    sources = list(dict.fromkeys(row_id for row in rows for row_id in split_evidence(row["evidence"])[1]))
    return (
        one["employee_no"], one["person_name"], shown_id(view, one["person_id"]),
        view.region_names.get(one["region"] or "", one["region"]), one["accrual_month"], one["from_fen"], one["to_fen"],
        one["to_fen"] - one["from_fen"], paragraph(view, rows, with_rules=False),
        "\n".join(dict.fromkeys(
            view.policy_refs.get(ref, ref) if row["cause"] in OF_A_RULE else ref
            for row in rows if (ref := row["policy_ref"]))),
        "\n".join(shown_text(view, row_id) for row_id in sources),
    )


def _changes(step: pl.DataFrame) -> Iterable[list[dict[str, Any]]]:
    """The rows of each change, in the order of the frame."""
    groups: dict[tuple[Any, ...], list[dict[str, Any]]] = {}
    for row in step.iter_rows(named=True):
        groups.setdefault(tuple(row[name] for name in _CHANGE), []).append(row)
    return groups.values()


def _section(book: Book, sheet: Any, row: int, title: str) -> None:
    for place in range(len(_WIDTHS)):
        sheet.write_blank(row, place, None, book.styles.section)
    sheet.write_string(row, 0, title, book.styles.section)


# --- the charts ---------------------------------------------------------------------------------------------------


def _series(view: RunView, step: pl.DataFrame, words: Words) -> list[_Series]:
    """All accounts together first (where there are several), then those whose credit fell most."""
    changes = step.unique(_CHANGE, keep="first", maintain_order=True).with_columns(
        (pl.col("to_fen") - pl.col("from_fen")).alias("change"))
    fell = changes.group_by("person_id", "region").agg(
        pl.col("change").min(), pl.col("number").first(), pl.col("person_name", "employee_no").first(),
    ).sort("change", "number", "region")
    accounts = changes.select("person_id", "region").unique()
    month = view.table("month").join(accounts, on=["person_id", "region"], how="semi", nulls_equal=True)
    found = []
    if accounts.height > 1:
        title = words("everybody_chart", count=accounts.height)
        found.append(_Series(title, _like_for_like(month, step, _marks(step, words, many=True))))
    for one in fell.head(CHARTED_PEOPLE).iter_rows(named=True):
        same = pl.col("person_id").eq(one["person_id"]) & pl.col("region").eq_missing(pl.lit(one["region"]))
        name = " ".join(filter(None, (one["person_name"], one["employee_no"]))) or words("person_chart")
        found.append(_Series(name, _points(month.filter(same), _marks(step.filter(same), words, many=False))))
    return found


def _points(month: pl.DataFrame, marks: dict[date, str]) -> list[tuple[date, int | None, int | None, str]]:
    """Per month of one account what was due and what came, where the due is known."""
    known = month.filter(pl.col("expected_fen") > 0).group_by("accrual_month").agg(
        pl.col("expected_fen").sum(), pl.col("credited_fen").fill_null(0).sum()).sort("accrual_month")
    return [(day, due, came, marks.get(day, "")) for day, due, came in known.iter_rows()]


def _like_for_like(
    month: pl.DataFrame, step: pl.DataFrame, marks: dict[date, str]
) -> list[tuple[date, int | None, int | None, str]]:
    """The average monthly due of the same accounts throughout: who joins or leaves moves nothing, only steps do.

    From the last amount of every account, less the steps that came after each month; half-up to the fen.
    """
    last = step.sort("accrual_month").group_by("person_id", "region").agg(pl.col("to_fen").last())
    now, count = int(last["to_fen"].sum()), last.height
    moved = dict(step.group_by("accrual_month").agg(pl.col("amount_fen").sum()).iter_rows())
    points: list[tuple[date, int | None, int | None, str]] = []
    for day in month["accrual_month"].unique().sort(descending=True).to_list():
        points.append((day, (2 * now + count) // (2 * count), None, marks.get(day, "")))
        now -= moved.get(day, 0)
    return points[::-1]


def _marks(step: pl.DataFrame, words: Words, *, many: bool) -> dict[date, str]:
    """What a step is called beside its mark: causes with their sums, or for many with how many people they hit."""
    summed = step.group_by("accrual_month", "cause").agg(
        pl.col("amount_fen").sum(), pl.col("person_id").n_unique().alias("people"),
    ).sort("accrual_month", pl.col("amount_fen").abs(), "cause", descending=[False, True, False])
    texts: dict[date, list[str]] = {}
    sizes: dict[date, int] = {}
    for day, cause, fen, people in summed.iter_rows():
        sizes[day] = sizes.get(day, 0) + fen
        told = words("people_count", count=people) if many else f"{'+' if fen > 0 else '−'}{yuan(abs(fen))}"
        texts.setdefault(day, []).append(f"{words.step(cause)} {told}")
    worded: list[date] = []
    for day in sorted(sizes, key=lambda day: (-abs(sizes[day]), day)):
        apart = all(abs((day.year - one.year) * 12 + day.month - one.month) >= LABELS_APART for one in worded)
        if apart and len(worded) < LABELLED_STEPS:
            worded.append(day)
    # Every step has its mark, one without words too.
    return {day: lines[0] if day in worded else " " for day, lines in texts.items()}


def _chart(book: Book, sheet: Any, top: int, series: _Series, chart_row: int, across: int) -> int:
    """The figures of a chart from row ``top`` on, and the chart itself above them; the row below comes back."""
    words, styles = book.words, book.styles
    _section(book, sheet, top, words("chart_data", title=series.title))
    heads = [words("accrual_month"), words("expected"), words("credited"), words("less"), words("more")]
    for place, head in enumerate(heads):
        sheet.write_string(top + 1, place, head, styles.header)
    first = top + 2
    was = None
    for row, (day, due, came, mark) in enumerate(series.rows, start=first):
        fell = was is not None and due is not None and due < was
        put(book, sheet, row, 0, "month", day, styles.cell("month"))
        put(book, sheet, row, 1, "money", due, styles.cell("money"))
        put(book, sheet, row, 2, "money", came, styles.cell("money"))
        put(book, sheet, row, 3, "money", due if mark and fell else None, styles.cell("money"))
        put(book, sheet, row, 4, "money", due if mark and not fell else None, styles.cell("money"))
        was = due
    last = first + len(series.rows) - 1
    if series.rows:
        _draw(book, sheet, series, (first, last), chart_row, across)
    return last + 2


def _draw(book: Book, sheet: Any, series: _Series, rows: tuple[int, int], chart_row: int, across: int) -> None:
    words, name = book.words, sheet.get_name()
    months = [name, rows[0], 0, rows[1], 0]

    def values(column: int) -> list[Any]:
        return [name, rows[0], column, rows[1], column]

    chart = book.workbook.add_chart({"type": "line"})
    if any(came is not None for *_, came, _ in series.rows):
        chart.add_series({
            "name": words("credited"), "categories": months, "values": values(2),
            "line": {"color": _INK["credited"], "width": 1.5, "dash_type": "square_dot"},
        })
    chart.add_series({
        "name": words("expected"), "categories": months, "values": values(1),
        "line": {"color": _INK["due"], "width": 2.25},
    })
    labels = [{"value": mark} if mark.strip() else {"delete": True} for *_, mark in series.rows]
    for column, key, ink, position in ((3, "less", "fall", "below"), (4, "more", "rise", "above")):
        chart.add_series({
            "name": words(key), "categories": months, "values": values(column), "line": {"none": True},
            "marker": {"type": "diamond", "size": 9, "fill": {"color": _INK[ink]}, "border": {"color": _INK[ink]}},
            "data_labels": {"value": True, "custom": labels, "position": position,
                            "font": {"size": 8, "color": _INK[ink]}},
        })
    chart.show_blanks_as("gap")
    chart.set_title({"name": series.title, "name_font": {"size": 11, "bold": True}, "overlay": False})
    chart.set_legend({"position": "bottom"})
    top = max((value for _, due, came, _ in series.rows for value in (due, came) if value), default=0)
    chart.set_y_axis({"name": words("yuan_month"), "min": 0, "max": _round_up(top), "num_format": "#,##0",
                      "major_gridlines": {"visible": True, "line": {"color": "#E5E5E5"}}})
    chart.set_x_axis({"num_format": "yyyy-mm", "text_axis": True, "num_font": {"rotation": -45, "size": 8}})
    chart.set_size({"width": _CHART_WIDTH, "height": _CHART_HEIGHT})
    sheet.insert_chart(chart_row, 0, chart, {"x_offset": 6 + across * (_CHART_WIDTH + 12), "object_position": 2})


def _round_up(fen: int) -> int:
    """A round number of yuan well above ``fen``, so that the labels of the steps have room."""
    wanted = -(-fen * 13 // 1000)  # yuan, with a third on top
    size = int("1" + "0" * (len(str(max(wanted, 1))) - 1))
    return max(-(-wanted // size) * size, 1)
