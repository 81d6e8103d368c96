"""What an app's screen shows: a list of account lines, cards of contributions, or single balances; as grids of text.

A screen has no columns. In a list every sum is one line of the account, and the day, kind and balance near it belong to
it. A card is a month with labels and values below it. A single figure is known by the words beside or above it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from recon.reading.claim import Header, read_facts
from recon.reading.format import Format, Formats
from recon.reading.grid import Grid
from recon.reading.ocr import Seen
from recon.reading.values import clean, fold

LIST = "picture_list"
LIST_HEADER = ("收支时间", "收支类型", "收支金额", "余额", "所属月份")
LIST_COLUMNS = ("posted_on", "kind_text", "amount_fen", "balance_fen", "accrual_month")

_MONEY = re.compile(r"^([+\-−–]?)\s*[¥￥]?\s*([+\-−–]?\d[\d,，]*\.\d{2})\s*元?$")
_BALANCE = re.compile(r"(?:账户)?(?:余额|结余)[:\uff1a]?\s*[¥￥]?\s*(-?\d[\d,，]*\.\d{2})")
_DAY = re.compile(
    r"((?:19|20)\d{2}[-/.年]\d{1,2}[-/.月]\d{1,2}日?|\d{1,2}月\d{1,2}日|(?<!\d)\d{1,2}[-/]\d{1,2}(?!\d))"
    r"\s*(?:\d{1,2}:\d{2}(?::\d{2})?)?"
)
_MONTH_LINE = re.compile(r"^((?:19|20)\d{2})\s*[年.\-/]\s*(\d{1,2})?\s*月?$")
_PAID_FOR = re.compile(r"(?:所属期|所属月|费款期|所属年月)[:\uff1a]?\s*((?:19|20)\d{2}[-/.年]?\d{1,2})月?")
_CLOCK = re.compile(r"^\d{1,2}:\d{2}(?::\d{2})?$")
_LABELS = re.compile(
    r"(?<=[^\s\x1f])(姓名|证件号码|身份证号码?|公民身份号码|个人编号|医保个人编号|参保地|统筹区|单位名称|打印日期|打印时间|导出时间|查询时间|"
    r"查询期间|起止日期)(?=[:\uff1a])"
)
_FIGURES = (  # what a screen calls a balance or a total, the more telling first
    ("available", re.compile("可用")), ("current_year", re.compile("当年|本年账户")),
    ("past_years", re.compile("历年")),
    ("year_credited", re.compile("(?:全年|本年|年度|累计).*(?:划入|收入|计入)")),
    ("year_spent", re.compile("(?:全年|本年|年度|累计).*(?:支出|消费|使用)")),
    ("ledger", re.compile("余额|结余")),
)
_FIGURE = re.compile("余额|结余|(?:全年|本年|年度|累计).*(?:划入|收入|计入|支出|消费|使用)")
_SUM = re.compile(r"(-?\d[\d,，]*\.\d{2})\s*元?$")
_CARD_MONTH = re.compile(
    r"^(?:(?:费款|缴费|对应费款)?(?:所属)?(?:期|月份|年月|月)[:\uff1a]?\s*)?((?:19|20)\d{2})\s*[-/.年]?\s*(\d{1,2})\s*月?$"
)


@dataclass(frozen=True)
class Entry:
    """One line of an app's list: its cells (see LIST_COLUMNS), and the pixels it takes."""

    cells: tuple[str, ...]
    top: float
    bottom: float


def place_of(grid: Grid, page: int, row: int) -> str:
    """Every figure read from a picture says so in its place."""
    return f"ocr-p{page + 1}:{row}" if grid.kind == "pdf" else f"ocr:{row}"


def spaced(text: str) -> str:
    """A line with a space before each label that the engine has glued to the value before it."""
    return _LABELS.sub(r" \1", text)


# ---------------------------------------------------------------------------------------------------- account lines


def read_list(grid: Grid, formats: Formats) -> tuple[Grid, Header | None]:
    """Every line of an app's list as a row: the lines above the first one, a header, the entries."""
    out = Grid(kind=grid.kind)
    entries: list[tuple[int, Entry]] = []
    for number, seen in enumerate(grid.seen):
        found, above = _entries(seen)
        if not entries:
            for text in above:
                out.rows.append([spaced(text)])
                out.places.append(place_of(grid, number, len(out.rows)))
        entries += [(number, each) for each in found]
    top = len(out.rows)
    out.rows.append(list(LIST_HEADER))
    out.places.append("ocr")
    for at, (number, each) in enumerate(entries, start=1):
        out.boxes[len(out.rows)] = (number, each.top, each.bottom)
        out.rows.append(list(each.cells))
        out.places.append(place_of(grid, number, at))
    return out, _list_header(out, top, formats) if entries else None


def _entries(seen: Sequence[Seen]) -> tuple[list[Entry], list[str]]:
    """The entries of one screen, and the lines above the first of them."""
    lines = _lines(seen)
    anchors = [at for at, line in enumerate(lines) if any(_MONEY.match(clean(each.text)) for each in line)]
    if not anchors:
        return [], []
    owner: dict[int, list[int]] = {at: [at] for at in anchors}
    year = ""
    years: dict[int, str] = {}
    for at, line in enumerate(lines):
        text = clean("".join(each.text for each in line))
        month = _MONTH_LINE.match(text)
        if month:
            year = month[1]
        if at in owner:
            years[at] = year
            continue
        if month or not any(_says(each.text) for each in line):
            continue
        nearest = min(anchors, key=lambda anchor: (_gap(lines[anchor], line), anchor))
        if _gap(lines[nearest], line) <= 2.5 * _height(line):
            owner[nearest].append(at)
    entries = [_entry([each for at in sorted(group) for each in lines[at]], years[anchor])
               for anchor, group in sorted(owner.items())]
    first = min(at for group in owner.values() for at in group)
    above = ["  ".join(each.text for each in line) for line in lines[:first]]
    return [each for each in entries if each.cells[0]], [text for text in above if not _CLOCK.match(clean(text))]


def _lines(seen: Sequence[Seen]) -> list[list[Seen]]:
    """Stretches of text by base line, each line left to right."""
    lines: list[list[Seen]] = []
    for each in sorted(seen, key=lambda one: (one.y0 + one.y1) / 2):
        middle = (each.y0 + each.y1) / 2
        if lines and abs(middle - _middle(lines[-1])) <= 0.5 * min(each.y1 - each.y0, _height(lines[-1])):
            lines[-1].append(each)
        else:
            lines.append([each])
    return [sorted(line, key=lambda one: one.x0) for line in lines]


def _middle(line: Sequence[Seen]) -> float:
    return sum((each.y0 + each.y1) / 2 for each in line) / len(line)


def _height(line: Sequence[Seen]) -> float:
    return max(each.y1 - each.y0 for each in line)


def _gap(one: Sequence[Seen], other: Sequence[Seen]) -> float:
    """The empty pixels between two lines."""
    return max(min(each.y0 for each in one) - max(each.y1 for each in other),
               min(each.y0 for each in other) - max(each.y1 for each in one))


def _says(text: str) -> bool:
    bare = clean(text)
    return bool(_DAY.search(bare) or _BALANCE.search(bare) or _PAID_FOR.search(bare))


def _entry(seen: Sequence[Seen], year: str) -> Entry:
    """The cells of one entry: day, kind, sum, balance, month paid for."""
    day = amount = balance = month = ""
    kinds: list[str] = []
    for each in seen:
        text = clean(each.text)
        money = _MONEY.match(text)
        if money:
            amount = amount or (money[1] + money[2]).replace("，", ",")
            continue
        found = _BALANCE.search(text)
        if found:
            balance = found[1].replace("，", ",")
            text = text.replace(found[0], " ")
        found = _PAID_FOR.search(text)
        if found:
            month = found[1]
            text = text.replace(found[0], " ")
        found = _DAY.search(text)
        if found:
            day = day or found[1]
            text = text.replace(found[0], " ")
        if text.strip() and not _CLOCK.match(text.strip()):
            kinds.append(text.strip())
    if day and year and not re.match(r"(?:19|20)\d{2}", day):
        parts = re.findall(r"\d+", day)
        day = f"{year}-{int(parts[0]):02d}-{int(parts[1]):02d}"
    top, bottom = min(each.y0 for each in seen), max(each.y1 for each in seen)
    return Entry((day, " ".join(kinds), amount, balance, month), top, bottom)


def _list_header(grid: Grid, top: int, formats: Formats) -> Header:
    """The list read with the code words every format shares; without any sign the kind says which way."""
    signed = any(row[2].startswith(("+", "-", "−", "–")) for row in grid.rows[top + 1:] if len(row) > 2)
    return _header(_like(formats, "account_grid", "flow"), LIST, grid, top, LIST_COLUMNS, "flow",
                   amount="signed" if signed else "by_kind", defaults={"scheme": "310", "ledger": "app"})


# ---------------------------------------------------------------------------------------------------- contributions


def read_cards(grid: Grid, formats: Formats) -> tuple[Grid, Header | None]:
    """Contributions as cards: a month, and below it labels with values, named as the headers of known formats are."""
    words = {word: column for known in formats if known.table == "contribution"
             for word, (column, _) in known.aliases.items()}
    cards: list[tuple[int, dict[str, str], float, float]] = []
    above: list[str] = []
    for number, seen in enumerate(grid.seen):
        card: dict[str, str] | None = None
        for line in _lines(seen):
            top, bottom = min(each.y0 for each in line), max(each.y1 for each in line)
            pairs = dict(_pairs(line, words))
            month = pairs.pop("accrual_month", None) or next(
                (f"{found[1]}-{int(found[2]):02d}" for each in line
                 if (found := _CARD_MONTH.match(clean(each.text))) and 1 <= int(found[2]) <= 12), None)
            if month:
                card = {"accrual_month": month}
                cards.append((number, card, top, bottom))
            if card is None:
                above.append(spaced("  ".join(each.text for each in line)))
            elif pairs or month:
                card |= {column: text for column, text in pairs.items() if column not in card}
                cards[-1] = (number, card, cards[-1][2], bottom)
    paid = [each for each in cards if any(column.endswith("_fen") and _SUM.search(text)
                                          for column, text in each[1].items())]
    if not paid:
        return Grid(kind=grid.kind), None
    columns = sorted({column for _, card, _, _ in paid for column in card})
    out, top_row = _with_head(grid, above, columns)
    for at, (number, card, top, bottom) in enumerate(paid, start=1):
        out.boxes[len(out.rows)] = (number, top, bottom)
        out.rows.append([card.get(column, "") for column in columns])
        out.places.append(place_of(grid, number, at))
    like = _like(formats, "city_contribution_page", "contribution")
    return out, _header(like, "picture_cards", out, top_row, columns, "contribution", defaults={
        "scheme": "310", "payment_kind": "normal", "proof": "fund_record"})


def _pairs(line: Sequence[Seen], words: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Column -> value of the labels in a line: in one stretch of text, or in two side by side."""
    for at, each in enumerate(line):
        parts = re.split(r"[:\uff1a\s]+", each.text.strip(), maxsplit=1)
        column = words.get(re.sub("元$", "", fold(parts[0])))
        if column is None:
            continue
        value = parts[1] if len(parts) > 1 and parts[1] else line[at + 1].text if at + 1 < len(line) else ""
        if value:
            yield column, value.strip()


# -------------------------------------------------------------------------------------------------- single balances


def read_figures(grid: Grid, formats: Formats) -> tuple[Grid, Header | None]:
    """Balances and totals that stand alone, with the words beside or above them; the day, where one is shown."""
    columns = ["kind", "read_on", "amount_fen"]
    rows: list[tuple[int, list[str], float, float]] = []
    day = ""
    above: list[str] = []
    for number, seen in enumerate(grid.seen):
        lines = _lines(seen)
        for at, line in enumerate(lines):
            text = " ".join(each.text for each in line)
            found = _DAY.search(clean(text))
            day = day or (found[1] if found else "")
            total = next((hit for each in line if (hit := _SUM.search(clean(each.text)))), None)
            if total is None:
                above.append(spaced(text))
                continue
            near = [text, *(" ".join(each.text for each in lines[other]) for other in (at - 1, at + 1)
                            if 0 <= other < len(lines))]
            label = next((each for each in near if _FIGURE.search(each)), None)
            if label is not None:
                kind = next(kind for kind, words in _FIGURES if words.search(label))
                rows.append((number, [kind, "", total[1].replace("，", ",")],
                             min(each.y0 for each in line), max(each.y1 for each in line)))
    if not rows:
        return Grid(kind=grid.kind), None
    out, top = _with_head(grid, above, columns)
    for place, (number, cells, upper, lower) in enumerate(rows, start=1):
        out.boxes[len(out.rows)] = (number, upper, lower)
        out.rows.append([cells[0], day, cells[2]])
        out.places.append(place_of(grid, number, place))
    header = _header(_like(formats, "account_grid", "flow"), "picture_figures", out, top, columns, "reading")
    kinds = {kind: kind for kind, _ in _FIGURES}
    return out, replace(header, format=replace(header.format, words={**header.format.words, "kind": kinds}))


def _with_head(grid: Grid, above: Sequence[str], columns: Sequence[str]) -> tuple[Grid, int]:
    """A grid with the lines above and a header row, and the number of that row."""
    out = Grid(kind=grid.kind, rows=[[text] for text in above], places=["ocr"] * len(above))
    out.rows.append(list(columns))
    out.places.append("ocr")
    return out, len(above)


def _like(formats: Formats, name: str, table: str) -> Format:
    """The format whose code words, labels and totals a screen is read with: the one named, else any of the table."""
    known = formats.by_id.get(name) or next((each for each in formats if each.table == table), None)
    return known or next(iter(formats))


def _header(
    like: Format, name: str, grid: Grid, top: int, columns: Sequence[str], table: str, *, amount: str = "signed",
    defaults: Mapping[str, str] | None = None,
) -> Header:
    """The header of a screen, read with the code words, labels and totals of ``like``."""
    known = Format(
        id=name, zh="图片", en="a picture", table=table, header=((columns[0],),),
        aliases={fold(column): (column, 0) for column in columns}, words=like.words, contains=like.contains,
        labels=like.labels, totals=like.totals, amount=amount, defaults=defaults or {},
    )
    return Header(known, top, {column: at for at, column in enumerate(columns)},
                  facts=read_facts(grid.rows[:top], known))
