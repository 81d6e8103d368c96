"""Which pooling area 统筹区 a text means: a code, a county's code, a name or an alias."""

from __future__ import annotations

import difflib
import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

_NEAR, _NEAR_SHORT, _NEAR_LONG = 5, 50, 60  # how many near names are given, and how near in per cent
_SHORT = 3  # nicknames shorter than this (园区, 省直) mean a region only when they are the whole text


@dataclass(frozen=True)
class Region:
    """Who a region is, and how much of it is known (good, partial, stub)."""

    code: str
    name: str
    province: str
    level: str
    aliases: tuple[str, ...]
    completeness: str
    note: str
    pinyin: str = ""


def plain(text: str) -> str:
    """A text as it is compared: full-width forms folded, no white space, lower case."""
    return re.sub(r"\s+", "", unicodedata.normalize("NFKC", text)).casefold()


@dataclass(frozen=True)
class Gazetteer:
    """The names of all regions, ready for look-ups."""

    codes: dict[str, Region]
    names: dict[str, str]  # every name and alias -> code
    stems: dict[str, str]  # 武汉 of 武汉市 -> code
    provinces: tuple[str, ...]  # with and without 省, longest first
    pinyin: dict[str, str]  # wuhan -> code, from the names of the files; only a hint for a misspelt name

    @classmethod
    def of(cls, regions: Sequence[Region]) -> Gazetteer:
        """The gazetteer of all regions."""
        names = {plain(name): region.code for region in regions for name in (region.name, *region.aliases)}
        full = {region.province for region in regions if region.level != "province"} - {""}
        provinces = {name for province in full for name in (province, province.removesuffix("省"))}
        return cls(
            {region.code: region for region in regions}, names,
            {plain(region.name.removesuffix("市")): region.code for region in regions},
            tuple(sorted(provinces, key=lambda name: (-len(name), name))),
            {region.pinyin: region.code for region in regions if region.pinyin},
        )

    def find(self, text: str) -> str | None:
        """The code of the region that ``text`` means, or None."""
        wanted = plain(text)
        code = re.fullmatch(r"(\d{6})(?:\.0|\d{6})?", wanted)  # also as a number cell, or a twelve-digit code
        if code:
            return self._pooling_area(code[1])
        if wanted.upper() in self.codes:
            return wanted.upper()
        if wanted in self.names:
            return self.names[wanted]
        # 湖北武汉, 武汉市江岸区, 江苏省苏州工业园区: the longest name that stands in it, or that it begins with
        province = next((name for name in self.provinces if wanted.startswith(name)), "")
        bare = wanted.removeprefix(province)
        found = {
            name: code for name, code in self.names.items()
            if name == bare or (len(name) >= _SHORT and name in wanted)
        }
        found |= {name: code for name, code in self.stems.items() if bare.startswith(name)}
        inside = {name: code for name, code in found.items() if self.codes[code].province.startswith(province)}
        return inside[max(inside, key=lambda name: (len(name), name))] if inside else None

    def near(self, text: str) -> list[str]:
        """Up to five codes of regions whose name, alias, stem, pinyin or code looks like ``text``, the likeliest first.

        A code of digits is near the regions of its province.
        """
        wanted = plain(text)
        if re.fullmatch(r"\d{4,12}", wanted):
            return [code for code in sorted(self.codes, key=lambda code: (code[:4] != wanted[:4], code))
                    if code[:2] == wanted[:2]][:_NEAR]
        known = {**{code.casefold(): code for code in self.codes}, **self.pinyin, **self.names, **self.stems}
        # Two characters of which one is right are a good guess for a Chinese name, not for a word of letters.
        cutoff = _NEAR_SHORT if len(wanted) <= _SHORT and not wanted.isascii() else _NEAR_LONG
        close = difflib.get_close_matches(wanted, known, n=3 * _NEAR, cutoff=cutoff / 100)
        return list(dict.fromkeys(known[name] for name in close))[:_NEAR]

    def _pooling_area(self, code: str) -> str | None:
        """A county belongs to its city; under a municipality (直辖市) everything belongs to the whole."""
        for candidate in (code, code[:4] + "00"):
            if candidate in self.codes:
                return candidate
        whole = self.codes.get(code[:2] + "0000")
        return whole.code if whole is not None and whole.level == "province" else None
