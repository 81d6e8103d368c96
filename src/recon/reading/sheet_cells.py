"""The cells of a large regular worksheet in columns, cut out of its XML without a Python object for every cell.

Only what the common writers make is taken: ``<row r="2" …>`` with ``<c r="A2" s="1" t="s"><v>…</v></c>`` or an inline
string, row by row and cell by cell in order. A cell of another shape is kept as it stands for the usual reader. The
proof that nothing was overlooked is a count: the ``<`` of all shapes that were recognised are all there are, so no text
has markup in it. Anything else and the answer is None: the usual reader takes the whole sheet.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

import numpy as np

from recon.reading.sheet_texts import Gathered, Texts
from recon.reading.xml_block import (
    MASKS,
    MAX_ODD,
    NOT_REGULAR,
    Block,
    Irregular,
    Numbers,
    cut,
    digits_of,
    inside_of,
    is_whole,
    until_quote,
)

EMPTY, TEXT, SHARED, NUMBER, OTHER, ODD = range(6)  # what a cell holds; OTHER: truth values, errors, ISO dates
MAX_ROW, MAX_COLUMN = 1_048_576, 16_384
_TYPES = {b"": NUMBER, b"n": NUMBER, b"s": SHARED, b"str": TEXT, b"inlineStr": TEXT, b"b": OTHER, b"e": OTHER,
          b"d": OTHER}
_ATTRIBUTES = rb'((?: [A-Za-z0-9:]+="[^"<>&]*")*)'
_FORMULA = rb'<f(?: [A-Za-z0-9:]+="[^"<>&]*")*'
_CELL = re.compile(_ATTRIBUTES + rb"(?:/>|></c>|><v>|>" + _FORMULA + rb"/><v>|>" + _FORMULA
                   + rb'>|><is><t(?: xml:space="preserve")?>)')
_ROW = re.compile(_ATTRIBUTES + rb"(?:/>|>\n?</row>|>\n?<c)")
_ATTRIBUTE = re.compile(rb' ([A-Za-z0-9:]+)="([^"]*)"')
_NO_CELL = re.compile(rb"<c[>/\s]|</c>.|</?row|</?sheetData|<[!?]", re.DOTALL)  # where one cell should stand
_HIDDEN = re.compile(rb' hidden="(?:1|true)"')
# Which of them have a text of their own.
_OWN = np.isin(np.arange(ODD + 1), (TEXT, NUMBER, OTHER))


@dataclass(frozen=True)
class Form:
    """All that stands between the reference of a cell and its text, and what it says of the text."""

    opener: bytes
    attributes: bytes
    holds: int
    style: bytes
    closer: bytes
    formula: bool  # its text stands behind a formula that differs from cell to cell

    def around(self, text: bytes) -> bytes:
        """A cell of this form with ``text``, without its formula, from behind the reference on."""
        if self.closer == _V:
            return self.attributes + b"><v>" + text + _V
        return self.attributes + b'><is><t xml:space="preserve">' + text + _T


_V, _T = b"</v></c>", b"</t></is></c>"


@dataclass
class Cells:
    """The cells of one sheet, in order. ``value`` is a position in ``texts``, in the shared strings or in ``odd``."""

    numbers: Numbers  # of the rows that have cells, ascending, from 1
    row: Numbers  # position in ``numbers``
    column: Numbers  # from 1
    form: Numbers  # position in ``forms``; -1: odd
    value: Numbers  # -1: no text
    own: Numbers  # the cell of each of ``texts``
    texts: Texts
    forms: list[Form]
    odd: list[bytes]  # whole cells, from behind the reference on
    head: bytes  # the XML before and after the rows
    tail: bytes
    hidden: int  # rows that are hidden or filtered out

    def holds_of(self, form: Numbers) -> Numbers:
        """What cells of these forms hold: EMPTY, TEXT, …"""
        return np.array([*(each.holds for each in self.forms), ODD], np.uint8)[form]


def sheet_cells(xml: bytes) -> Cells | None:
    """The cells of a worksheet part; None where it must be read in the usual way."""
    found = inside_of(xml, rb"<(\w+:)?sheetData>", b"sheetData")
    if found is None or found.tail.count(b"sheetData") > 1:
        return None
    sheet, last = _Sheet(), 0
    try:
        for first, beyond in cut(found, b"<row"):
            last = sheet.add(Block(found.xml, first, beyond), last)
        return sheet.cells(found.head, found.tail)
    except NOT_REGULAR:
        return None


@dataclass
class _Sheet:
    """What the blocks of a sheet gave so far."""

    row_forms: dict[bytes, int] = field(default_factory=dict)
    cell_forms: dict[bytes, int] = field(default_factory=dict)
    forms: list[Form] = field(default_factory=list)
    odd: list[bytes] = field(default_factory=list)
    hidden: int = 0
    rows: int = 0
    count: int = 0  # of cells
    parts: list[tuple[Numbers, ...]] = field(default_factory=list)
    texts: Gathered = field(default_factory=Gathered)

    def cells(self, head: bytes, tail: bytes) -> Cells:
        """All of them together."""
        if not self.parts:
            raise Irregular
        numbers, row, column, form, value, own = (np.concatenate(part) for part in zip(*self.parts, strict=True))
        return Cells(numbers=numbers, row=row, column=column, form=form, value=value, own=own, texts=self.texts.texts(),
                     forms=self.forms, odd=self.odd, head=head, tail=tail, hidden=self.hidden)

    def add(self, block: Block, last: int) -> int:
        """Take the rows of one block, which come after row ``last``; the number of the last one."""
        rows, cells = block.named(b"<row"), block.named(b"<c")
        numbers, behind = self._numbers(block, rows, last)
        firsts = np.searchsorted(cells, rows)
        if not len(rows) or rows[0] != 0 or (len(cells) and cells[0] < rows[0]):
            raise Irregular
        counts = np.diff(firsts, append=len(cells))
        ends = np.append(rows[1:], block.size)
        ends -= block.bytes[ends - 1] == ord("\n")  # as some writers end their rows
        markup = self._rows(block, behind, ends, counts > 0, np.append(cells, block.size)[firsts])
        filled = np.flatnonzero(counts)
        if len(cells):
            places = rows[filled], behind[filled], ends[filled]
            markup += self._cells(block, cells, places, counts[filled], numbers[filled])
        if markup != np.count_nonzero(block.marks):
            raise Irregular
        self.rows += len(filled)
        return int(numbers[-1])

    def _numbers(self, block: Block, rows: Numbers, last: int) -> tuple[Numbers, Numbers]:
        """The number of each row and the place behind its quotation mark."""
        if not block.is_at(rows, b'<row r="').all():
            raise Irregular
        words = block.words[rows + 8]
        lengths = until_quote(words)
        numbers = digits_of(words, lengths)
        if lengths.max() > 7 or (np.diff(numbers, prepend=last) <= 0).any() or numbers[-1] > MAX_ROW:
            raise Irregular
        return numbers, rows + 9 + lengths

    def _rows(self, block: Block, behind: Numbers, beyond: Numbers, filled: Numbers, first: Numbers) -> int:
        """Check the tags of the rows and count the hidden ones; how many < they have with their ends.

        ``behind``: the place behind the number of each row; ``beyond``: behind the whole row; ``first``: of the first
        cell of each row that is ``filled``.
        """
        form, counts = block.match(behind, _ROW, self.row_forms)
        if (form < 0).any():
            raise Irregular
        names = list(self.row_forms)
        lengths = np.array([len(name) for name in names])[form]
        opens = np.array([name.endswith(b"<c") for name in names])[form]
        ends = behind + lengths
        if (opens != filled).any() or (ends[filled] - 2 != first[filled]).any() or (
                ends[~filled] != beyond[~filled]).any():
            raise Irregular
        for name, count in zip(names, counts, strict=True):
            if not count:
                continue
            said = _ATTRIBUTE.findall(name)
            if len({key for key, _ in said}) < len(said):
                raise Irregular
            if _HIDDEN.search(name) and not name.endswith(b"/>"):
                self.hidden += count
        return sum(count * (1 if name.endswith(b"/>") else 2) for name, count in zip(names, counts, strict=True))

    def _cells(
        self, block: Block, cells: Numbers, rows: tuple[Numbers, Numbers, Numbers], counts: Numbers, numbers: Numbers
    ) -> int:
        """Take the cells of a block; how many < they have.

        ``rows``: where each row with cells begins, the place behind its number and the place behind it; with the
        ``counts`` of their cells, and their ``numbers``.
        """
        starts, behind, beyond = rows
        row = np.repeat(np.arange(len(counts)), counts)
        column, after = _references(block, cells, starts + 8, behind - starts - 8, row)
        last = np.cumsum(counts) - 1
        back = np.flatnonzero(column[1:] <= column[:-1])  # only where a row ends
        if (last[np.searchsorted(last, back)] != back).any() or column.max() > MAX_COLUMN:
            raise Irregular
        ends = np.append(cells[1:], block.size)
        ends[last] = beyond - 6
        if not block.is_at(ends[last], b"</row>").all():
            raise Irregular
        form, _ = block.match(after, _CELL, self.cell_forms)
        self.forms += [_form(opener) for opener in list(self.cell_forms)[len(self.forms):]]
        form[np.isin(form, [at for at, each in enumerate(self.forms) if each.holds == ODD])] = -1
        starts, stops = self._spans(block, form, after, ends)
        value = np.full(len(cells), -1, np.int32)
        odd = np.flatnonzero(form < 0)
        if len(self.odd) + len(odd) > MAX_ODD:
            raise Irregular
        markup = 0
        for at in odd.tolist():
            cell = block.raw[after[at]:ends[at]]
            if _NO_CELL.search(cell) or b't="s"' in cell or not is_whole(b"<c" + cell):
                raise Irregular
            value[at] = len(self.odd)
            self.odd.append(cell)
            markup += 1 + cell.count(b"<")
        holds = np.array([*(each.holds for each in self.forms), ODD], np.uint8)[form]
        full = stops > starts
        shared = np.flatnonzero(full & (holds == SHARED))
        value[shared] = digits_of(block.words[starts[shared]], stops[shared] - starts[shared])
        void = np.array([*(each.holds == OTHER or (b"<f" in each.opener and each.holds != TEXT) for each in self.forms),
                         False])[form]
        if (void & ~full).any():  # the last: a formula that was never computed, which is marked
            raise Irregular
        own = np.flatnonzero(full & _OWN[holds])
        value[own] = np.arange(self.texts.count, self.texts.count + len(own))
        starts, stops, text = starts[own], stops[own], holds[own] == TEXT
        state = np.zeros(len(own), np.uint8)
        state[text] = block.edges(starts[text], stops[text])
        state[~text] = block.lengthy(starts[~text], stops[~text])
        self.texts.add(block, starts, stops, state, has_text=bool(text.any()))
        self.parts.append((numbers.astype(np.int32), (row + self.rows).astype(np.int32), column.astype(np.int16), form,
                           value, own + self.count))
        self.count += len(cells)
        marks = [1 + each.opener.count(b"<") + each.closer.count(b"<") + 2 * each.formula for each in self.forms]
        return markup + int(np.array([*marks, 0])[form].sum())

    def _spans(self, block: Block, form: Numbers, after: Numbers, ends: Numbers) -> tuple[Numbers, Numbers]:
        """Where the text of each cell begins and ends; cells that do not end as their form says become odd."""
        forms = self.forms
        starts = after + np.array([*(len(each.opener) for each in forms), 0])[form]
        closers = {each.closer for each in forms}
        if len(closers) == 1:
            closer = closers.pop()
            stops = ends - len(closer)
            wrong = (stops < starts) | ~block.is_at(stops, closer) if closer else stops != starts
        else:
            stops = ends - np.array([*(len(each.closer) for each in forms), 0])[form]
            wrong = stops < starts
            for closer in closers:
                mine = np.flatnonzero(np.array([*(each.closer == closer for each in forms), False])[form])
                wrong[mine] |= ~block.is_at(stops[mine], closer) if closer else stops[mine] != starts[mine]
        if any(each.formula for each in forms):
            behind = np.flatnonzero(np.array([*(each.formula for each in forms), False])[form])
            values = block.named(b"<v>")
            values = np.append(values[block.is_at(values - 4, b"</f>")], [block.size, block.size])
            at = np.searchsorted(values, starts[behind])
            wrong[behind] |= values[at] >= stops[behind]
            starts[behind] = values[at] + 3
        wrong |= form < 0
        if wrong.any():
            form[wrong] = -1
            starts[wrong] = stops[wrong] = 0
        return starts, stops


def _references(
    block: Block, cells: Numbers, digits: Numbers, lengths: Numbers, row: Numbers
) -> tuple[Numbers, Numbers]:
    """The column of each cell, and the place behind its reference, whose row must be that of the row it stands in.

    ``digits`` and ``lengths``: where the number of each row stands, and how many bytes it has with its quotation mark.
    """
    if not block.is_at(cells, b'<c r="').all():
        raise Irregular
    column, after = block.bytes[cells + 6].astype(np.int64) - 64, cells + 7
    if ((column < 1) | (column > 26)).any():
        raise Irregular
    for at in (7, 8):  # columns from AA and from AAA on
        letter = block.bytes[cells + at].astype(np.int64) - 64
        more = (letter > 0) & (after == cells + at)
        if not more.any():
            break
        if letter[more].max() > 26:
            raise Irregular
        column = np.where(more, column * 26 + letter, column)
        after += more
    mask = MASKS[lengths]
    if ((block.words[after] & mask[row]) != (block.words[digits] & mask)[row]).any():
        raise Irregular
    return column, after + lengths[row]


def _form(opener: bytes) -> Form:
    """What the text between reference and content says."""
    found = _CELL.fullmatch(opener)
    assert found is not None
    said = dict(_ATTRIBUTE.findall(found[1]))
    kind, style = said.get(b"t", b""), said.get(b"s", b"")
    rest = opener[len(found[1]):]
    inline = rest.startswith(b"><is>")
    if said.keys() - {b"s", b"t"} or len(said) < found[1].count(b'="') or kind not in _TYPES:
        return Form(opener, found[1], ODD, style, b"", formula=False)
    if rest in (b"/>", b"></c>"):
        return Form(opener, found[1], EMPTY, style, b"", formula=False)
    if inline != (kind == b"inlineStr"):
        return Form(opener, found[1], ODD, style, b"", formula=False)
    formula = not inline and not rest.endswith(b"<v>")
    return Form(opener, found[1], _TYPES[kind], style, _T if inline else _V, formula=formula)
