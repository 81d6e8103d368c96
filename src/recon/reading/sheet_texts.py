"""The texts of a worksheet and its shared strings in columns: packed together and parsed at once (see sheet_cells)."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

import numpy as np
import polars as pl

from recon.reading.xml_block import (
    MAX_ODD,
    NOT_REGULAR,
    Block,
    Irregular,
    Numbers,
    cut,
    inside_of,
    is_whole,
)

_END, _NEVER = b"\x1e", "\x1f"  # of a text and of a cell, between the texts of a block; no sheet that is taken has them
_SI = b"</t></si>"
_STRING = re.compile(rb'(<t(?: xml:space="preserve")?>)')
_NO_STRING = re.compile(rb"<si\b|</si>.|</?sst|<[!?]", re.DOTALL)
_PHONETIC = re.compile(rb'</t><phoneticPr(?: [A-Za-z]+="\w*")*/></si>')  # Excel writes it to every Chinese text typed


@dataclass
class Texts:
    """Texts in the order in which they stand, and how each must be treated (PLAIN, UNTIDY, ESCAPED)."""

    texts: pl.Series = field(default_factory=lambda: pl.Series(dtype=pl.String))
    state: Numbers = field(default_factory=lambda: np.zeros(0, np.uint8))


@dataclass
class Strings:
    """Shared strings: a position in ``texts`` each, or -1 - position in ``odd``."""

    value: Numbers
    texts: Texts
    odd: list[bytes]
    head: bytes  # the XML before and after them
    tail: bytes


def shared_strings(xml: bytes) -> Strings | None:
    """The strings of a shared strings part; None where it must be read in the usual way."""
    found = inside_of(xml, rb"<(\w+:)?sst\b[^<>]*[^/<>]>\s*(?=<(?:\w+:)?si>)", b"sst")
    if found is None:
        return None
    values, texts, odd = [], Gathered(), list[bytes]()
    try:
        for first, beyond in cut(found, b"<si>"):
            count = texts.count
            value, more = _strings(Block(found.xml, first, beyond), texts)
            values.append(np.where(value >= 0, value + count, value - len(odd)))
            odd += more
        return Strings(np.concatenate(values), texts.texts(), odd, found.head, found.tail)
    except NOT_REGULAR:
        return None


@dataclass
class Gathered:
    """The texts of all blocks so far, packed with a mark behind each."""

    packed: list[bytes] = field(default_factory=lambda: [b"x" + _END])  # the first one takes what a first one may lose
    states: list[Numbers] = field(default_factory=list)
    doubts: list[tuple[int, list[tuple[str, bool, int]]]] = field(default_factory=list)  # (block, see _doubts)
    count: int = 0

    def add(self, block: Block, starts: Numbers, ends: Numbers, state: Numbers, *, has_text: bool) -> None:
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
            raise Irregular
        edges = np.cumsum([0, *map(len, self.states)]).tolist()
        for block, doubts in self.doubts:
            mine = texts[edges[block]:edges[block + 1]]
            for pattern, literal, state in doubts:
                found = mine.str.contains(pattern, literal=literal).to_numpy()
                self.states[block][found] = np.maximum(self.states[block][found], state)
        return Texts(texts, np.concatenate(self.states))


def _strings(block: Block, texts: Gathered) -> tuple[Numbers, list[bytes]]:
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
    if len(odd) > MAX_ODD or any(_NO_STRING.search(each, 4) or not is_whole(each) for each in odd):
        raise Irregular
    if markup[plain].sum() + sum(each.count(b"<") for each in odd) != np.count_nonzero(block.marks):
        raise Irregular
    texts.add(block, starts[plain], stops[plain], block.edges(starts[plain], stops[plain]), has_text=True)
    return value, odd
