"""Ids of gaps and findings are the same in every run and version: what people decided hangs on them."""

from __future__ import annotations

from datetime import date

import polars as pl

from recon.core.naming import finding_ids, gap_ids

PERSON = "110105199001011234"
SCHEMA = {
    "person_id": pl.String, "payer": pl.String, "region": pl.String, "scheme": pl.String, "accrual_month": pl.Date,
    "basis": pl.String, "amount_fen": pl.Int64, "label": pl.String,
}


def rows(*parts: tuple[str | None, str | None, str | None, str, int, str]) -> pl.DataFrame:
    """Parts of January 2024: person, payer, region, basis, fen, label."""
    return pl.DataFrame([
        {"person_id": person, "payer": payer, "region": region, "scheme": "310", "accrual_month": date(2024, 1, 1),
         "basis": basis, "amount_fen": fen, "label": label}
        for person, payer, region, basis, fen, label in parts
    ], schema=SCHEMA)


def test_ids_of_released_versions_stay() -> None:
    """The hashes are those that every state folder already holds; nought counts as positive, a payer for its people."""
    told = rows(
        (PERSON, "甲公司", "420100", "credit", 12000, "missing_month"),
        (PERSON, None, None, "payroll", -1, "amount_differs"),
        (None, "91420100MA4K0000X1", "420100", "payroll", 0, "unit_not_fully_paid"),
    )
    assert gap_ids(told).to_list() == ["Ge141a4c4966f6705", "G4b020b7f813f6f56", "Gddc6e227fb03fbb2"]
    assert gap_ids(told).name == "gap_id"
    names = pl.Series([None, "payer|示例公司|420100|310|24288|missing_month|credit_missing"], dtype=pl.String)
    assert finding_ids(names).to_list() == [None, "F6425224e7119280f"]


def test_a_gap_keeps_its_id_under_a_new_explanation() -> None:
    """Label, amount and payer of a person's part are no part of its name; its sign and its basis are."""
    told = rows(
        (PERSON, "甲公司", "420100", "credit", 12000, "missing_month"),
        (PERSON, "乙公司", "420100", "credit", 0, "delay"),
        (PERSON, "甲公司", "420100", "credit", -12000, "over_credit"),
        (PERSON, "甲公司", "420100", "balance", 12000, "spend"),
    )
    first, second, negative, balance = gap_ids(told)
    assert first == second
    assert len({first, negative, balance}) == 3
    assert gap_ids(told.drop("payer")).to_list() == [first, second, negative, balance]


def test_an_estimate_may_give_the_sign() -> None:
    """Where the amount is not known, the sign is that of the expression given."""
    told = rows((PERSON, None, "420100", "payroll", 0, "base_out_of_limits"))
    assert gap_ids(told, pl.lit(-5)).to_list() == gap_ids(told.with_columns(pl.lit(-5).alias("amount_fen"))).to_list()


def test_no_rows_no_ids() -> None:
    """Empty tables have empty columns of text."""
    assert gap_ids(rows()).dtype == finding_ids(pl.Series([], dtype=pl.String)).dtype == pl.String
    assert finding_ids(pl.Series([None], dtype=pl.String)).to_list() == [None]
