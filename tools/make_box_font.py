"""Make ``src/recon/reading/boxes.ttf``: every character up to U+FFFF is one small box (docs/adr/0030).

``python tools/make_box_font.py [FILE]``; the same bytes each time, which a test holds.
"""

from __future__ import annotations

import sys
from pathlib import Path

from fontTools.fontBuilder import FontBuilder
from fontTools.pens.ttGlyphPen import TTGlyphPen
from fontTools.ttLib.tables._c_m_a_p import CmapSubtable

FONT = Path(__file__).parent.parent / "src" / "recon" / "reading" / "boxes.ttf"
EM, ASCENT, DESCENT = 1000, 800, -200
# Inside the advance of the narrowest figure, so that no box is broader than what a file says of its own characters.
LEFT, RIGHT, TOP, ADVANCE = 50, 200, 700, 250
MADE = 3786912000  # seconds since 1904: 2024-01-01


def main(path: Path) -> None:
    font = FontBuilder(EM, isTTF=True)
    font.setupGlyphOrder([".notdef", "box"])
    font.setupCharacterMap({})
    font.setupGlyf({".notdef": _box(), "box": _box()})
    font.setupHorizontalMetrics(dict.fromkeys((".notdef", "box"), (ADVANCE, LEFT)))
    font.setupHorizontalHeader(ascent=ASCENT, descent=DESCENT)
    font.setupNameTable({"familyName": "recon boxes", "styleName": "Regular"})
    font.setupOS2(sTypoAscender=ASCENT, sTypoDescender=DESCENT, usWinAscent=ASCENT, usWinDescent=-DESCENT)
    font.setupPost(keepGlyphNames=False)
    every = CmapSubtable.newSubtable(13)  # many characters, one glyph
    every.platformID, every.platEncID, every.language = 3, 10, 0
    every.cmap = dict.fromkeys(range(0x20, 0x10000), "box")
    font.font["cmap"].tables = [every]
    font.font["head"].created = font.font["head"].modified = MADE
    font.font.recalcTimestamp = False
    font.save(path)


def _box() -> object:
    pen = TTGlyphPen(None)
    pen.moveTo((LEFT, 0))
    for corner in ((LEFT, TOP), (RIGHT, TOP), (RIGHT, 0)):
        pen.lineTo(corner)
    pen.closePath()
    return pen.glyph()


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else FONT)
