"""The sheets 余额 and 从缴费到余额: accounts month by month, a balance sheet per employer, the bridge as a chart.

Only in the editions that keep spending; the HR edition has no balances and says so on its first sheet.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import polars as pl

from recon.report.bridging import Bar, bars, close_up, part_name
from recon.report.paper import Book, Column, Toned, write_rows, write_table
from recon.report.sheets import shown_id
from recon.report.view import RunView
from recon.report.words import Words, yuan
from recon.tables import ACCOUNT_PARTS, PAID_PARTS

_ACCOUNT = ("person_id", "region", "scheme")
_MOVES = ("credit", "interest", "spend", "mutual_aid", "premium", "transfer", "adjustment")
_CHART_WIDTH, _CHART_HEIGHT, _ROW_PX = 540, 380, 20
_MOST_GROUPS = 12  # employers or regions with a column of their own in the bridge
_SERIES = ("base", "total", "up", "down", "below")
_COLOURS = {"total": "#1F4E78", "up": "#548235", "down": "#C55A11"}


def write_balances(book: Book, view: RunView, who: pl.DataFrame) -> None:
    """Both sheets; left out where no account line was read, and in the HR edition."""
    balance = view.table("balance")
    if view.edition == "hr" or balance.is_empty():
        return
    named = _with_employer(view, balance).join(
        who.select("number", "person_id", "employee_no", "person_name"), on="person_id", how="left"
    ).sort("number", *_ACCOUNT, "month", "sub_account", nulls_last=False)
    _write_months(book, view, named)
    _write_bridge(book, view, named)


def _with_employer(view: RunView, balance: pl.DataFrame) -> pl.DataFrame:
    """``balance`` with the employer an account counts with: the one of its bridge."""
    employer = view.table("bridge").select(*_ACCOUNT, "employer").unique(list(_ACCOUNT), keep="first",
                                                                       maintain_order=True)
    return balance.join(employer, on=list(_ACCOUNT), how="left", nulls_equal=True)


# --- month by month ---------------------------------------------------------------------------------------------


def _write_months(book: Book, view: RunView, rows: pl.DataFrame) -> None:
    words = book.words
    shown = [name for name in _MOVES if (rows[f"{name}_fen"].fill_null(0) != 0).any() or name in ("credit", "spend")]
    subs = rows["sub_account"].drop_nulls().len() > 0
    columns = [
        Column(words("employee_no")), Column(words("person_name")), Column(words("person_id"), "id"),
        Column(words("employer"), "long", 18), Column(words("region")),
        *([Column(words("sub_account"))] if subs else []), Column(words("calendar_month"), "month"),
        Column(words("opening"), "money"), *(Column(words(f"move_{name}"), "money") for name in shown),
        Column(words("unexplained"), "money"), Column(words("closing"), "money"), Column(words("check"), "long", 22),
    ]
    cells = [
        (
            row["employee_no"], row["person_name"], shown_id(view, row["person_id"]), row["employer"],
            view.region_names.get(row["region"] or "", row["region"]),
            *([words.code("sub", row["sub_account"]) if row["sub_account"] else words("together")] if subs else []),
            row["month"], row["opening_fen"], *(row[f"{name}_fen"] or None for name in shown),
            row["unexplained_fen"] or None, row["closing_fen"], _check(words, row),
        )
        for row in rows.iter_rows(named=True)
    ]
    write_table(book, words("balances"), columns, cells, frozen=2)


def _check(words: Words, row: dict[str, Any]) -> Toned:
    """Whether the month adds up, and what is missing where it does not."""
    if row["closing_fen"] is None:
        return Toned(words("no_balance_printed"), "cannot_tell")
    if row["breaks"]:
        return Toned(words("jumps", count=row["breaks"], amount=yuan(row["unexplained_fen"])), "amount_differs")
    return Toned(words("adds_up"), "good")


# --- per employer, and the bridge -------------------------------------------------------------------------------


def _write_bridge(book: Book, view: RunView, rows: pl.DataFrame) -> None:
    words = book.words
    bridge = view.table("bridge")
    sheet = book.sheet(words("bridge"))
    widths = [30.0, *[15.0] * (1 + _MOST_GROUPS)]
    for place, width in enumerate(widths):
        sheet.set_column(place, place, width)
    sheet.write_string(0, 0, words("bridge_title"), book.styles.title)
    sheet.write_string(1, 0, words("bridge_note"), book.styles.note)
    # The chart and the figures it is drawn from stand on one sheet, one below the other.
    top = 2
    chart_rows = _CHART_HEIGHT // _ROW_PX + 2
    found = bars(bridge)
    row = top + chart_rows
    row = _section(book, sheet, row, words("bridge_by_employer"))
    row = _bridge_table(book, view, sheet, row, bridge, "employer", widths) + 1
    if bridge["region"].n_unique() > 1:
        row = _section(book, sheet, row, words("bridge_by_region"))
        row = _bridge_table(book, view, sheet, row, bridge, "region", widths) + 1
    row = _section(book, sheet, row, words("balance_sheet"))
    row = _balance_sheet(book, sheet, row, rows, widths) + 1
    row = _section(book, sheet, row, words("fall_data"))
    below = _chart(book, sheet, (top, 0), row, found, widths, words("bridge_title"))
    _chart(book, sheet, (top, 4), below + 1, close_up(found), widths, words("bridge_close_up"))


def _section(book: Book, sheet: Any, row: int, text: str) -> int:
    sheet.write_string(row, 0, text, book.styles.section)
    return row + 1


def _bridge_table(
    book: Book, view: RunView, sheet: Any, top: int, bridge: pl.DataFrame, group: str, widths: Sequence[float]
) -> int:
    """One row per part, one column per group (the largest), a check below; the row after it comes back."""
    words = book.words
    sizes = bridge.filter(pl.col("part") == "contributed").group_by(group).agg(
        pl.col("amount_fen").sum().alias("size")).sort("size", group, descending=[True, False], nulls_last=True)
    names = [name for name in sizes[group].to_list() if name is not None]
    own = names[:_MOST_GROUPS - 1]
    heads = [words("part"), words("together"), *(
        view.region_names.get(name, name) if group == "region" else name for name in own)]
    rest = pl.col(group).is_null() | ~pl.col(group).is_in(own)
    others = bridge.filter(rest)
    frames = [bridge, *(bridge.filter(pl.col(group) == name) for name in own)]
    if others.height:
        heads.append(words("others"))
        frames.append(others)
    sums = [dict(frame.group_by("part").agg(pl.col("amount_fen").sum()).iter_rows()) for frame in frames]
    lines: list[list[Any]] = [
        [part_name(part, words.lang), *(one.get(part) for one in sums)]
        for part in (*PAID_PARTS, "credited", *ACCOUNT_PARTS, "change") if part in sums[0]
    ]
    checks = [_rest(frame) for frame in frames]
    lines.append([words("bridge_check"), *(
        Toned(words("equal"), "good", "text") if not off else Toned(words("differs", amount=yuan(off)), "bad", "text")
        for off in checks)])
    columns = [Column(heads[0], "long"), *(Column(head, "money") for head in heads[1:])]
    return write_rows(book, sheet, top, columns, lines, widths=widths[:len(columns)])


def _rest(frame: pl.DataFrame) -> int:
    """What the parts of these accounts leave over of their totals: nothing."""
    def of(names: str, column: str = "side") -> int:
        return int(frame.filter(pl.col(column) == names)["amount_fen"].sum() or 0)

    return abs(of("paid") - of("credited", "part")) + abs(of("paid") + of("account") - of("change", "part")
                                                          - _unseen(frame))


def _unseen(frame: pl.DataFrame) -> int:
    """Credits of accounts whose change is not known: those without a single line of their own ledger."""
    known = frame.filter(pl.col("part") == "change").select(_ACCOUNT)
    lone = frame.filter(pl.col("part") == "credited").join(known, on=list(_ACCOUNT), how="anti", nulls_equal=True)
    return int(lone["amount_fen"].sum() or 0)


def _balance_sheet(book: Book, sheet: Any, top: int, rows: pl.DataFrame, widths: Sequence[float]) -> int:
    """One row per employer: what its people's accounts opened and closed with, and what moved; then all together."""
    words = book.words
    whole = rows.filter(pl.col("sub_account").is_null()).sort(*_ACCOUNT, "month", nulls_last=True)
    accounts = whole.group_by(*_ACCOUNT, maintain_order=True).agg(
        pl.col("employer").first(), pl.col("opening_fen").first(), pl.col("closing_fen").last(),
        *(pl.col(f"{name}_fen").sum() for name in _MOVES), pl.col("unexplained_fen").sum(),
    ).with_columns(pl.col("employer").fill_null(words("no_employer")))
    known = accounts.filter(pl.col("opening_fen").is_not_null() & pl.col("closing_fen").is_not_null())
    sums = [pl.len().alias("accounts"), *(pl.col(f"{name}_fen").sum() for name in (
        "opening", *_MOVES, "unexplained", "closing"))]
    lines = []
    per = known.group_by("employer").agg(sums).sort("accounts", "employer", descending=[True, False])
    for row in [*per.iter_rows(named=True), *known.select(pl.lit(words("together")).alias("employer"), *sums)
                .head(1 if known.height else 0).iter_rows(named=True)]:
        off = row["opening_fen"] + sum(row[f"{name}_fen"] for name in _MOVES) + row["unexplained_fen"] - (
            row["closing_fen"])
        lines.append((
            row["employer"], row["accounts"], row["opening_fen"], *(row[f"{name}_fen"] for name in _MOVES),
            row["unexplained_fen"], row["closing_fen"],
            Toned(words("equal"), "good") if not off else Toned(words("differs", amount=yuan(off)), "bad"),
        ))
    columns = [
        Column(words("employer"), "long"), Column(words("accounts"), "int"), Column(words("opening"), "money"),
        *(Column(words(f"move_{name}"), "money") for name in _MOVES), Column(words("unexplained"), "money"),
        Column(words("closing"), "money"), Column(words("check")),
    ]
    bottom = write_rows(book, sheet, top, columns, lines, widths=widths[:len(columns)])
    bare = accounts.height - known.height
    if bare:
        sheet.write_string(bottom, 0, words("without_balance", count=bare), book.styles.note)
        bottom += 1
    return bottom


def _chart(
    book: Book, sheet: Any, corner: tuple[int, int], row: int, found: Sequence[Bar], widths: Sequence[float], title: str
) -> int:
    """A stacked column chart whose lowest part is not drawn: a waterfall in any program that opens the workbook.

    Its figures are written from ``row`` on; the row below them comes back.
    """
    words = book.words
    columns = [Column(words("part"), "long"), *(
        Column(words(f"fall_{name}"), "money") for name in _SERIES)]
    lines = [(part_name(bar.part, words.lang).removeprefix("＝ ").removeprefix("= "), *_pieces(bar)) for bar in found]
    last = write_rows(book, sheet, row, columns, lines, widths=widths[:len(columns)]) - 1
    if len(found) < 2:
        return last + 1
    name = words("bridge")
    chart = book.workbook.add_chart({"type": "column", "subtype": "stacked"})
    for place, key in enumerate(_SERIES, start=1):
        drawn = {"fill": {"none": True}, "border": {"none": True}} if key == "base" else {
            "fill": {"color": _COLOURS.get(key, _COLOURS["down"])}, "border": {"none": True}}
        chart.add_series({
            "name": words(f"fall_{key}"), "categories": [name, row + 1, 0, last, 0],
            "values": [name, row + 1, place, last, place], "gap": 35, **drawn,
        })
    chart.set_title({"name": title, "name_font": {"size": 11, "bold": True}, "overlay": False})
    chart.set_legend({"position": "bottom", "delete_series": [0, 4]})
    chart.set_y_axis({"num_format": "#,##0", "major_gridlines": {"visible": True, "line": {"color": "#E5E5E5"}}})
    chart.set_x_axis({"num_font": {"size": 9}})
    chart.set_size({"width": _CHART_WIDTH, "height": _CHART_HEIGHT})
    sheet.insert_chart(*corner, chart, {"x_offset": 6, "y_offset": 4, "object_position": 1})
    return last + 1


def _pieces(bar: Bar) -> tuple[int | None, ...]:
    """Base (not drawn), total, up, down, below (the part under zero of a bar that crosses it), in fen."""
    low, high = sorted((bar.start, bar.end))
    base, size, below = (0, high, low if low < 0 else None)
    if low >= 0 or high <= 0:
        base, size = (low, high - low) if low >= 0 else (high, low - high)
        below = None
    shown: list[int | None] = [None, None, None]
    shown[0 if bar.is_total else 1 if bar.fen > 0 else 2] = size
    return (base or None, *shown, below)
