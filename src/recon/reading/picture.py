"""Pictures and scans: text with places -> a grid, and whether its own sums prove what was read.

A printed table is cut into columns like a PDF without rules. An app's screen is a list: every sum is one line of the
account, and the day, kind and balance near it belong to it. Nothing read from a picture is used unless the running
balance or the printed totals prove it (:func:`proved`); the rest waits for a person (``recon confirm``).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import polars as pl

from recon.problems import Problem
from recon.reading import ocr
from recon.reading.claim import Head, Header, claim, decide, read_facts
from recon.reading.formats import Formats
from recon.reading.grid import Grid, Opened
from recon.reading.ocr import PictureError, Seen
from recon.reading.rows import GridRows
from recon.reading.values import clean, fold, is_empty

if TYPE_CHECKING:
    from PIL import Image

MAX_PAGES = 30  # of one scan: a page takes seconds
SCALE = 200 / 72  # pixels of a rendered page per point
SURE = 0.9  # below this a figure is shown as doubtful
_PICTURES = (b"\x89PNG\r\n", b"\xff\xd8\xff", b"BM", b"II*\0", b"MM\0*")
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


@dataclass(frozen=True)
class Entry:
    """One line of an app's list: its cells (see LIST_COLUMNS), and the pixels it takes."""

    cells: tuple[str, ...]
    top: float
    bottom: float


@dataclass
class Sheet:
    """One picture, or all pages of a scan, as a grid with the header found in it; ``header`` None: nothing claims it.

    ``images``: the pages, for their crops; ``scores``: per row of the grid how sure its weakest stretch of text is.
    """

    grid: Grid
    header: Header | None
    images: list[Image.Image] = field(default_factory=list)
    scores: dict[int, float] = field(default_factory=dict)


def is_picture(data: bytes) -> bool:
    """Whether a file is a picture of a kind that can be read."""
    return data.startswith(_PICTURES) and (not data.startswith(b"BM") or b"\0" in data[:16])


def open_picture(data: bytes, kind: str) -> Opened:
    """A picture as a grid of all its text, or why there is none."""
    try:
        image = ocr.load(data)
    except PictureError:
        return Opened(problems=[Problem("not-a-table", value=kind)])
    if not ocr.available():
        return Opened(problems=[Problem("ocr-missing", value=kind)])
    return _opened([image], kind, "picture")


def open_scan(data: bytes, password: str | None, named: str) -> Opened:
    """The pages of a PDF without text as a grid; the problem no-text-layer where pictures cannot be read here."""
    if not ocr.available():
        return Opened(problems=[Problem("no-text-layer", value=named)], kind="pdf")
    images = list(pages_of(data, password))
    return _opened(images, named, "pdf")


def pages_of(data: bytes, password: str | None = None) -> Iterator[Image.Image]:
    """The pages of a PDF as pictures, the first MAX_PAGES of them."""
    import pypdfium2  # type: ignore[import-untyped,unused-ignore] # it ships no types

    document = pypdfium2.PdfDocument(data, password=password)
    try:
        for number in range(min(len(document), MAX_PAGES)):
            page = document[number]
            width, height = page.get_size()
            scale = min(SCALE, (ocr.MAX_PIXELS / max(width * height, 1)) ** 0.5)
            image: Image.Image = page.render(scale=scale).to_pil().convert("RGB")
            page.close()
            yield image
    finally:
        document.close()


def _opened(images: Sequence[Image.Image], named: str, kind: str) -> Opened:
    seen = [ocr.recognise(image) for image in images]
    if not any(seen):
        return Opened(problems=[Problem("not-a-table", value=named)], kind=kind)
    return Opened(grids=[Grid(kind=kind, seen=seen)], kind=kind)


# ---------------------------------------------------------------------------------------------------- text -> a grid


def sheet_of(grid: Grid, formats: Formats) -> Sheet:
    """The text of a picture as rows: a table whose header some format knows, else an app's list."""
    table = _table(grid, formats)
    header = _claimed(table, formats)
    if header is not None:
        return Sheet(table, header, scores=_scores(table, grid.seen))
    listed, top = _list(grid)
    if len(listed.rows) > top + 1:
        return Sheet(listed, _list_header(listed, top, formats), scores=_scores(listed, grid.seen))
    return Sheet(table, None, scores=_scores(table, grid.seen))


def _scores(grid: Grid, seen: Sequence[Sequence[Seen]]) -> dict[int, float]:
    """Per row that has a place in a picture, the score of the least sure stretch of text in it."""
    return {
        row: min((each.score for each in seen[page] if each.y1 > top and each.y0 < bottom), default=1.0)
        for row, (page, top, bottom) in grid.boxes.items()
    }


def _table(grid: Grid, formats: Formats) -> Grid:
    """All pages as one table, cut into columns where a header line is found."""
    from recon.reading.pdf_grid import PageRows
    from recon.reading.pdf_words import Page, Word

    out = Grid(kind=grid.kind)
    state = PageRows(formats.header_words)
    for number, seen in enumerate(grid.seen):
        words = [Word(each.x0, each.x1, (each.y0 + each.y1) / 2, each.y1 - each.y0, part, at)
                 for at, each in enumerate(seen) for part, each in _parts(each)]
        page = Page(number + 1, words, _letters)
        for at, (top, bottom, row) in enumerate(state.placed(page), start=1):
            out.boxes[len(out.rows)] = (number, top, bottom)
            out.rows.append([_LABELS.sub(r" \1", cell) for cell in row])
            out.places.append(_place(grid, number, at))
    return out


def _parts(each: Seen) -> Iterator[tuple[str, Seen]]:
    """A stretch of text as its words; the places of words are by the width of their characters."""
    total = sum(map(_width, each.text)) or 1
    at = 0.0
    for part in re.findall(r"\S+|\s+", each.text):
        wide = sum(map(_width, part))
        if not part.isspace():
            scale = (each.x1 - each.x0) / total
            yield part, each._replace(text=part, x0=each.x0 + at * scale, x1=each.x0 + (at + wide) * scale)
        at += wide


def _width(char: str) -> float:
    return 1.0 if ord(char) > 0x2E7F else 0.55


def _letters(word: object) -> list[tuple[float, float]]:
    """Left and right edge of each character of a word, by its width."""
    from recon.reading.pdf_words import Word

    assert isinstance(word, Word)
    total = sum(map(_width, word.text)) or 1
    scale, at, edges = (word.x1 - word.x0) / total, word.x0, []
    for char in word.text:
        edges.append((at, at + _width(char) * scale))
        at += _width(char) * scale
    return edges


def _place(grid: Grid, page: int, row: int) -> str:
    """Every figure read from a picture says so in its place."""
    return f"ocr-p{page + 1}:{row}" if grid.kind == "pdf" else f"ocr:{row}"


def _claimed(grid: Grid, formats: Formats) -> Header | None:
    """The header some format finds, whether or not the picture says whose it is."""
    head = Head.of(grid)
    for known in (formats, [replace(each, facts=(), titles=()) for each in formats]):
        found = decide(header for each in known if isinstance(header := claim(head, each), Header))
        if len(found) == 1:
            return found[0]
        if found:
            most = max(len(each.columns) for each in found)
            best = [each for each in found if len(each.columns) == most]
            return best[0] if len(best) == 1 else None
    return None


# ------------------------------------------------------------------------------------------------------ an app's list


def _list(grid: Grid) -> tuple[Grid, int]:
    """Every line of an app's list as a row: the lines above the first one, a header (its row), the entries."""
    out = Grid(kind=grid.kind)
    entries: list[tuple[int, Entry]] = []
    for number, seen in enumerate(grid.seen):
        found, above = _entries(seen)
        if not entries:
            for text in above:
                out.rows.append([_LABELS.sub(r" \1", text)])
                out.places.append(_place(grid, number, len(out.rows)))
        entries += [(number, each) for each in found]
    top = len(out.rows)
    out.rows.append(list(LIST_HEADER))
    out.places.append("ocr")
    for at, (number, each) in enumerate(entries, start=1):
        out.boxes[len(out.rows)] = (number, each.top, each.bottom)
        out.rows.append(list(each.cells))
        out.places.append(_place(grid, number, at))
    return out, top


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
    like = next(known for known in formats if known.table == "flow")
    signed = any(row[2].startswith(("+", "-", "−", "–")) for row in grid.rows[top + 1:] if len(row) > 2)
    known = replace(
        like, id=LIST, zh="图片里的明细", en="a list in a picture", header=(("posted_on",), ("amount_fen",)),
        without={}, titles=(), not_titles=(), facts=(), replaces=frozenset(), derive={}, native=False,
        aliases={fold(name): (column, 0) for name, column in zip(LIST_HEADER, LIST_COLUMNS, strict=True)},
        amount="signed" if signed else "by_kind", unknown={}, drop={}, footers=(),
        defaults={"scheme": "310", "ledger": "app"},
    )
    columns = {column: at for at, column in enumerate(LIST_COLUMNS)}
    return Header(known, top, columns, facts=read_facts(grid.rows[:top], known))


# --------------------------------------------------------------------------------------------------------- the proof


def proved(part: GridRows, sheet: Sheet) -> pl.DataFrame:
    """The rows whose sums the picture itself proves, marked as read by OCR; empty where nothing proves them.

    Account lines: printed totals of money in and out that agree, or a running balance without a break (then all but
    the oldest line, whose sum no balance before it proves), days in order and all clearly read. Contributions: each
    column of money has a printed total that agrees. A part with a row that could not be read proves nothing.
    """
    frame = part.frame
    nothing = frame.clear()
    top = sheet.header.row if sheet.header else 0
    if part.rejected or frame.height < 2 or any(score < SURE for at, score in sheet.scores.items() if at > top):
        return nothing
    wrong = {"balance-break", "total-mismatch", "unknown-word"} & {problem.code for problem in part.problems}
    if wrong:
        return nothing
    if part.table == "contribution":
        return _proved_by_totals(frame, sheet, nothing)
    if part.table != "flow":
        return nothing
    marked = frame.with_columns(pl.lit("ocr").alias("proof"))
    if {"total_in", "total_out"} <= part.facts.keys():
        return marked
    if "balance_fen" not in frame.columns or frame["balance_fen"].null_count():
        return nothing
    days = frame["posted_on"].to_list()
    balances, amounts = frame["balance_fen"].to_list(), frame["amount_fen"].to_list()
    forward = all(balances[at] - balances[at - 1] == amounts[at] for at in range(1, len(days)))
    backward = all(balances[at - 1] - balances[at] == amounts[at - 1] for at in range(1, len(days)))
    if forward and days == sorted(days):
        return marked[1:]
    if backward and days == sorted(days, reverse=True):
        return marked[:-1]
    return nothing


def _proved_by_totals(frame: pl.DataFrame, sheet: Sheet, nothing: pl.DataFrame) -> pl.DataFrame:
    """Contributions whose columns of money all end in a printed total; a base without a total is left out."""
    header = sheet.header
    assert header is not None  # its rows have been read
    totals = [row for row in sheet.grid.rows[header.row + 1:]
              if any(fold(cell) in header.format.totals for cell in row[:8])]
    def has_total(column: str) -> bool:
        at = header.columns.get(column, -1)
        return any(0 <= at < len(row) and not is_empty(row[at]) for row in totals)

    money = [name for name in ("employee_fen", "employer_fen", "into_account_fen", "total_fen")
             if name in header.columns]
    if not money or not all(map(has_total, money)):
        return nothing
    silent = [name for name in ("base_fen", "wage_fen", "late_fee_fen")
              if name in frame.columns and not has_total(name)]
    proof = pl.col("proof") if "proof" in frame.columns else pl.lit(None, dtype=pl.String)
    return frame.with_columns(
        *(pl.lit(None, dtype=pl.Int64).alias(name) for name in silent),
        pl.when(proof.is_null() | (proof == "fund_record")).then(pl.lit("ocr")).otherwise(proof).alias("proof"),
    )


def drafted(sheet: Sheet) -> list[tuple[int, dict[str, str]]]:
    """(row of the grid, column -> text as read) of every row below the header that says something."""
    header = sheet.header
    if header is None:
        return []
    rows = []
    for at in range(header.row + 1, len(sheet.grid.rows)):
        row = sheet.grid.rows[at]
        said = {column: row[index] for column, index in header.columns.items() if index < len(row) and row[index]}
        is_total = any(fold(cell) in header.format.totals for cell in row[:8] if cell)
        if at in sheet.grid.boxes and len(said) >= 2 and not is_total and row != sheet.grid.rows[header.row]:
            rows.append((at, said))
    return rows
