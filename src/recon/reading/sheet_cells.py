"""The cells of a large regular worksheet in columns, cut out of its XML without a Python object for every cell.

Only what the common writers make is taken: ``<row r="2" …>`` with ``<c r="A2" s="1" t="s"><v>…</v></c>`` or an inline
string, row by row and cell by cell in order. A cell of another shape is kept as it stands for the usual reader. The
proof that nothing was overlooked is a count: the ``<`` of all shapes that were recognised are all there are, so no text
has markup in it. Anything else and the answer is None: the usual reader takes the whole sheet.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any
from xml.parsers import expat

import numpy as np
import numpy.typing as npt
import polars as pl

Numbers = npt.NDArray[Any]

EMPTY, TEXT, SHARED, NUMBER, OTHER, ODD = range(6)  # what a cell holds; OTHER: truth values, errors, ISO dates
PLAIN, UNTIDY, ESCAPED = range(3)  # a text as it stands; with padding, guards, hidden characters; with escapes
MAX_ROW, MAX_COLUMN, MAX_ODD, MAX_FORMS = 1_048_576, 16_384, 20_000, 400
_BLOCK = 1 << 20
_HEAD = 1 << 16  # bytes in which the rows or strings begin
_PAD = 320  # bytes beyond the end of a block that may be looked at
_END, _NEVER = b"\x1e", "\x1f"  # of a text and of a cell, between the texts of a block; no sheet that is taken has them
_TYPES = {b"": NUMBER, b"n": NUMBER, b"s": SHARED, b"str": TEXT, b"inlineStr": TEXT, b"b": OTHER, b"e": OTHER,
          b"d": OTHER}
_ATTRIBUTES = rb'((?: [A-Za-z0-9:]+="[^"<>&]*")*)'
_FORMULA = rb'<f(?: [A-Za-z0-9:]+="[^"<>&]*")*'
_CELL = re.compile(_ATTRIBUTES + rb"(?:/>|></c>|><v>|>" + _FORMULA + rb"/><v>|>" + _FORMULA
                   + rb'>|><is><t(?: xml:space="preserve")?>)')
_ROW = re.compile(_ATTRIBUTES + rb"(?:/>|>\n?</row>|>\n?<c)")
_STRING = re.compile(rb'(<t(?: xml:space="preserve")?>)')
_ATTRIBUTE = re.compile(rb' ([A-Za-z0-9:]+)="([^"]*)"')
_NO_CELL = re.compile(rb"<c[>/\s]|</c>.|</?row|</?sheetData|<[!?]", re.DOTALL)  # where one cell should stand
_NO_ESCAPE = re.compile(  # of any character up to U+CFFF
    rb"&(?!(?:lt|gt|quot|apos|amp|#[1-9][0-9]{0,3}|#[1-4][0-9]{4}"
    rb"|#x[1-9A-Fa-f][0-9A-Fa-f]{0,2}|#x[1-9A-Ca-c][0-9A-Fa-f]{3});)")
_NO_STRING = re.compile(rb"<si\b|</si>.|</?sst|<[!?]", re.DOTALL)
_PHONETIC = re.compile(rb'</t><phoneticPr(?: [A-Za-z]+="\w*")*/></si>')  # Excel writes it to every Chinese text typed
_HIDDEN = re.compile(rb' hidden="(?:1|true)"')
_UNTIDY = r"[\x{7f}-\x{9f}\x{ad}\x{180e}\x{200b}-\x{200f}\x{2060}-\x{2063}\x{feff}]"  # what glyphs.clean takes out


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


_V, _T, _SI = b"</v></c>", b"</t></is></c>", b"</t></si>"


@dataclass
class Texts:
    """Texts in the order in which they stand, and how each must be treated (PLAIN, UNTIDY, ESCAPED)."""

    texts: pl.Series = field(default_factory=lambda: pl.Series(dtype=pl.String))
    state: Numbers = field(default_factory=lambda: np.zeros(0, np.uint8))


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


@dataclass
class Strings:
    """Shared strings: a position in ``texts`` each, or -1 - position in ``odd``."""

    value: Numbers
    texts: Texts
    odd: list[bytes]
    head: bytes  # the XML before and after them
    tail: bytes


class _Irregular(Exception):
    """Not the XML this module is sure of."""


# What odd bytes may lead to besides: places that do not exist, lists that do not fit together, text that is not UTF-8.
_NOT_REGULAR = (_Irregular, LookupError, ValueError, pl.exceptions.PolarsError, pl.exceptions.PanicException)


def sheet_cells(xml: bytes) -> Cells | None:
    """The cells of a worksheet part; None where it must be read in the usual way."""
    found = _found(xml, rb"<(\w+:)?sheetData>", b"sheetData")
    if found is None or found.tail.count(b"sheetData") > 1:
        return None
    sheet, last = _Sheet(), 0
    try:
        for first, beyond in _cut(found, b"<row"):
            last = sheet.add(_Block(found.xml, first, beyond), last)
        return sheet.cells(found.head, found.tail)
    except _NOT_REGULAR:
        return None


def shared_strings(xml: bytes) -> Strings | None:
    """The strings of a shared strings part; None where it must be read in the usual way."""
    found = _found(xml, rb"<(\w+:)?sst\b[^<>]*[^/<>]>\s*(?=<(?:\w+:)?si>)", b"sst")
    if found is None:
        return None
    values, texts, odd = [], _Gathered(), list[bytes]()
    try:
        for first, beyond in _cut(found, b"<si>"):
            count = texts.count
            value, more = _strings(_Block(found.xml, first, beyond), texts)
            values.append(np.where(value >= 0, value + count, value - len(odd)))
            odd += more
        return Strings(np.concatenate(values), texts.texts(), odd, found.head, found.tail)
    except _NOT_REGULAR:
        return None


@dataclass
class _Inside:
    """What stands inside an element of a part, from ``start`` to ``end`` of ``xml``, and what stands around it."""

    xml: bytes
    start: int
    end: int
    head: bytes
    tail: bytes


def _found(xml: bytes, opener: bytes, name: bytes) -> _Inside | None:
    """The inside of the element ``name`` that ``opener`` (a pattern; its group is the prefix) finds; None: no such."""
    found = re.search(opener, xml[:_HEAD])
    if found is None:
        return None
    prefix = found[1] or b""
    start, end = found.end(), xml.rfind(b"</" + prefix + name + b">")
    head, tail = xml[:start], xml[max(end, 0):]
    if end <= start or not _is_utf8(head):
        return None
    return _Inside(*_bare(xml, start, end, prefix), head, tail)


def _is_utf8(head: bytes) -> bool:
    """Whether the head of a part declares UTF-8 or nothing, and is free of what could hide markup."""
    said = re.search(rb"""\A(?:\xef\xbb\xbf)?<\?xml[^>]*\bencoding\s*=\s*["']([^"']*)""", head)
    return (said is None or said[1].lower() == b"utf-8") and b"<!" not in head


def _bare(xml: bytes, start: int, end: int, prefix: bytes) -> tuple[bytes, int, int]:
    """(text, start, end) of the same XML without the prefix that some writers put on every element."""
    if prefix:
        xml = xml[start:end].replace(b"<" + prefix, b"<").replace(b"</" + prefix, b"</")
        start, end = 0, len(xml)
    return xml, start, end


def _cut(inside: _Inside, name: bytes) -> Iterator[tuple[int, int]]:
    """Pieces of what stands inside that begin with the element ``name``."""
    xml, start, end = inside.xml, inside.start, inside.end
    if not xml.startswith(name, start):
        raise _Irregular
    while start < end:
        beyond = xml.find(name, start + _BLOCK, end)
        beyond = end if beyond < 0 else beyond
        yield start, beyond
        start = beyond


class _Block:
    """A piece of XML as bytes and as words of eight bytes at every place."""

    def __init__(self, xml: bytes, first: int, beyond: int) -> None:
        self.size = beyond - first
        self.raw = xml[first:beyond + _PAD]
        if len(self.raw) < self.size + _PAD:
            self.raw += bytes(_PAD)
        self.bytes: Numbers = np.frombuffer(self.raw, np.uint8)
        self.words: Numbers = np.ndarray((len(self.raw) - 7,), "<u8", self.raw, 0, (1,))
        if self.bytes[:self.size].min(initial=32) < 32:
            odd = self.raw[:self.size].translate(None, b"\t\n")
            if min(odd, default=32) < 32:
                raise _Irregular
        if b"&" in self.raw and _NO_ESCAPE.search(self.raw, 0, self.size):
            raise _Irregular
        self.marks: Numbers = self.bytes == ord("<")
        self.marks[self.size:] = False

    def named(self, name: bytes) -> Numbers:
        """Where ``name``, which begins with <, stands; two of them are never nearer than eight bytes."""
        size = self.size + -self.size % 8
        found = self.marks[:size] & (self.bytes[1:size + 1] == name[1])
        # Eight at a time: most eights have none. The byte that is 1 says which of the eight it is.
        eights = found.view("<u8")
        some = np.flatnonzero(eights != 0)
        hits = eights[some]
        lowest = hits & (~hits + np.uint64(1))
        places: Numbers = (some << 3) + (np.bitwise_count(lowest - np.uint64(1)) >> 3)
        if (hits != lowest).any():
            places = np.flatnonzero(found)
        return places[self.is_at(places, name)] if len(name) > 2 else places

    def is_at(self, places: Numbers, text: bytes) -> Numbers:
        """Whether ``text`` stands at each of the places."""
        mask, word = _word(text[:8])
        found: Numbers = (self.words[places] & mask if len(text) < 8 else self.words[places]) == word
        for at in range(8, len(text), 8):
            mask, word = _word(text[at:at + 8])
            found &= (self.words[places + at] & mask) == word
        return found

    def match(self, places: Numbers, pattern: re.Pattern[bytes], known: dict[bytes, int]) -> tuple[Numbers, list[int]]:
        """Which text of ``pattern`` stands at each place, as its number in ``known`` (-1: none), added to there.

        Also how often each of ``known`` was found. No text of the pattern may be the beginning of another.
        """
        out = np.full(len(places), -1, np.int16)
        todo: Numbers | None = None  # all of them
        left, firsts = places, self.words[places]
        counts, untried, strange = [0] * len(known), list(known), 0
        while len(left):
            if untried:
                text = untried.pop(0)
            elif found := pattern.match(self.raw, left[0]):
                text = found[0]
                if len(text) > _PAD - 8 or len(known) == MAX_FORMS:
                    raise _Irregular
                known[text] = len(known)
                counts.append(0)
            else:
                strange += 1
                todo = np.arange(len(places))[1:] if todo is None else todo[1:]
                left, firsts = left[1:], firsts[1:]
                if strange > MAX_ODD // 10:
                    raise _Irregular
                continue
            mask, word = _word(text[:8])
            same = (firsts & mask) == word
            if len(text) > 8:
                same[same] = self.is_at(left[same] + 8, text[8:])
            count = counts[known[text]] = int(np.count_nonzero(same))
            if not count:
                continue
            if todo is None:
                out[same] = known[text]
            else:
                out[todo[same]] = known[text]
            if count == len(left):
                break
            other = np.flatnonzero(~same)
            todo = other if todo is None else todo[other]
            left, firsts = left[other], firsts[other]
        return out, counts

    def edges(self, starts: Numbers, ends: Numbers) -> Numbers:
        """The state of each text as far as its first and last characters tell."""
        first, last = _EDGE[self.bytes[starts]], self.bytes[ends - 1]
        # White space beyond ASCII ends in three bytes from E1, E2 or E3 on, or in two from C2 on.
        untidy = first | (last <= 32) | (self.bytes[ends - 2] == 0xC2) | (self.bytes[ends - 3] - 0xE1 < 3)
        state: Numbers = untidy.astype(np.uint8)
        return state

    def lengthy(self, starts: Numbers, ends: Numbers) -> Numbers:
        """PLAIN for each number of up to eight digits that is written as short as can be, else UNTIDY."""
        lengths = ends - starts
        mask = _MASKS[np.minimum(lengths, 8)]
        words = self.words[starts]
        other = (words ^ _each(ord("."))) | ~mask
        points = ~(((other & _each(0x7F)) + _each(0x7F)) | other | _each(0x7F))  # 0x80 where a point stands
        digits = (words ^ _each(ord("0"))) & mask & ~((points >> np.uint64(7)) * np.uint64(0xFF))
        first, last = self.bytes[starts], self.bytes[ends - 1]
        point = points != 0
        bad = (lengths > 8) | ((points & (points - np.uint64(1))) != 0) | _no_digits(digits)
        bad |= (first == ord(".")) | (point & ((last == ord("0")) | (last == ord("."))))
        bad |= (first == ord("0")) & (lengths > 1) & (self.bytes[starts + 1] != ord("."))
        state: Numbers = bad.astype(np.uint8)
        return state

    def doubts(self) -> list[tuple[str, bool, int]]:
        """(what to look for in texts, whether that is no pattern, the state of a text that has it)."""
        found = [(_UNTIDY, False, UNTIDY)] if self._hides() else []
        return found + [(escape, True, ESCAPED) for escape in ("&", "_x")
                        if escape[:1].encode() in self.raw and escape.encode() in self.raw]

    def _hides(self) -> bool:
        """Whether some character may stand there that shows nothing."""
        if b"\x7f" in self.raw:
            return True
        for lead, follow in _FOLLOW.items():
            if lead in self.raw:
                places = np.flatnonzero(self.bytes[:self.size] == lead[0])
                second, third = self.bytes[places + 1], self.bytes[places + 2]
                if any(((second == a) & (third >= b) & (third <= c)).any() for a, b, c in follow):
                    return True
        return False


_EDGE = np.zeros(256, bool)  # bytes at the beginning of a text that may have padding or a guard
_EDGE[[*range(33), *b"'=", 0xC2, 0xE1, 0xE2, 0xE3]] = True
_FOLLOW = {  # first byte -> second byte, third byte from, to
    b"\xc2": [(second, 0, 255) for second in (*range(0x80, 0xA0), 0xAD)],
    b"\xe1": [(0xA0, 0x8E, 0x8E)],
    b"\xe2": [(0x80, 0x8B, 0x8F), (0x81, 0xA0, 0xA3)],
    b"\xef": [(0xBB, 0xBF, 0xBF)],
}


def _word(text: bytes) -> tuple[np.uint64, np.uint64]:
    """(mask, value) of up to eight bytes as a word."""
    return np.uint64((1 << 8 * len(text)) - 1), np.uint64(int.from_bytes(text, "little"))


_MASKS = np.array([(1 << 8 * n) - 1 for n in range(9)], np.uint64)


def _each(byte: int) -> np.uint64:
    """A word of eight times the same byte."""
    return np.uint64(byte * 0x0101010101010101)


def _no_digits(words: Numbers) -> Numbers:
    """Whether some byte of each word is above 9."""
    found: Numbers = (((words + _each(0x80 - 10)) | words) & _each(0x80)) != 0
    return found


def _digits(words: Numbers, lengths: Numbers) -> Numbers:
    """The numbers whose 1 to 8 digits are the first bytes of ``words``."""
    if ((lengths < 1) | (lengths > 8)).any():
        raise _Irregular
    value = (words ^ _each(ord("0"))) << (np.uint64(8) * (8 - lengths).astype(np.uint64))
    if _no_digits(value).any():
        raise _Irregular
    value = value * np.uint64(10) + (value >> np.uint64(8))
    pairs = np.uint64(0x000000FF000000FF)
    value = (value & pairs) * np.uint64(0x000F424000000064) + ((value >> np.uint64(16)) & pairs) * np.uint64(
        0x0000271000000001)
    return (value >> np.uint64(32)).astype(np.int64)


def _until_quote(words: Numbers) -> Numbers:
    """How many bytes of each word stand before its first quotation mark; 8 where it has none."""
    other = words ^ _each(ord('"'))
    zero = (other - _each(1)) & ~other & _each(0x80)
    lowest = zero & (~zero + np.uint64(1))
    return np.where(zero == 0, 8, np.bitwise_count(lowest - np.uint64(1)) >> 3).astype(np.int64)


@dataclass
class _Gathered:
    """The texts of all blocks so far, packed with a mark behind each."""

    packed: list[bytes] = field(default_factory=lambda: [b"x" + _END])  # the first one takes what a first one may lose
    states: list[Numbers] = field(default_factory=list)
    doubts: list[tuple[int, list[tuple[str, bool, int]]]] = field(default_factory=list)  # (block, see _doubts)
    count: int = 0

    def add(self, block: _Block, starts: Numbers, ends: Numbers, state: Numbers, *, has_text: bool) -> None:
        """Take the texts from ``starts`` to ``ends``, none of them empty, each at least in that state.

        ``has_text``: whether they are more than numbers.
        """
        if not len(starts):
            return
        lengths = ends - starts + 1
        beyond = np.cumsum(lengths)
        index = np.repeat(starts - beyond + lengths, lengths)
        index += np.arange(len(index))
        packed = block.bytes[index]
        packed[beyond - 1] = _END[0]
        self.packed.append(packed.tobytes())
        if has_text and (doubts := block.doubts()):
            self.doubts.append((len(self.states), doubts))
        self.states.append(state)
        self.count += len(starts)

    def texts(self) -> Texts:
        """All of them."""
        if not self.count:
            return Texts()
        texts = pl.read_csv(
            b"".join(self.packed), has_header=False, separator=_NEVER, eol_char=_END.decode(), quote_char=None,
            infer_schema=False, schema={"": pl.String},
        ).to_series()[1:]
        if len(texts) != self.count:
            raise _Irregular
        edges = np.cumsum([0, *map(len, self.states)]).tolist()
        for block, doubts in self.doubts:
            mine = texts[edges[block]:edges[block + 1]]
            for pattern, literal, state in doubts:
                found = mine.str.contains(pattern, literal=literal).to_numpy()
                self.states[block][found] = np.maximum(self.states[block][found], state)
        return Texts(texts, np.concatenate(self.states))


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
    texts: _Gathered = field(default_factory=_Gathered)

    def cells(self, head: bytes, tail: bytes) -> Cells:
        """All of them together."""
        if not self.parts:
            raise _Irregular
        numbers, row, column, form, value, own = (np.concatenate(part) for part in zip(*self.parts, strict=True))
        return Cells(numbers=numbers, row=row, column=column, form=form, value=value, own=own, texts=self.texts.texts(),
                     forms=self.forms, odd=self.odd, head=head, tail=tail, hidden=self.hidden)

    def add(self, block: _Block, last: int) -> int:
        """Take the rows of one block, which come after row ``last``; the number of the last one."""
        rows, cells = block.named(b"<row"), block.named(b"<c")
        numbers, behind = self._numbers(block, rows, last)
        firsts = np.searchsorted(cells, rows)
        if not len(rows) or rows[0] != 0 or (len(cells) and cells[0] < rows[0]):
            raise _Irregular
        counts = np.diff(firsts, append=len(cells))
        ends = np.append(rows[1:], block.size)
        ends -= block.bytes[ends - 1] == ord("\n")  # as some writers end their rows
        markup = self._rows(block, behind, ends, counts > 0, np.append(cells, block.size)[firsts])
        filled = np.flatnonzero(counts)
        if len(cells):
            places = rows[filled], behind[filled], ends[filled]
            markup += self._cells(block, cells, places, counts[filled], numbers[filled])
        if markup != np.count_nonzero(block.marks):
            raise _Irregular
        self.rows += len(filled)
        return int(numbers[-1])

    def _numbers(self, block: _Block, rows: Numbers, last: int) -> tuple[Numbers, Numbers]:
        """The number of each row and the place behind its quotation mark."""
        if not block.is_at(rows, b'<row r="').all():
            raise _Irregular
        words = block.words[rows + 8]
        lengths = _until_quote(words)
        numbers = _digits(words, lengths)
        if lengths.max() > 7 or (np.diff(numbers, prepend=last) <= 0).any() or numbers[-1] > MAX_ROW:
            raise _Irregular
        return numbers, rows + 9 + lengths

    def _rows(self, block: _Block, behind: Numbers, beyond: Numbers, filled: Numbers, first: Numbers) -> int:
        """Check the tags of the rows and count the hidden ones; how many < they have with their ends.

        ``behind``: the place behind the number of each row; ``beyond``: behind the whole row; ``first``: of the first
        cell of each row that is ``filled``.
        """
        form, counts = block.match(behind, _ROW, self.row_forms)
        if (form < 0).any():
            raise _Irregular
        names = list(self.row_forms)
        lengths = np.array([len(name) for name in names])[form]
        opens = np.array([name.endswith(b"<c") for name in names])[form]
        ends = behind + lengths
        if (opens != filled).any() or (ends[filled] - 2 != first[filled]).any() or (
                ends[~filled] != beyond[~filled]).any():
            raise _Irregular
        for name, count in zip(names, counts, strict=True):
            if not count:
                continue
            said = _ATTRIBUTE.findall(name)
            if len({key for key, _ in said}) < len(said):
                raise _Irregular
            if _HIDDEN.search(name) and not name.endswith(b"/>"):
                self.hidden += count
        return sum(count * (1 if name.endswith(b"/>") else 2) for name, count in zip(names, counts, strict=True))

    def _cells(
        self, block: _Block, cells: Numbers, rows: tuple[Numbers, Numbers, Numbers], counts: Numbers, numbers: Numbers
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
            raise _Irregular
        ends = np.append(cells[1:], block.size)
        ends[last] = beyond - 6
        if not block.is_at(ends[last], b"</row>").all():
            raise _Irregular
        form, _ = block.match(after, _CELL, self.cell_forms)
        self.forms += [_form(opener) for opener in list(self.cell_forms)[len(self.forms):]]
        form[np.isin(form, [at for at, each in enumerate(self.forms) if each.holds == ODD])] = -1
        starts, stops = self._spans(block, form, after, ends)
        value = np.full(len(cells), -1, np.int32)
        odd = np.flatnonzero(form < 0)
        if len(self.odd) + len(odd) > MAX_ODD:
            raise _Irregular
        markup = 0
        for at in odd.tolist():
            cell = block.raw[after[at]:ends[at]]
            if _NO_CELL.search(cell) or b't="s"' in cell or not _is_whole(b"<c" + cell):
                raise _Irregular
            value[at] = len(self.odd)
            self.odd.append(cell)
            markup += 1 + cell.count(b"<")
        holds = np.array([*(each.holds for each in self.forms), ODD], np.uint8)[form]
        full = stops > starts
        shared = np.flatnonzero(full & (holds == SHARED))
        value[shared] = _digits(block.words[starts[shared]], stops[shared] - starts[shared])
        void = np.array([*(each.holds == OTHER or (b"<f" in each.opener and each.holds != TEXT) for each in self.forms),
                         False])[form]
        if (void & ~full).any():  # the last: a formula that was never computed, which is marked
            raise _Irregular
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

    def _spans(self, block: _Block, form: Numbers, after: Numbers, ends: Numbers) -> tuple[Numbers, Numbers]:
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
    block: _Block, cells: Numbers, digits: Numbers, lengths: Numbers, row: Numbers
) -> tuple[Numbers, Numbers]:
    """The column of each cell, and the place behind its reference, whose row must be that of the row it stands in.

    ``digits`` and ``lengths``: where the number of each row stands, and how many bytes it has with its quotation mark.
    """
    if not block.is_at(cells, b'<c r="').all():
        raise _Irregular
    column, after = block.bytes[cells + 6].astype(np.int64) - 64, cells + 7
    if ((column < 1) | (column > 26)).any():
        raise _Irregular
    for at in (7, 8):  # columns from AA and from AAA on
        letter = block.bytes[cells + at].astype(np.int64) - 64
        more = (letter > 0) & (after == cells + at)
        if not more.any():
            break
        if letter[more].max() > 26:
            raise _Irregular
        column = np.where(more, column * 26 + letter, column)
        after += more
    mask = _MASKS[lengths]
    if ((block.words[after] & mask[row]) != (block.words[digits] & mask)[row]).any():
        raise _Irregular
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


def _is_whole(element: bytes) -> bool:
    """Whether this is one well-formed element: what is not would swallow its neighbours, and those are others here."""
    try:
        expat.ParserCreate().Parse(element, True)
    except expat.ExpatError:
        return False
    return True


def _strings(block: _Block, texts: _Gathered) -> tuple[Numbers, list[bytes]]:
    """(position in the texts or -1 - position among the odd, odd ones) of a block of shared strings."""
    known = dict[bytes, int]()
    places = block.named(b"<si>")
    ends = np.append(places[1:], block.size)
    form, _ = block.match(places + 4, _STRING, known)
    starts = places + 4 + np.array([*(len(each) for each in known), 0])[form]
    stops, markup = ends.copy(), np.zeros(len(places), np.int64)
    for ending in {_SI, *_PHONETIC.findall(block.raw)} if b"<phoneticPr" in block.raw else (_SI,):
        mine = np.flatnonzero(block.is_at(ends - len(ending), ending))
        stops[mine] -= len(ending)
        markup[mine] = 2 + ending.count(b"<")
    plain = (form >= 0) & (markup > 0) & (stops > starts)
    value = np.where(plain, np.cumsum(plain) - 1, -np.cumsum(~plain))
    odd = [block.raw[a:b] for a, b in zip(places[~plain].tolist(), ends[~plain].tolist(), strict=True)]
    if len(odd) > MAX_ODD or any(_NO_STRING.search(each, 4) or not _is_whole(each) for each in odd):
        raise _Irregular
    if markup[plain].sum() + sum(each.count(b"<") for each in odd) != np.count_nonzero(block.marks):
        raise _Irregular
    texts.add(block, starts[plain], stops[plain], block.edges(starts[plain], stops[plain]), has_text=True)
    return value, odd

