"""The sheets behind the summary: one function each, frames of view.py in, cells out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import Any

import polars as pl

from recon.labels import CAUSES, DECISIONS, LABEL, PAYROLL_SAID, VERDICTS, of_balance, verdict
from recon.problems import CATALOGUE, Problem
from recon.report.mask import mask_id, mask_numbers, number_files
from recon.report.paper import Book, Column, Toned, cell_of, clean, fit, part_name, write_rows, write_table
from recon.report.stream import row_writer
from recon.report.style import STATES, TONES, text_width
from recon.report.view import (
    SOURCES_SHOWN,
    RunView,
    grid,
    links,
    problems,
    since_events,
    split_evidence,
    unmatched_credits,
    unmatched_due,
)
from recon.report.words import Words, yuan

_INPUT_WIDTHS = (15, 40, 20, 20, 12, 12, 11, 10, 12, 12, 16, 19)
_GRID_TAIL = (
    ("open_months", "count"), ("expected_fen", "money"), ("credited_fen", "money"), ("difference_fen", "money"),
)
_WIDE_GRID = 30  # months that still fit one printed page across


# --- exceptions ---------------------------------------------------------------------------------------------------

def write_exceptions(book: Book, view: RunView, listed: pl.DataFrame) -> None:
    """差异: one row per part that someone should look at, worst first."""
    words = book.words
    several = listed["employer"].drop_nulls().n_unique() > 1
    columns = [
        Column(words("employee_no")), Column(words("person_name")), Column(words("person_id"), "id"),
        *([Column(words("employer"), "long", 18)] if several else []),
        Column(words("accrual_month"), "month"), Column(words("expected"), "money"), Column(words("credited"), "money"),
        Column(words("difference"), "money"), Column(words("status")), Column(words("verdict")),
        Column(words("cause"), "long", 20), Column(words("owner"), "long", 14), Column(words("action"), "long", 32),
        Column(words("evidence"), "long", 32), Column(words("sources"), "long", 22),
        Column(words("estimated"), "estimate"), Column(words("confidence"), "long", 16),
        *([Column(words("first_seen"), "text"), Column(words("age_days"), "int")] if view.since else []),
        Column(words("decision"), "text"), Column(words("note"), "long", 24), Column("gap_id"), Column("as_written"),
    ]
    rows = [
        (
            row["employee_no"], row["person_name"], shown_id(view, row["person_id"]),
            *([row["employer"]] if several else []),
            row["accrual_month"], row["expected_fen"], row["credited_fen"], row["difference_fen"],
            words.status(row["status"]), verdict_of(words, row), words.cause(row["label"], row["cause"]),
            words.owner(row["owner"]), action_of(words, row), _evidence(view, words, row), _sources(view, words, row),
            row["estimated_fen"] or None,
            "" if row["basis"] == "balance" else certainty(words, row["confidence"], row["alternatives"]),
            *([row["first_as_of"], row["age_days"]] if view.since else []),
            words.decision(row["decision"]), row["note"], row["gap_id"], row["as_written"],
        )
        for row in listed.iter_rows(named=True)
    ]
    titles = [column.title for column in columns]
    tones = {words.verdict(code): code for code in VERDICTS}
    write_table(
        book, words("exceptions"), columns, rows, frozen=2, tones={titles.index(words("verdict")): tones},
        choices={titles.index(words("decision")): [words.decision(code) for code in DECISIONS]},
        hidden=[titles.index("gap_id"), titles.index("as_written")],
    )


def action_of(words: Words, row: dict[str, Any]) -> str:
    """What to ask whom: the part's own sentence, or, for English readers and where it has none, the cause's."""
    if words.lang == "zh" and row.get("action"):
        return str(row["action"])
    return words.action(
        row["label"], row["cause"], month=_month_text(row["accrual_month"]), amount=yuan(row["stake_fen"]),
        arrived=_day_text(row["arrived_on"]), due=_month_text(row["due_month"]), region=row["region"] or "",
    )


def certainty(words: Words, confidence: str | None, alternatives: str | None) -> str:
    """``已证实``, or ``哪个月未定（也可能是 2024-06）``."""
    text = words.code("", confidence)
    if not alternatives:
        return text
    other = words("or_else", months=words.join([one for one in alternatives.split(";") if one]))
    return f"{text}（{other}）" if words.lang == "zh" else f"{text} ({other})"


def verdict_of(words: Words, row: dict[str, Any]) -> str:
    """The reader's word for a part; what the payroll legs show is called by its label."""
    if row["basis"] == "payroll" and row["label"] in PAYROLL_SAID:
        return words.label(row["label"])
    return words.verdict(_verdict(row))


def _verdict(row: dict[str, Any]) -> str:
    """The verdict of the part, which in a month of several parts is not that of the month."""
    if row["basis"] == "balance":
        return "cannot_tell"
    if row["basis"] != "credit":
        return row["verdict"] or "cannot_tell"
    return verdict(row["label"], row["cause"], row["status"])


def _evidence(view: RunView, words: Words, row: dict[str, Any]) -> str:
    """The part's sentence without its row_ids (they have a column), and what was ruled out before it was named."""
    text, _ = split_evidence(row["evidence"])
    if words.lang == "en" and row["evidence_en"]:
        return shown_text(view, row["evidence_en"])
    if words.lang == "en" and not text.isascii() and row["basis"] == "payroll":
        sums = {name: yuan(row[f"{name}_fen"]) for name in ("deducted", "declared")}
        sums |= {"paid_in": yuan(row["arrived_fen"]), "sum": yuan(abs(row["amount_fen"])) if row["amount_fen"] else ""}
        text = words.join([words(f"fact_{name}", value=value) for name, value in sums.items() if value])
    elif words.lang == "en" and not text.isascii():
        facts = {
            "expected": yuan(row["due_fen"]), "credited": yuan(row["got_fen"]),
            "arrived": _day_text(row["arrived_on"]), "due": _month_text(row["due_month"]),
        }
        text = words.join([words(f"fact_{name}", value=value) for name, value in facts.items() if value])
    if row["counter_check"]:
        text = words("checked", evidence=text, check=row["counter_check"])
    return shown_text(view, text)


def _sources(view: RunView, words: Words, row: dict[str, Any]) -> str:
    """The row_ids that the evidence names, else those behind the month; a few of them, one a line."""
    _, named = split_evidence(row["evidence"])
    rows, count = (named, len(named)) if named else (row.get("sources") or [], row.get("sources_all") or 0)
    lines = [shown_text(view, one) for one in rows[:SOURCES_SHOWN]]
    return "\n".join(lines if count <= len(lines) else [*lines, words("more_rows", count=count)])


def write_since(book: Book, view: RunView, who: pl.DataFrame) -> None:
    """与上次比: what is new, changed, resolved or gone since the last run, and why; nothing without a state."""
    if view.since is None:
        return
    words = book.words
    columns = [
        Column(words("event")), Column(words("employee_no")), Column(words("person_name")),
        Column(words("person_id"), "id"), Column(words("accrual_month")), Column(words("was"), "long", 26),
        Column(words("is_now"), "long", 26), Column(words("amount_was"), "money"), Column(words("amount_now"), "money"),
        Column(words("first_seen")), Column(words("because"), "long", 30),
    ]
    names = who.select("person_id", "employee_no", "person_name")
    rows = [
        (
            words.event(row["event"]), row["employee_no"], row["person_name"], shown_id(view, row["person_id"]),
            (row["accrual_month"] or "")[:7], _told(words, row["label_was"], row["cause_was"], row["status_was"]),
            _told(words, row["label"], row["cause"], row["status"]), row["amount_was"], row["amount_fen"],
            row["first_as_of"], words.join([words.code("because", one) for one in row["why"].split(";")]),
        )
        for row in since_events(view).join(names, on="person_id", how="left").iter_rows(named=True)
    ]
    write_table(book, words("since"), columns, rows, frozen=3)


def _told(words: Words, label: str | None, cause: str | None, status: str | None) -> str | None:
    """``待处理：已缴费，明细中未见划入``."""
    if label is None:
        return None
    return words("cause_of", verdict=words.status(status), cause=words.cause(label, cause))


# --- grid ---------------------------------------------------------------------------------------------------------

@dataclass(frozen=True)
class GridShape:
    """The grid before it is written: its frame, and where the totals by month will stand (for the chart)."""

    rows: pl.DataFrame
    months: list[date]
    lead: list[tuple[str, str]]  # column of the frame, kind of cell
    states: list[str]  # those that occur, in the order of the legend
    totals_row: int  # the row of the first state's totals

    @property
    def people(self) -> int:
        """How many people stand in it."""
        return int(self.rows["person_id"].n_unique())


def grid_shape(book: Book, view: RunView, who: pl.DataFrame) -> GridShape:
    """The grid of the run, with the columns that tell its rows apart and no others."""
    rows, months = grid(view, who)
    lead = [("number", "count"), ("employee_no", "text"), ("person_name", "text"), ("person_id", "id")]
    lead += [(one, "text") for one in ("employer", "region", "scheme") if rows[one].drop_nulls().n_unique() > 1]
    seen: set[str] = set()
    for month in months:
        seen.update(state.rstrip("?") for state in rows[month.isoformat()].drop_nulls().unique())
    states = [state for state in STATES if state in seen]
    return GridShape(rows, months, lead, states, totals_row=2 + rows.height + 2)


def write_grid(book: Book, view: RunView, shape: GridShape) -> None:
    """人×月: one row per account, one cell per month, coloured and worded; legend and totals by month below."""
    words, styles = book.words, book.styles
    heads = [words(name) for name, _ in shape.lead]
    tail_heads = [words(key) for key in ("open_months", "expected", "credited", "difference")]
    room = book.sheet_rows - 2 - 4 - len(shape.states)
    cells = {
        state + doubt: (words(f"state_{state}") + doubt, styles.make(
            align="center", border=1, border_color="#D0D7DE", bg_color=TONES[state][0], font_color=TONES[state][1]))
        for state in STATES for doubt in ("", "?")
    }
    first = len(shape.lead)
    last = first + len(shape.months) + len(_GRID_TAIL) - 1
    month_width = 2 + max(text_width(words(f"state_{state}")) for state in STATES)
    for part, start in enumerate(range(0, max(shape.rows.height, 1), room)):
        wide = -(-len(shape.months) // _WIDE_GRID) or 1
        sheet = book.sheet(part_name(words("grid"), part), pages_wide=wide, repeat=(1, 1))
        sheet.freeze_panes(2, min(first, 4))
        if wide > 1:
            sheet.repeat_columns(0, min(first, 4) - 1)
        sheet.write_string(0, 0, _legend_line(words, shape.states), styles.note)
        for place, head in enumerate(heads):
            sheet.write_string(1, place, head, styles.header)
        head_style = styles.make(bold=True, font_color="#FFFFFF", bg_color="#1F4E78", border=1, border_color="#D0D7DE",
                                 align="center", num_format="yyyy-mm")
        for place, month in enumerate(shape.months, start=first):
            sheet.write_datetime(1, place, month, head_style)
        for place, head in enumerate(tail_heads, start=first + len(shape.months)):
            sheet.write_string(1, place, head, styles.header)
        _grid_body(book, view, sheet, shape, start, room, cells)
        sheet.set_column(first, first + len(shape.months) - 1, max(month_width, 9))
        for place in range(first + len(shape.months), last + 1):
            sheet.set_column(place, place, 12)
        height = min(room, shape.rows.height - start)
        sheet.autofilter(1, 0, max(1 + height, 2), last)
        if start + room >= shape.rows.height:
            _grid_totals(book, sheet, shape, 2 + height + 1, cells)


def _grid_body(
    book: Book, view: RunView, sheet: Any, shape: GridShape, start: int, room: int, cells: dict[str, tuple[str, Any]],
) -> None:
    """The rows of one sheet of the grid, and the widths of the columns ahead of the months."""
    months = [month.isoformat() for month in shape.months]
    names = [name for name, _ in shape.lead]
    rows = shape.rows.slice(start, room)
    leads = [
        [_lead_value(view, book.words, name, value) for name, value in zip(names, values, strict=True)]
        for values in rows.select(names).iter_rows()
    ]
    columns = [Column(book.words(name), kind) for name, kind in shape.lead]
    for place, width in enumerate(fit(columns, leads, is_filtered=True)):
        sheet.set_column(place, place, width)
    kinds = [kind for _, kind in shape.lead]
    tail_kinds = [kind for _, kind in _GRID_TAIL]
    lead_styles = [book.styles.cell(kind) for kind in kinds]
    tail_styles = [book.styles.cell(kind) for kind in tail_kinds]
    blank = (None, book.styles.cell("mark"))
    states = rows.select(months).iter_rows()
    ends = rows.select([name for name, _ in _GRID_TAIL]).iter_rows()
    write = row_writer(sheet)
    for row, (lead, of_months, end) in enumerate(zip(leads, states, ends, strict=True), start=2):
        marks = [cells[state] if state in cells else (state, blank[1]) if state else blank for state in of_months]
        write(
            row,
            [*(cell_of(kind, value, book.words) for kind, value in zip(kinds, lead, strict=True)),
             *(text for text, _ in marks),
             *(cell_of(kind, value, book.words) for kind, value in zip(tail_kinds, end, strict=True))],
            [*lead_styles, *(style for _, style in marks), *tail_styles],
        )


def _grid_totals(book: Book, sheet: Any, shape: GridShape, row: int, cells: dict[str, tuple[str, Any]]) -> None:
    """The legend in colour, each state with the number of accounts that have it in each month."""
    words, styles = book.words, book.styles
    first = len(shape.lead)
    sheet.write_string(row, 0, f"{words('legend')} · {words('totals')}", styles.make(bold=True, font_color="#1F4E78"))
    totals = [
        dict(shape.rows[month.isoformat()].drop_nulls().str.strip_chars_end("?").value_counts().iter_rows())
        for month in shape.months
    ]
    for below, state in enumerate(shape.states, start=row + 1):
        text, style = cells[state]
        sheet.write_string(below, 0, text, style)
        sheet.write_string(below, 1, state_name(words, state), styles.plain)
        for place, of_month in enumerate(totals, start=first):
            sheet.write_number(below, place, of_month.get(state, 0), styles.cell("count", state))


def state_name(words: Words, state: str) -> str:
    """What a state of the grid means, in words."""
    return words.code("", state) if state in ("received_late", "refund") else words.verdict(state)


def _legend_line(words: Words, states: list[str]) -> str:
    parts = [f"{words(f'state_{state}')} {state_name(words, state)}" for state in states]
    return f"{words('legend')}: " + "   ".join([*parts, words("doubt")])


def _lead_value(view: RunView, words: Words, name: str, value: Any) -> Any:
    if name == "person_id":
        return shown_id(view, value)
    if name == "region":
        return view.region_names.get(value or "", value)
    if name == "scheme":
        return words.code("scheme", value)
    return value


# --- links and leftovers ------------------------------------------------------------------------------------------

def write_matched(book: Book, view: RunView, who: pl.DataFrame) -> None:
    """已匹配: which credit belongs to which month, with the rows of both sides."""
    words = book.words
    columns = [
        Column(words("employee_no")), Column(words("person_name")), Column(words("person_id"), "id"),
        Column(words("accrual_month"), "month"), Column(words("posted_on"), "day"), Column(words("amount"), "money"),
        Column(words("lag"), "int"), Column(words("link")), Column(words("decided")),
        Column(words("contribution_row")), Column(words("flow_row")),
    ]
    certain = {True: "", False: words("undecided"), None: ""}
    ids = _id_memo(view)
    rows = [
        (number, name, ids(person), month, day, fen, lag, words.code("kind", kind), certain[decided],
         shown_text(view, line), shown_text(view, credit))
        for number, name, person, month, day, fen, lag, kind, decided, line, credit in links(view, who).select(
            "employee_no", "person_name", "person_id", "accrual_month", "posted_on", "amount_fen", "lag_months",
            "kind", "decided", "contribution_row_id", "flow_row_id",
        ).iter_rows()
    ]
    write_table(book, words("matched"), columns, rows, frozen=2)


def write_unmatched(book: Book, view: RunView, who: pl.DataFrame) -> None:
    """未匹配: due lines without a credit, then credits without a month, each with why."""
    words = book.words
    columns = [
        Column(words("side")), Column(words("employee_no")), Column(words("person_name")),
        Column(words("person_id"), "id"), Column(words("accrual_month"), "month"), Column(words("posted_on"), "day"),
        Column(words("amount"), "money"), Column(words("rest"), "money"), Column(words("why"), "long", 36),
        Column(words("source_row")),
    ]
    due = [
        (words("side_due"), row["employee_no"], row["person_name"], shown_id(view, row["person_id"]),
         row["accrual_month"], None, row["expected_fen"], row["expected_fen"],
         words.cause(row["label"], row["cause"]), shown_text(view, row["row_id"]))
        for row in unmatched_due(view, who).iter_rows(named=True)
    ]
    loose = [
        (words("side_credit"), row["employee_no"], row["person_name"], shown_id(view, row["person_id"]),
         row["accrual_month"], row["posted_on"], row["amount_fen"], row["rest_fen"], words.code("why", row["why"]),
         shown_text(view, row["row_id"]))
        for row in unmatched_credits(view, who).iter_rows(named=True)
    ]
    write_table(book, words("unmatched"), columns, due + loose, frozen=3)


# --- data problems, inputs, audit ---------------------------------------------------------------------------------

def write_problems(book: Book, view: RunView) -> None:
    """资料问题: everything wrong with the input, worded in the workbook's language."""
    words = book.words
    columns = [
        Column(words("severity")), Column(words("code")), Column(words("file"), "long", 36), Column(words("place")),
        Column(words("column")), Column(words("value"), "long"), Column(words("message"), "long", 46),
        Column(words("remedy"), "long", 46),
    ]
    rows = [
        (words.code("", row["severity"]), row["code"], shown_text(view, row["file"]), row["place"], row["column"],
         shown_text(view, row["value"]), shown_text(view, message), remedy)
        for row in problems(view).iter_rows(named=True)
        for message, remedy in [_worded(row, words.lang)]
    ]
    tones = {words(severity): severity for severity in ("error", "warning", "info")}
    write_table(book, words("problems"), columns, rows, tones={0: tones})


def _worded(row: dict[str, Any], lang: str) -> tuple[str | None, str | None]:
    """Message and remedy in ``lang``: from the catalogue where the code is known, else as the table has them."""
    if lang == "zh" or row["code"] not in CATALOGUE:
        return row["message"], row["remedy"]
    worded = Problem(row["code"], column=row["column"], value=row["value"]).row(lang)
    return worded["message"], worded["remedy"]


def write_inputs(book: Book, view: RunView) -> None:
    """输入与参数: parameters, input files, what each covers, rules used, and the legend of labels and causes."""
    words, styles = book.words, book.styles
    sheet = book.sheet(words("inputs"))
    for place, width in enumerate(_INPUT_WIDTHS):
        sheet.set_column(place, place, width)
    row = 0

    def block(title: str, columns: list[Column], rows: list[tuple[Any, ...]]) -> None:
        nonlocal row
        for place in range(len(_INPUT_WIDTHS)):
            sheet.write_blank(row, place, None, styles.section)
        sheet.write_string(row, 0, title, styles.section)
        row = write_rows(book, sheet, row + 1, columns, rows, widths=_INPUT_WIDTHS) + 1

    fixed = [
        (words("folder"), view.folder), (words("as_of_day"), view.as_of.isoformat()),
        (words("edition"), words.code("edition", view.edition)), (words("version"), view.version),
        (words("generated_at"), view.generated_at),
        (words("ids"), words("ids_full" if view.full_ids else "ids_masked")), *view.parameters,
    ]
    for place in range(len(_INPUT_WIDTHS)):
        sheet.write_blank(row, place, None, styles.section)
    sheet.write_string(row, 0, words("parameters"), styles.section)
    for below, (key, value) in enumerate(fixed, start=row + 1):
        sheet.write_string(below, 0, clean(key, words), styles.cell("text", bold=True))
        sheet.write_string(below, 1, clean(shown_text(view, str(value)), words), styles.plain)
    row += len(fixed) + 2

    files = number_files(view.table("source")["file"].drop_nulls())
    block(words("source_files"), [
        Column(words("file_no")), Column(words("file"), "long"), Column(words("format")), Column(words("table")),
        Column(words("rows_read"), "int"), Column(words("rows_used"), "int"), Column(words("rows_rejected"), "int"),
        Column(words("rows_skipped"), "int"), Column(words("first_date"), "day"), Column(words("last_date"), "day"),
        Column(words("status")), Column(words("sha256")),
    ], [
        (files.get(one["file"]), shown_text(view, one["file"]), one["format"],
         words.join([words.code("table", name) for name in (one["table"] or "").split(",") if name]),
         one["rows_read"], one["rows_used"], one["rows_rejected"], one["rows_skipped"], one["first_date"],
         one["last_date"], words.code("file", one["status"]), (one["sha256"] or "")[:16])
        for one in view.table("source").sort("file", nulls_last=True).iter_rows(named=True)
    ])
    proved = view.table("source").filter(pl.col("rows_proved").is_not_null()).sort("file")
    if proved.height:
        block(words("proof"), [
            Column(words("file_no")), Column(words("unproved"), "long"), Column(words("rows_proved"), "int"),
            Column(words("rows_read"), "int"),
        ], [
            (files.get(one["file"]), words.unproved(one["unproved"]), one["rows_proved"], one["rows_read"])
            for one in proved.iter_rows(named=True)
        ])
        sheet.write_string(row - 1, 0, words("proof_note"), styles.plain)
        row += 1
    block(words("coverage"), [
        Column(words("file_no")), Column(words("file"), "long"), Column(words("table")),
        Column(words("person_id"), "id"), Column(words("from"), "day"), Column(words("to"), "day"),
        Column(words("exported_on"), "day"),
        Column(words("basis")),
    ], [
        (files.get(one["file"]), shown_text(view, one["file"]), words.code("table", one["table"]),
         shown_id(view, one["person_id"]) or words("everybody"), one["from"], one["to"], one["exported_on"],
         words.code("coverage", one["basis"]))
        for one in view.table("coverage").sort("file", "table", "person_id", "from", nulls_last=True)
        .iter_rows(named=True)
    ])
    rules = view.table("expected").filter(pl.col("policy_ref").is_not_null()).group_by("policy_ref").agg(
        pl.col("policy_confidence").drop_nulls().first(), pl.len().alias("lines"),
    ).sort("policy_ref")
    if rules.height:
        block(words("rules"), [
            Column(words("lines"), "int"), Column(words("policy_ref"), "long"), Column(words("rule_confidence")),
        ], [
            (lines, view.policy_refs.get(ref, ref), words.code("confidence", confidence))
            for ref, confidence, lines in rules.iter_rows()
        ])
    block(words("labels"), [
        Column(words("label")), Column(words("cause"), "long"), Column(words("verdict")),
        Column(words("owner"), "long"), Column(words("meaning")),
    ], [
        (words.label(cause.label), words.cause(cause.label, cause.code),
         "" if of_balance(cause.label, cause.code) else Toned(words.verdict(code), code), words.owner(cause.owner),
         LABEL[cause.label].meaning_en if words.lang == "en" else LABEL[cause.label].meaning_zh)
        for cause in CAUSES if cause.label not in ("pooled_share", "flat_fee")
        and not (view.edition == "hr" and of_balance(cause.label, cause.code))
        for code in [verdict(cause.label, cause.code, "open")]
    ])


def write_audit(book: Book, view: RunView) -> None:
    """审计 (edition audit only): the money of each month with the pooled share, and whether its parts add up."""
    if view.edition != "audit":
        return
    words = book.words
    key = ["person_id", "region", "scheme", "accrual_month"]
    parts = view.table("gap").filter(pl.col("basis") == "credit").group_by(key).agg(
        pl.col("amount_fen").filter(pl.col("label") == "pooled_share").sum().alias("pool"),
        pl.col("amount_fen").filter(pl.col("label") == "flat_fee").sum().alias("flat"),
        pl.col("amount_fen").filter(~pl.col("label").is_in(["pooled_share", "flat_fee"])).sum().alias("others"),
    )
    month = view.table("month").join(parts, on=key, how="left", nulls_equal=True).sort(key)
    columns = [
        Column(words("employee_no")), Column(words("person_name")), Column(words("person_id"), "id"),
        Column(words("region")), Column(words("scheme")), Column(words("accrual_month"), "month"),
        Column(words("contributed"), "money"), Column(words("on_time"), "money"), Column(words("pooled"), "money"),
        Column(words("flat"), "money"), Column(words("parts"), "money"), Column(words("check")),
        Column(words("expected"), "money"), Column(words("credited"), "money"), Column(words("paid_lag"), "int"),
        Column(words("lag"), "int"), Column(words("label")), Column(words("cause"), "long"),
    ]
    rows = []
    for one in month.iter_rows(named=True):
        rest = (one["contributed_fen"] or 0) - (one["credited_on_time_fen"] or 0) - sum(
            one[name] or 0 for name in ("pool", "flat", "others"))
        rows.append((
            one["employee_no"], one["person_name"], shown_id(view, one["person_id"]),
            view.region_names.get(one["region"] or "", one["region"]), words.code("scheme", one["scheme"]),
            one["accrual_month"], one["contributed_fen"], one["credited_on_time_fen"], one["pool"], one["flat"],
            one["others"], Toned("✔", "good") if rest == 0 else Toned(words("differs", amount=yuan(rest)), "bad"),
            one["expected_fen"], one["credited_fen"], one["paid_lag_months"], one["lag_months"],
            words.label(one["label"]), words.cause(one["label"], one["cause"]),
        ))
    write_table(book, words("audit"), columns, rows, frozen=2)


# --- how things are shown -----------------------------------------------------------------------------------------

def shown_id(view: RunView, person_id: str | None) -> str:
    """An ID as the workbook may show it: the last four, or all with ``full_ids``."""
    return person_id or "" if view.full_ids else mask_id(person_id)


def shown_text(view: RunView, text: str | None) -> str:
    """A text with the IDs inside it masked, unless ``full_ids``."""
    return text or "" if view.full_ids else mask_numbers(text or "")


def _id_memo(view: RunView) -> Callable[[str | None], str]:
    known: dict[str | None, str] = {}

    def of(person_id: str | None) -> str:
        if person_id not in known:
            known[person_id] = shown_id(view, person_id)
        return known[person_id]

    return of


def _month_text(month: date | None) -> str:
    return f"{month:%Y-%m}" if month else ""


def _day_text(day: date | None) -> str:
    return day.isoformat() if day else ""
