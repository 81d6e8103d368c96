"""What pdfium takes for a font that a PDF names and does not carry (docs/adr/0030).

pdfium looks for a Chinese font on the machine. Where there is none it leaves out texts of one character, and where
there is one the places of words depend on it. For reading, a font of boxes stands in, the same on every machine: only
the file says how broad its characters are.
"""

from __future__ import annotations

import ctypes
from functools import cache
from pathlib import Path
from typing import Any

_BOXES = Path(__file__).with_name("boxes.ttf")  # made by tools/make_box_font.py
_NAME = b"recon boxes\0"
_CJK = frozenset({128, 129, 134, 136})  # pdfium's numbers: Japanese, Korean, simplified and traditional Chinese
_HANDLE = 1  # of the only font there is; zero is none


def for_reading(raw: Any) -> None:
    """From now on boxes stand in for Chinese fonts that a file lacks; for others pdfium has its own."""
    raw.FPDF_SetSystemFontInfo(_boxes(raw))


def for_drawing(raw: Any) -> None:
    """From now on the machine's fonts stand in for those that a file lacks."""
    raw.FPDF_SetSystemFontInfo(raw.FPDF_GetDefaultSystemFontInfo())


@cache
def _boxes(raw: Any) -> Any:
    """Pdfium's FPDF_SYSFONTINFO; it and its functions live as long as the process, as pdfium asks."""
    font = _BOXES.read_bytes()

    def of_charset(_info: object, _weight: int, _italic: int, charset: int, *_: object) -> int | None:
        return _HANDLE if charset in _CJK else None

    def data(_info: object, _font: object, table: int, buffer: object, size: int) -> int:
        return 0 if table else _handed(font, buffer, size)  # zero is the whole font, and one of its tables is not asked

    def name(_info: object, _font: object, buffer: object, size: int) -> int:
        return _handed(_NAME, buffer, size)

    functions = {
        "Release": lambda _info: None, "EnumFonts": lambda _info, _mapper: None, "MapFont": of_charset,
        "GetFont": lambda _info, _name: None, "GetFontData": data, "GetFaceName": name,
        "GetFontCharset": lambda _info, _font: min(_CJK), "DeleteFont": lambda _info, _font: None,
    }
    info = raw.FPDF_SYSFONTINFO()
    info.version = 1
    kinds = dict(raw.FPDF_SYSFONTINFO._fields_)
    for function, answer in functions.items():
        setattr(info, function, kinds[function](answer))
    return info


def _handed(what: bytes, buffer: object, size: int) -> int:
    """How long it is; it is written to where there is room for it."""
    if buffer and size >= len(what):
        ctypes.memmove(buffer, what, len(what))  # type: ignore[arg-type] # a pointer of pdfium's making
    return len(what)
