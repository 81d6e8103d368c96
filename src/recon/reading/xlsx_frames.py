"""Large workbooks as grids over columns: what ``xlsx_grid`` would say of them, several times faster.

``sheet_cells`` cuts the cells out. Plain texts and plain decimal numbers are themselves; whatever has to be understood
(dates, unusual numbers, errors, escapes, rich text) is put, each different cell once, into a small workbook with the
styles and settings of the file, and the usual reader says what it is. So the two ways cannot differ in what a cell
means. Where this way is not sure the answer is None, and the usual reader takes the whole file.
"""

from __future__ import annotations

import re
import zipfile
from dataclasses import dataclass, field
from io import BytesIO

import numpy as np
import polars as pl

from recon.reading import xlsx_grid
from recon.reading.frame_grid import FrameGrid
from recon.reading.grid import DAMAGED, FORMULA, Grid
from recon.reading.sheet_cells import EMPTY, NUMBER, ODD, OTHER, SHARED, TEXT, Cells, Form, sheet_cells
from recon.reading.sheet_texts import Strings, shared_strings
from recon.reading.xml_block import PLAIN, Numbers

HEAD = 400  # rows that are kept as lists: titles, preambles and headers stand there
MAX_QUESTIONS = 2_000_000
MAX_DIGITS = 15  # more of them a number does not hold exactly
_SHORT = r"^(?:0|-?[1-9][0-9]*|-?(?:0|[1-9][0-9]*)\.[0-9]*[1-9])$"  # as number_text writes numbers
_ZEROS = r"^(?:(0|-?[1-9][0-9]*)\.0+|(-?(?:0|[1-9][0-9]*)\.[0-9]*[1-9])0+)$"  # with zeros at the end, which it drops
_FLOAT = re.compile(r"-?\d{1,20}(?:\.\d{1,30})?(?:[Ee][+-]?\d{1,2})?", re.ASCII)
_LETTERS = [b"%c" % letter for letter in range(ord("A"), ord("Z") + 1)]  # columns of the questions
_ENTITIES = {"&lt;": "<", "&gt;": ">", "&quot;": '"', "&apos;": "'", "&amp;": "&"}  # the last one must be the last
_STRANGE = re.compile(r"&(?!(?:lt|gt|quot|apos|amp);)|_x")
_STRINGS = "sharedstrings.xml"
_NEEDED = (_STRINGS, "workbook.xml", "styles.xml", ".rels", "[content_types].xml")  # whatever their size
_SIGN = "recon:%d"  # in the first cell of every sheet of the small workbook, and after its strings


@dataclass
class Package:
    """A workbook: the cells of the sheets that are read as columns, its strings, and all other parts a reader needs."""

    sheets: dict[str, Cells] = field(default_factory=dict)  # by the name of the part in the archive
    strings: Strings | None = None
    strings_name: str = ""  # "" where the strings are among the other parts
    others: dict[str, bytes] = field(default_factory=dict)
    asked: list[bytes] = field(default_factory=list)  # strings that the usual reader has to read
    rest: int = 0  # sheets that are read in the usual way

    def add(self, name: str, xml: bytes, *, is_sheet: bool) -> bool:
        """Take a part; whether it is a sheet that can be read as columns."""
        cells = sheet_cells(xml) if is_sheet else None
        if cells is not None and _is_small(cells):
            self.sheets[name] = cells
        elif is_sheet or len(xml) < 1 << 20 or name.lower().endswith(_NEEDED):
            self.others[name] = xml
            self.rest += is_sheet
        return name in self.sheets

    def is_whole(self) -> bool:
        """Whether all the cells' texts are there, once all parts are; then the strings are read too."""
        known = [name for name in self.others if name.lower().endswith(_STRINGS)]
        if len(known) == 1:
            self.strings = shared_strings(self.others[known[0]])
            if self.strings is not None and not self.rest:
                self.strings_name = known[0]
                del self.others[known[0]]
        shared = any(form.holds == SHARED for cells in self.sheets.values() for form in cells.forms)
        return bool(self.sheets) and (self.strings is not None or not shared)


def _is_small(cells: Cells) -> bool:
    """Whether the rectangle of the cells is none that the usual reader would refuse or treat otherwise."""
    columns = max(26, int(cells.column.max(initial=0)))
    return len(cells.form) <= xlsx_grid.MAX_CELLS and (
        int(cells.numbers.max(initial=1)) * columns <= xlsx_grid.MAX_SPAN)


class _Unsure(Exception):
    """Columns cannot vouch for the file."""


class _Questions(dict[bytes, int]):
    """Cells for the usual reader, from behind their reference on, each different one once, with their numbers."""

    def ask(self, cell: bytes) -> int:
        """The number of this question."""
        return self.setdefault(cell, len(self))


@dataclass
class _Answers:
    """What the usual reader said: the text and mark of each question, and each sheet with what surrounds its cells."""

    texts: list[str]
    marks: dict[int, str]
    sheets: list[tuple[str, Grid]]  # (part that was read as columns or "", grid)
    merged: dict[str, list[tuple[int, int, int, int]]]


@dataclass
class _Choice:
    """Which text each of ``texts`` becomes: ``at`` counts through ``texts`` and then ``extra``."""

    texts: pl.Series
    at: Numbers
    count: int  # of ``texts``
    extra: dict[str, int] = field(default_factory=dict)
    marks: dict[int, str] = field(default_factory=dict)
    asked: list[tuple[Numbers, list[int], Numbers]] = field(default_factory=list)  # (which, questions, which of these)

    def add(self, text: str) -> int:
        """The place of a text that is not among ``texts``."""
        return self.count + self.extra.setdefault(text, len(self.extra))

    def take(self, answers: _Answers) -> None:
        """Put in what was asked."""
        for which, questions, at in self.asked:
            self.at[which] = np.array([self.add(answers.texts[each]) for each in questions])[at]
            if not answers.marks.keys().isdisjoint(questions):
                marks = [answers.marks.get(each) for each in questions]
                marked = np.flatnonzero(np.array([mark is not None for mark in marks])[at])
                for text, number in zip(which[marked].tolist(), at[marked].tolist(), strict=True):
                    self.marks[text] = marks[number] or ""
        self.asked = []

    def pool(self) -> pl.Series:
        """All texts that ``at`` counts through."""
        return pl.concat([self.texts, pl.Series(list(self.extra), dtype=pl.String)])


def read_frames(package: Package, names: dict[str, str], notes: xlsx_grid.Notes) -> list[Grid] | None:
    """The grids of a workbook, None where the usual reader must take the whole file.

    ``names``: sheet name -> part; ``notes`` of the sheets that are not read as columns.
    """
    try:
        return _read(package, names, notes)
    except BaseException as error:  # see xlsx_grid._first_that_reads
        if isinstance(error, MemoryError) or not (
                isinstance(error, Exception) or type(error).__name__ == "PanicException"):
            raise
        return None


def _read(package: Package, names: dict[str, str], notes: xlsx_grid.Notes) -> list[Grid]:
    questions = _Questions()
    strings, string_at = _choose_strings(package, questions)
    choices = {part: _choose_texts(cells, questions) for part, cells in package.sheets.items()}
    styles = {form.style for cells in package.sheets.values() for form in cells.forms if form.holds == NUMBER}
    probes = {style: [questions.ask(_number(style, number)) for number in (b"1", b"1.5")] for style in styles}
    first = _answers(package, names, notes, questions)
    plain = {style for style, asked in probes.items() if [first.texts[each] for each in asked] == ["1", "1.5"]}
    for choice in (strings, *choices.values()):
        choice.take(first)
    more = _Questions()
    for part, cells in package.sheets.items():
        _choose_numbers(cells, choices[part], plain, more)
    if more:
        second = _answers(package, names, {}, more)
        for choice in choices.values():
            choice.take(second)
    shared = strings.pool(), strings.at[string_at]
    grids = []
    for part, grid in first.sheets:
        if part:
            choice = choices.pop(part)  # twice the same part: KeyError, and the usual reader takes it
            grid = _grid(grid, package.sheets[part], choice, shared, first.merged[part])
        grids.append(grid)
    if choices:
        raise _Unsure
    return grids


def _number(style: bytes, number: bytes) -> bytes:
    return (b' s="%b"' % style if style else b"") + b"><v>" + number + b"</v></c>"


# ----------------------------------------------------------------------------------------------- what a cell becomes


def _choose_strings(package: Package, questions: _Questions) -> tuple[_Choice, Numbers]:
    """(what the shared strings become, for each of them which of these)."""
    strings = package.strings
    if strings is None:
        return _choice(pl.Series(dtype=pl.String)), np.zeros(0, np.int64)
    count = len(strings.texts.texts)
    texts = pl.concat([strings.texts.texts, pl.Series([""] * len(strings.odd), dtype=pl.String)])
    choice = _choice(texts)
    asked = np.concatenate([_tidy(choice, strings.texts.state), count + np.arange(len(strings.odd))])
    at = np.where(strings.value >= 0, strings.value, count - 1 - strings.value)
    if len(asked):
        if package.strings_name:  # the small workbook has these strings alone, in this order
            escaped = choice.texts.gather(asked[asked < count]).to_list()
            package.asked = [b'<si><t xml:space="preserve">%b</t></si>' % text.encode() for text in escaped]
            package.asked += strings.odd
            numbers = np.arange(len(asked))
        else:
            index = np.empty(len(at), np.int64)
            index[at] = np.arange(len(at))
            numbers = index[asked]
        cells = [b' t="s"><v>%d</v></c>' % number for number in numbers.tolist()]
        choice.asked.append((asked, [questions.ask(cell) for cell in cells], np.arange(len(cells))))
    return choice, at


def _choose_texts(cells: Cells, questions: _Questions) -> _Choice:
    """What the texts and the odd cells of a sheet become; numbers are taken as they stand for now."""
    count = len(cells.texts.texts)
    choice = _choice(pl.concat([cells.texts.texts, pl.Series([""] * len(cells.odd), dtype=pl.String)]))
    form = cells.form[cells.own]
    holds = cells.holds_of(form)
    state = cells.texts.state * (holds == TEXT)
    asked = np.concatenate([_tidy(choice, state), np.flatnonzero(holds == OTHER)])
    for each in _present(form[asked]):
        _ask(choice, asked[form[asked] == each], cells.forms[each], questions)
    if cells.odd:
        numbers = np.arange(len(cells.odd))
        choice.asked.append((count + numbers, [questions.ask(each) for each in cells.odd], numbers))
    return choice


def _choose_numbers(cells: Cells, choice: _Choice, plain: set[bytes], questions: _Questions) -> None:
    """What the numbers of a sheet become, where ``plain`` are the styles that do not make dates of them."""
    form = cells.form[cells.own]
    number = np.array([each.holds == NUMBER for each in cells.forms], bool)[form]
    if not number.any():
        return
    dated = np.array([each.holds == NUMBER and each.style not in plain for each in cells.forms], bool)[form]
    for each in _present(form[dated]):
        _ask(choice, np.flatnonzero(form == each), cells.forms[each], questions)
    which = np.flatnonzero(number & ~dated & (cells.texts.state != PLAIN))
    if not len(which):
        return
    different, at = _different(choice.texts.gather(which))
    cut = different.str.replace(_ZEROS, "${1}${2}")
    sure = (different.str.len_bytes() <= MAX_DIGITS) & cut.str.contains(_SHORT)
    values, damaged = list[int](), np.zeros(len(different), bool)
    triples = zip(different.to_list(), cut.to_list(), sure.to_list(), strict=True)
    for position, (text, short, is_sure) in enumerate(triples):
        if is_sure:
            values.append(choice.add(short))
        elif _FLOAT.fullmatch(text):
            values.append(choice.add(xlsx_grid.number_text(float(text))))
            damaged[position] = abs(float(text)) >= xlsx_grid.EXACT
        else:
            values.append(-1)
    known = np.array(values)[at]
    choice.at[which] = known
    choice.marks |= dict.fromkeys(which[damaged[at]].tolist(), DAMAGED)
    unknown = which[known < 0]
    for each in _present(form[unknown]):
        _ask(choice, unknown[form[unknown] == each], cells.forms[each], questions)


def _choice(texts: pl.Series) -> _Choice:
    return _Choice(texts, np.arange(len(texts)), len(texts))


def _tidy(choice: _Choice, state: Numbers) -> Numbers:
    """Take texts without padding, guards, hidden characters and the five escapes of XML; those with other escapes."""
    which = np.flatnonzero(state)
    if not len(which):
        return which
    different, at = _different(choice.texts.gather(which))
    values = np.array([-1 if (tidy := _tidied(each)) is None else choice.add(tidy) for each in different.to_list()])[at]
    choice.at[which] = values
    return which[values < 0]


def _tidied(text: str) -> str | None:
    if _STRANGE.search(text):
        return None
    if "&" in text:
        for entity, plain in _ENTITIES.items():
            text = text.replace(entity, plain)
    return xlsx_grid.cell_text(text)


def _ask(choice: _Choice, which: Numbers, form: Form, questions: _Questions) -> None:
    """Ask what some texts of one form mean."""
    different, at = _different(choice.texts.gather(which))
    numbers = [questions.ask(form.around(each.encode())) for each in different.to_list()]
    choice.asked.append((which, numbers, at))


def _present(form: Numbers) -> list[int]:
    """The different forms among these, none of which is -1."""
    return np.flatnonzero(np.bincount(form)).tolist()


def _different(texts: pl.Series) -> tuple[pl.Series, Numbers]:
    """(the different ones of ``texts``, for each text which of them it is)."""
    frame = texts.alias("text").to_frame()
    different = frame.unique(maintain_order=True).with_row_index("at")
    at = frame.join(different, on="text", how="left", maintain_order="left").get_column("at")
    return different.get_column("text"), at.to_numpy().astype(np.int64)


# ------------------------------------------------------------------------------------------------- the small workbook


def _answers(package: Package, names: dict[str, str], notes: xlsx_grid.Notes, questions: _Questions) -> _Answers:
    """What the usual reader makes of the ``questions``, in a workbook that is otherwise as small as can be."""
    if len(questions) > MAX_QUESTIONS:
        raise _Unsure
    strings = package.strings if package.strings_name else None
    cells, sink, sheets = [*questions], BytesIO(), list(package.sheets)
    if strings:
        cells.append(b' t="s"><v>%d</v></c>' % len(package.asked))  # the signed one
    with zipfile.ZipFile(sink, "w") as archive:
        for name, content in package.others.items():
            archive.writestr(name, content)
        for number, (name, sheet) in enumerate(package.sheets.items()):
            sign = b'<row r="1"><c r="A1" t="inlineStr"><is><t>%b</t></is></c></row>' % (_SIGN % number).encode()
            xml = sheet.head + sign + (b"" if number else _rows(cells)) + sheet.tail
            archive.writestr(name, xml)
            if not number:
                own = xlsx_grid.notes_of(xml)
        if strings:
            last = b"<si><t>%b</t></si>" % (_SIGN % 0).encode()
            archive.writestr(package.strings_name, strings.head + b"".join(package.asked) + last + strings.tail)
    keys = {xlsx_grid.part_key(name): name for name in sheets}
    answers = _Answers([""] * len(questions), {}, [], {})
    for name, hidden, source in xlsx_grid.worksheets(sink.getvalue()):
        part = keys.get(names[name], "")
        grid = xlsx_grid.grid_of(name, source, own if part == sheets[0] else {} if part else notes.get(name, {}))
        if part:
            if grid.rows[0] != [_SIGN % sheets.index(part)]:
                raise _Unsure
            answers.merged[part] = xlsx_grid.merged_in(source)
        if part == sheets[0]:
            _take(grid, answers, signed=strings is not None)
        grid.hidden = hidden
        answers.sheets.append((part, grid))
    return answers


def _rows(cells: list[bytes]) -> bytes:
    """Cells in rows of as many as there are letters, from the second row on."""
    rows, wide = [], len(_LETTERS)
    for number, start in enumerate(range(0, len(cells), wide), 2):
        pairs = zip(_LETTERS, cells[start:start + wide], strict=False)
        row = b"".join([b'<c r="%b%d"%b' % (letter, number, cell) for letter, cell in pairs])
        rows.append(b'<row r="%d">%b</row>' % (number, row))
    return b"".join(rows)


def _take(grid: Grid, answers: _Answers, *, signed: bool) -> None:
    """The answers out of the grid of the questions."""
    wide, count = len(_LETTERS), len(answers.texts)
    numbers = [int(place.rpartition("!R")[2]) - 2 for place in grid.places]
    answers.texts.append("")
    for number, row in zip(numbers[1:], grid.rows[1:], strict=True):
        answers.texts[number * wide:number * wide + len(row)] = row
    if answers.texts[count:] != [_SIGN % 0 if signed else ""]:
        raise _Unsure
    answers.marks = {numbers[row] * wide + column: mark for (row, column), mark in grid.marks.items()}
    if FORMULA in answers.marks.values():  # the row may end in a cell without text, which a column cannot hold
        raise _Unsure


# -------------------------------------------------------------------------------------------------------- the columns


def _grid(
    sheet: Grid, cells: Cells, choice: _Choice, shared: tuple[pl.Series, Numbers],
    merged: list[tuple[int, int, int, int]],
) -> Grid:
    """The rows of a sheet that have any text or mark, as columns."""
    strings, string_at = shared
    mine = choice.pool()
    pool = pl.concat([mine, strings, pl.Series([""], dtype=pl.String)], rechunk=True)
    filled = (pool.str.len_bytes() > 0).to_numpy()
    holds, count = cells.holds_of(cells.form), len(cells.texts.texts)
    indexed, odd = np.flatnonzero((holds == SHARED) & (cells.value >= 0)), np.flatnonzero(holds == ODD)
    at: Numbers = np.full(len(cells.form), len(pool) - 1, np.int64)
    at[cells.own] = choice.at[:count]
    at[odd] = choice.at[count + cells.value[odd]]
    at[indexed] = len(mine) + string_at[cells.value[indexed]]  # IndexError beyond the last string, as every reader
    has_text = filled[at]
    left = _first_column(cells, holds, at, filled)
    if left is None:
        sheet.rows, sheet.places, sheet.marks = [], [], {}
        return sheet
    cell_of = np.concatenate([cells.own, odd])  # odd cells are numbered as they come
    marked = {int(cell_of[each]): mark for each, mark in choice.marks.items()}
    kept = np.zeros(len(cells.numbers), bool)
    kept[cells.row[has_text]] = True
    kept[cells.row[list(marked)]] = True
    numbers, index = cells.numbers[kept], np.cumsum(kept) - 1
    sheet.rows, sheet.places = [], []
    sheet.marks = {(int(index[cells.row[each]]), int(cells.column[each]) - left): mark for each, mark in marked.items()}
    column, row = cells.column, cells.row
    if not has_text.all():
        column, row, at = column[has_text], row[has_text], at[has_text]
    if not kept.all():
        row = index[row]
    frame = _frame(column, row, at, pool, left, len(numbers))
    head = min(HEAD, len(numbers))
    for line, number in zip(frame.head(head).rows(), numbers[:head].tolist(), strict=True):
        texts = list(line)
        while texts and not texts[-1]:
            texts.pop()
        sheet.rows.append(texts)
        sheet.places.append(f"{sheet.name}!R{number}")
    whole = FrameGrid.over(sheet, frame.slice(head), pl.Series(numbers[head:]), f"{sheet.name}!R")
    xlsx_grid.merge(whole, merged, left, numbers.tolist() if merged else [])
    return whole


def _first_column(cells: Cells, holds: Numbers, at: Numbers, filled: Numbers) -> int | None:
    """The first column with a value, where the rows of the usual reader begin; None where no cell has one."""
    least = int(cells.column.min())
    first = np.flatnonzero(cells.column == least)
    if ((cells.value[first] >= 0) & filled[at[first]] & (holds[first] != ODD)).any():
        return least
    valued = (cells.value >= 0) & (filled[at] | (holds == NUMBER) | (holds == OTHER) | (holds == TEXT))
    sure = cells.column[valued & (holds != ODD) & ((holds != SHARED) | filled[at])]
    void = np.array([*(each.holds == NUMBER or (each.holds == EMPTY and b" t=" not in each.attributes)
                       for each in cells.forms), False], bool)[cells.form] & (cells.value < 0)
    doubtful = cells.column[~void]
    if not len(sure):
        if len(doubtful):
            raise _Unsure
        return None
    if doubtful.min() < sure.min():
        raise _Unsure
    return int(sure.min())


def _frame(column: Numbers, row: Numbers, at: Numbers, pool: pl.Series, left: int, height: int) -> pl.DataFrame:
    """The columns of texts from column ``left`` on, of which the last one of ``pool`` stands where there is no cell."""
    width = int(column.max(initial=left - 1)) - left + 1
    places = np.full(width * height, len(pool) - 1, np.uint32)
    begins = (np.arange(left + width) - left) * height  # of each column
    places[begins[column] + row] = at
    columns = places.reshape(width, height)
    return pl.DataFrame([pool.gather(pl.Series(each)).alias(str(name)) for name, each in enumerate(columns)])
