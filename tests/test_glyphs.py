"""Text made comparable."""

from __future__ import annotations

import unicodedata

import pytest

from recon.reading import glyphs


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("⼾名", "户名"),
        ("⺠⽣⻓⻋⻔⻢⻛", "民生长车门马风"),
        ("⾦⾏⼿⾔⽀⽇", "金行手言支日"),
        ("⾒⾞⾨⾙⾴⿓", "见车门贝页龙"),
        ("\uf90a额", "金额"),
        ("戶口", "戶口"),
        ("１２３（元）", "１２３（元）"),
    ],
)
def test_modern(written: str, meant: str) -> None:
    """Radical code points become the mainland's characters; true traditional characters and widths stay."""
    assert glyphs.modern(written) == meant


def test_every_radical_that_stands_for_a_character_is_mapped() -> None:
    """Only components without a character of their own keep their code point."""
    assigned = [chr(c) for c in (*range(0x2E80, 0x2EF4), *range(0x2F00, 0x2FD6)) if unicodedata.name(chr(c), "")]
    left = {c for c in assigned if glyphs.modern(c) == c}
    assert left == set("⺀⺂⺈⺑⺘⺚⺝") & left | {"⺀", "⺂", "⺈"} & set(assigned)


@pytest.mark.parametrize(
    ("a", "b"),
    [
        ("姓　名", "姓名"),
        ("金额（元）：", "金额(元)"),
        ("帐户余额", "账户余额"),
        ("\ufeff证件号码\u200b ", "证件号码"),
        ("所属\n期\u00a0", "所属期"),
        ("ＰＳＮ＿ＮＯ", "psn_no"),
        ("【余额】", "余额"),
        ("当年－历年", "当年-历年"),
        ("⼾名", "户名"),
    ],
)
def test_fold(a: str, b: str) -> None:
    """Width, white space, brackets, colons, 帐, case and radicals do not tell headers apart."""
    assert glyphs.fold(a) == glyphs.fold(b)


def test_fold_keeps_what_tells_columns_apart() -> None:
    """The words of a header stay, those in brackets too."""
    assert glyphs.fold("划入（单位）") != glyphs.fold("划入（个人）")
    assert glyphs.fold("个人缴费") != glyphs.fold("单位缴费")


def test_clean() -> None:
    """Controls and zero-width characters go, and white space around; inside it stays."""
    assert glyphs.clean("\ufeff\t测试\u200b甲\x00 乙\u3000\u00a0") == "测试甲 乙"
    assert glyphs.clean("a\nb") == "a\nb"
