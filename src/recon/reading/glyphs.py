"""Text made comparable: radical code points to characters, one form of width, brackets, colons and white space."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

# CJK Radicals Supplement (U+2E80..) as embedded PDF fonts give it. NFKC knows only two of these. A component that
# is no character by itself (⺀, ⺈, ⻌ ...) stands for the character it is a form of, as Unicode's own table has it.
_SUPPLEMENT = (
    "⺁厂 ⺃乚 ⺄乙 ⺅亻 ⺆冂 ⺇几 ⺉刂 ⺊卜 ⺋㔾 ⺌小 ⺍小 ⺎兀 ⺏尣 ⺐尢 ⺑尢 ⺒巳 ⺓幺 ⺔彑 ⺕彐 ⺖忄 ⺗心 ⺘扌 "
    "⺙攵 ⺛旡 ⺜日 ⺝月 ⺞歺 ⺟母 ⺠民 ⺡氵 ⺢氺 ⺣灬 ⺤爫 ⺥爫 ⺦丬 ⺧牛 ⺨犭 ⺩王 ⺪疋 ⺫目 ⺬示 ⺭礻 ⺮竹 ⺯糹 "
    "⺰纟 ⺱罒 ⺲罒 ⺳网 ⺴网 ⺵网 ⺶羊 ⺷羊 ⺸羊 ⺹耂 ⺺肀 ⺻聿 ⺼月 ⺽臼 ⺾艹 ⺿艹 ⻀艹 ⻁虎 ⻂衤 ⻃覀 ⻄西 ⻅见 "
    "⻆角 ⻇角 ⻈讠 ⻉贝 ⻊足 ⻋车 ⻌辶 ⻍辶 ⻎辶 ⻏阝 ⻐钅 ⻑长 ⻒镸 ⻓长 ⻔门 ⻕阜 ⻖阝 ⻗雨 ⻘青 ⻙韦 ⻚页 ⻛风 "
    "⻜飞 ⻝食 ⻞食 ⻟食 ⻠饣 ⻡首 ⻢马 ⻣骨 ⻤鬼 ⻥鱼 ⻦鸟 ⻧卤 ⻨麦 ⻩黄 ⻪黾 ⻫齐 ⻬齐 ⻭齿 ⻮齿 ⻯龙 ⻰龙 ⻱龟 "
    "⻲龟 ⻳龟"
)
# Kangxi radicals whose NFKC form is traditional; Chinese exports of the mainland mean the simplified character.
_SIMPLIFIED = (
    "⼾户 ⾒见 ⾙贝 ⾞车 ⾧长 ⾨门 ⾭青 ⾱韦 ⾴页 ⾵风 ⾶飞 ⾺马 ⿂鱼 ⿃鸟 ⿄卤 ⿆麦 ⿈黄 ⿌黾 ⿑齐 ⿒齿 ⿓龙 ⿔龟"
)


def _pairs() -> dict[int, str]:
    table = {code: unicodedata.normalize("NFKC", chr(code)) for code in range(0x2F00, 0x2FD6)}
    for code in range(0xF900, 0xFB00):  # compatibility ideographs: the same character under a second number
        plain = unicodedata.normalize("NFKC", chr(code))
        if len(plain) == 1 and plain != chr(code):
            table[code] = plain
    table.update({ord(pair[0]): pair[1] for pair in (_SUPPLEMENT + " " + _SIMPLIFIED).split()})
    return table


_RADICALS = _pairs()
_RADICAL = re.compile("[\u2e80-\u2fdf\uf900-\ufaff]")
_CONTROLS = dict.fromkeys([*range(0x09), 0x0B, 0x0C, *range(0x0E, 0x20), 0x7F, *range(0x80, 0xA0)])
_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")
_INVISIBLE = "\u200b\u200c\u200d\u200e\u200f\u2060\u2061\u2062\u2063\ufeff\u00ad\u180e"
_HIDDEN = re.compile(f"[{_INVISIBLE}]")
_NOT_PLAIN = re.compile("|".join(each.pattern for each in (_RADICAL, _CONTROL, _HIDDEN)))
_NOISE = re.compile(rf"[\s{_INVISIBLE}()\[\]{{}}<>【】〔〕〖〗《》〈〉「」『』﹝﹞::\u2236\ua789]+")
_FORMS = str.maketrans({"帐": "账", **dict.fromkeys("\u2010\u2011\u2012\u2013\u2014\u2015\u2212", "-")})


def modern(text: str) -> str:
    """``text`` with radical and compatibility code points replaced by the characters they show; the rest untouched."""
    return text.translate(_RADICALS) if _RADICAL.search(text) else text


def is_modern(text: str) -> bool:
    """Whether ``text`` is free of radical and compatibility code points."""
    return not _RADICAL.search(text)


def is_plain(text: str) -> bool:
    """Whether ``text`` is both: then ``modern`` and ``clean`` leave what stands between its white space as it is."""
    return not _NOT_PLAIN.search(text)


def is_clean(text: str) -> bool:
    """Whether ``text`` is free of control and zero-width characters."""
    return not _CONTROL.search(text) and (text.isascii() or not _HIDDEN.search(text))


def clean(text: str) -> str:
    """``text`` without control and zero-width characters and without white space around it (U+3000 and NBSP too)."""
    if _CONTROL.search(text):
        text = text.translate(_CONTROLS)
    if not text.isascii() and _HIDDEN.search(text):
        text = _HIDDEN.sub("", text)
    return text.strip()


@lru_cache(maxsize=65536)
def fold(text: str) -> str:
    """The form in which two headers or titles are compared; never shown and never stored.

    NFKC with radicals made modern, no white space, no brackets or colons (what stands in brackets stays),
    dashes alike, 帐 written 账, letters in lower case.
    """
    text = unicodedata.normalize("NFKC", modern(text)).translate(_FORMS)
    return _NOISE.sub("", clean(text)).casefold()
