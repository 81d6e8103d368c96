"""The short ways of the PDF reader, held equal to the plain rule each of them stands for."""

from __future__ import annotations

import io
import re
import sys
from collections.abc import Sequence
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from recon.reading.glyphs import clean, is_plain, modern
from recon.reading.pdf_grid import PageRows
from recon.reading.pdf_lines import Line, cut_row, lines_of, row_of, split_word
from recon.reading.pdf_rules import bands
from recon.reading.pdf_words import Page, Word, _tokens, pages

sys.path.insert(0, str(Path(__file__).parent.parent / "tools"))

TEXT = st.text(st.sampled_from("12.-元甲⽉\u200b\x07\x00\ufffe\u3000 \r\n"))
ROOM = st.floats(0, 100)


@given(TEXT)
def test_tokens_are_what_stands_between_gaps(content: str) -> None:
    found = [(match.group(), match.start()) for match in re.finditer(r"[^\s\x00\ufffe\uffff]+", content)]
    assert list(zip(*_tokens(content, "".join(set(content))), strict=True)) == found


@given(TEXT)
def test_plain_words_need_no_cleaning(content: str) -> None:
    if is_plain("".join(set(content))):
        assert all(clean(modern(word)) == word for word in content.split())


def words(draw: st.DrawFn) -> list[Word]:
    drawn = draw(st.lists(st.tuples(ROOM, st.floats(0.1, 60), st.sampled_from([10.0, 10.6, 12.0, 30.0])), max_size=12))
    return [Word(x, x + width, y, draw(st.sampled_from([4.0, 8.0])), "1甲乙2"[: 1 + k % 4]) for k, (x, width, y) in enumerate(drawn)]


WORDS = st.composite(words)()


def page(found: list[Word], vertical: Sequence[float] = (), rows: Sequence[float] = (), *, plain: bool = False) -> Page:
    def even(word: Word) -> list[tuple[float, float]]:
        step = (word.x1 - word.x0) / len(word.text)
        return [(word.x0 + k * step, word.x0 + (k + 1) * step) for k in range(len(word.text))]

    there = Page(1, found, even, plain=plain)
    there.vertical = [(x, min(rows), max(rows)) for x in vertical]
    there.horizontal = [(y, min(vertical), max(vertical)) for y in rows]
    return there


@given(WORDS, st.lists(ROOM, min_size=1, max_size=6, unique=True), st.data())
def test_words_are_cut_at_bounds_and_put_into_columns(found: list[Word], bounds: list[float], data: st.DataObject) -> None:
    bounds.sort()
    cuts = [x for x in bounds if data.draw(st.booleans())]
    there = page(found)
    for line in lines_of(found):
        parts = [part for word in line.words for part in split_word(there, word, cuts)]
        assert cut_row(there, line, cuts, bounds) == row_of(Line(line.y, line.h, parts), bounds)


@given(WORDS)
def test_lines_come_from_the_top_and_their_words_from_the_left(found: list[Word]) -> None:
    lines = lines_of(found)
    assert [line.y for line in lines] == sorted(line.y for line in lines)
    assert all(a.x0 <= b.x0 for line in lines for a, b in zip(line.words, line.words[1:], strict=False))


def test_the_ruling_of_a_page_is_its_own() -> None:
    """Bands are kept while pages are ruled alike, and found anew where a page is not."""
    texts = [Word(12.0, 18.0, 15.0, 8.0, "1"), Word(32.0, 38.0, 15.0, 8.0, "2"), Word(52.0, 58.0, 15.0, 8.0, "3")]
    narrow, wide = ([10.0, 30.0, 50.0, 70.0], [10.0, 22.0]), ([10.0, 45.0, 50.0, 70.0], [10.0, 22.0])
    state = PageRows(frozenset())
    assert state.rows(page(texts, *narrow, plain=True)) == [["1", "2", "3"]]
    kept = state.ruled
    assert state.rows(page(texts, *narrow)) == [["1", "2", "3"]]
    assert state.ruled is kept
    assert state.rows(page(texts, *wide)) == [["1 2", "", "3"]]
    assert state.ruled == bands(page(texts, *wide)) != kept
    assert state.rows(page(texts)) == [["1", "2", "3"]]  # stretches of text with wide gaps


def test_a_font_that_the_file_lacks_is_the_same_everywhere() -> None:
    """The file alone says where words are: a lone character is there, and no figure is broader than its own width."""
    from reportlab.pdfbase import pdfmetrics
    from reportlab.pdfbase.cidfonts import UnicodeCIDFont
    from reportlab.pdfgen.canvas import Canvas

    pdfmetrics.registerFont(UnicodeCIDFont("STSong-Light"))
    sink = io.BytesIO()
    canvas = Canvas(sink, pagesize=(595, 842), invariant=1)
    canvas.setFont("STSong-Light", 8)
    texts = ["武汉市医疗保障事业中", "心", "+1,206.50", "2024-03-12", "88号"]
    for k, text in enumerate(texts):
        canvas.drawString(40 + 100 * k, 700, text)
    canvas.save()
    (found,) = pages(sink.getvalue())
    assert [word.text for word in found.words] == texts
    for k, word in enumerate(found.words):
        width = pdfmetrics.stringWidth(word.text, "STSong-Light", 8)
        assert abs(word.x0 - 40 - 100 * k) < 0.1
        assert abs(word.x1 - word.x0 - width) < 0.1


def test_the_font_of_boxes_can_be_made_again(tmp_path: Path) -> None:
    import make_box_font

    make_box_font.main(tmp_path / "boxes.ttf")
    assert (tmp_path / "boxes.ttf").read_bytes() == make_box_font.FONT.read_bytes()
