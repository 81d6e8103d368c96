"""Hostile and malformed files: each case of the collected list ends as it should, with a defence that can be seen to fail.

The cases are numbered as in the collection (1 containers, 2 spreadsheets, 3 text, 4 PDF). CASES says for each where its
test is; those that other modules test for their own sake stay there.
"""

from __future__ import annotations

import io
import sys
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import test_containers as made
from recon.reading import workers
from recon.reading.containers import open_bytes
from recon.reading.folder import ReadResult, read_folder
from support import MAPPINGS, SAMPLES, run_recon
from test_containers import EDGES, HEAD, RIGHT, ROWS, WORDS, Sheet, codes, only, trimmed

CSV = next((SAMPLES / "武汉").glob("*A003.csv"))
ROSTER = SAMPLES / "花名册.xlsx"


def read(folder: Path, **options: Any) -> ReadResult:
    return read_folder(folder, mappings=[MAPPINGS], region_of=lambda _: "420100", **options)


def lost(result: ReadResult) -> dict[str | None, str]:
    """File -> code of what was wrong with it, of whole files."""
    return {problem.file: problem.code for problem in result.problems if problem.place is None}


# ---- 4.11 what is printed over and beside the rows -------------------------------------------------------------------


@pytest.mark.parametrize("shift", [0.0, 0.3])
def test_4_11_text_drawn_twice_counts_once(shift: float) -> None:
    """Bold by drawing twice, word by word."""
    page = Sheet()
    page.row(80, HEAD)
    for dx in (0.0, shift):
        for i, row in enumerate(ROWS):
            for j, text in enumerate(row):
                page.put((EDGES[j + 1] - 3 if j in RIGHT else EDGES[j] + 3) + dx, 92 + 12 * i, text, j in RIGHT)
    assert only(open_bytes(page.bytes(), WORDS)).rows == [HEAD, *trimmed(ROWS)]


def test_4_11_two_equal_sums_side_by_side_stay_two() -> None:
    page = Sheet()
    page.row(80, HEAD)
    row = ["1", "2024-02-12", "划入", "120.00", "120.00", "120.00", "x"]
    page.row(92, row)
    assert only(open_bytes(page.bytes(), WORDS)).rows[1] == row


@pytest.mark.parametrize("ruled", [False, True])
@pytest.mark.parametrize("x", [580, 12])
def test_4_11_a_verification_code_down_the_side_is_no_cell(x: float, ruled: bool) -> None:
    page = Sheet()
    page.row(80, HEAD)
    for i, row in enumerate(ROWS * 3):
        page.row(92 + 12 * i, row)
    if ruled:
        page.rules([70 + 12 * i for i in range(11)])
    for k, sign in enumerate("A7F3K9Q2M1"):
        page.put(x, 75 + 9.3 * k, sign)
    assert only(open_bytes(page.bytes(), WORDS)).rows == [HEAD, *trimmed(ROWS * 3)]


def test_4_11_small_code_and_large_watermark_are_no_cells() -> None:
    """A code in tiny type inside a cell, and a level watermark that touches a date."""
    page = Sheet()
    page.row(80, HEAD)
    for i, row in enumerate(ROWS):
        page.row(92 + 12 * i, row)
    page.canvas.setFont("STSong-Light", 4)
    for k, sign in enumerate("A7F3K9"):
        page.put(285, 84 + 6 * k, sign)
    page.canvas.setFont("STSong-Light", 40)
    page.put(100, 120, "仅供参考")
    assert only(open_bytes(page.bytes(), WORDS)).rows == [HEAD, *trimmed(ROWS)]


def test_4_11_a_large_title_stays() -> None:
    page = Sheet()
    page.canvas.setFont("STSong-Light", 22)
    page.put(150, 50, "个人账户收支明细")
    page.canvas.setFont("STSong-Light", 8)
    page.row(80, HEAD)
    page.row(92, ROWS[0])
    assert only(open_bytes(page.bytes(), WORDS)).rows[0] == ["个人账户收支明细"]
