"""The XML of a part of a workbook as bytes and as words, cut into pieces, and what can be told of many places at once.

Whatever is not the XML that this is sure of raises :class:`Irregular`: the usual reader takes such a part.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from xml.parsers import expat

import numpy as np
import numpy.typing as npt
import polars as pl

MAX_ODD, MAX_FORMS = 20_000, 400
Numbers = npt.NDArray[Any]
PLAIN, UNTIDY, ESCAPED = range(3)  # a text as it stands; with padding, guards, hidden characters; with escapes
BLOCK_BYTES = 1 << 20
_HEAD = 1 << 16  # bytes in which the rows or strings begin
_PAD = 320  # bytes beyond the end of a block that may be looked at
_NO_ESCAPE = re.compile(  # of any character up to U+CFFF
    rb"&(?!(?:lt|gt|quot|apos|amp|#[1-9][0-9]{0,3}|#[1-4][0-9]{4}"
    rb"|#x[1-9A-Fa-f][0-9A-Fa-f]{0,2}|#x[1-9A-Ca-c][0-9A-Fa-f]{3});)")
_UNTIDY = r"[\x{7f}-\x{9f}\x{ad}\x{180e}\x{200b}-\x{200f}\x{2060}-\x{2063}\x{feff}]"  # what glyphs.clean takes out


class Irregular(Exception):
    """Not the XML this module is sure of."""


# What odd bytes may lead to besides: places that do not exist, lists that do not fit together, text that is not UTF-8.
NOT_REGULAR = (Irregular, LookupError, ValueError, pl.exceptions.PolarsError, pl.exceptions.PanicException)


@dataclass
class Inside:
    """What stands inside an element of a part, from ``start`` to ``end`` of ``xml``, and what stands around it."""

    xml: bytes
    start: int
    end: int
    head: bytes
    tail: bytes


def inside_of(xml: bytes, opener: bytes, name: bytes) -> Inside | None:
    """The inside of the element ``name`` that ``opener`` (a pattern; its group is the prefix) finds; None: no such."""
    found = re.search(opener, xml[:_HEAD])
    if found is None:
        return None
    prefix = found[1] or b""
    start, end = found.end(), xml.rfind(b"</" + prefix + name + b">")
    head, tail = xml[:start], xml[max(end, 0):]
    if end <= start or not _is_utf8(head):
        return None
    return Inside(*_bare(xml, start, end, prefix), head, tail)


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


def cut(inside: Inside, name: bytes) -> Iterator[tuple[int, int]]:
    """Pieces of what stands inside that begin with the element ``name``."""
    xml, start, end = inside.xml, inside.start, inside.end
    if not xml.startswith(name, start):
        raise Irregular
    while start < end:
        beyond = xml.find(name, start + BLOCK_BYTES, end)
        beyond = end if beyond < 0 else beyond
        yield start, beyond
        start = beyond


class Block:
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
                raise Irregular
        if b"&" in self.raw and _NO_ESCAPE.search(self.raw, 0, self.size):
            raise Irregular
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
                    raise Irregular
                known[text] = len(known)
                counts.append(0)
            else:
                strange += 1
                todo = np.arange(len(places))[1:] if todo is None else todo[1:]
                left, firsts = left[1:], firsts[1:]
                if strange > MAX_ODD // 10:
                    raise Irregular
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
        mask = MASKS[np.minimum(lengths, 8)]
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


MASKS = np.array([(1 << 8 * n) - 1 for n in range(9)], np.uint64)


def _each(byte: int) -> np.uint64:
    """A word of eight times the same byte."""
    return np.uint64(byte * 0x0101010101010101)


def _no_digits(words: Numbers) -> Numbers:
    """Whether some byte of each word is above 9."""
    found: Numbers = (((words + _each(0x80 - 10)) | words) & _each(0x80)) != 0
    return found


def digits_of(words: Numbers, lengths: Numbers) -> Numbers:
    """The numbers whose 1 to 8 digits are the first bytes of ``words``."""
    if ((lengths < 1) | (lengths > 8)).any():
        raise Irregular
    value = (words ^ _each(ord("0"))) << (np.uint64(8) * (8 - lengths).astype(np.uint64))
    if _no_digits(value).any():
        raise Irregular
    value = value * np.uint64(10) + (value >> np.uint64(8))
    pairs = np.uint64(0x000000FF000000FF)
    value = (value & pairs) * np.uint64(0x000F424000000064) + ((value >> np.uint64(16)) & pairs) * np.uint64(
        0x0000271000000001)
    return (value >> np.uint64(32)).astype(np.int64)


def until_quote(words: Numbers) -> Numbers:
    """How many bytes of each word stand before its first quotation mark; 8 where it has none."""
    other = words ^ _each(ord('"'))
    zero = (other - _each(1)) & ~other & _each(0x80)
    lowest = zero & (~zero + np.uint64(1))
    return np.where(zero == 0, 8, np.bitwise_count(lowest - np.uint64(1)) >> 3).astype(np.int64)


def is_whole(element: bytes) -> bool:
    """Whether this is one well-formed element: what is not would swallow its neighbours, and those are others here."""
    try:
        expat.ParserCreate().Parse(element, True)
    except expat.ExpatError:
        return False
    return True
