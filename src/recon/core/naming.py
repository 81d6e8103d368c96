"""The ids of gaps and findings: short hashes of what they are about, the same in every run and version."""

from __future__ import annotations

import hashlib

import polars as pl

from recon.core.months import index_of

_AMOUNT = pl.col("amount_fen")


def gap_ids(rows: pl.DataFrame, amount: pl.Expr = _AMOUNT) -> pl.Series:
    """``gap_id`` of each row: a hash of account, accrual month, basis and sign, so that ageing survives a new
    explanation (DESIGN section 3).

    rows: person_id (null for what hits a payer: then its payer stands for the account), region, scheme, accrual_month,
    basis. amount: whose sign counts, zero as positive.
    """
    payer = pl.col("payer").fill_null("") if "payer" in rows.columns else pl.lit("")
    who = pl.coalesce("person_id", pl.concat_str(pl.lit("payer:"), payer))
    sign = pl.when(amount < 0).then(pl.lit("-")).otherwise(pl.lit("+"))
    names = rows.select(pl.concat_str(
        who, pl.col("region").fill_null(""), "scheme", index_of(pl.col("accrual_month")).cast(pl.String), "basis", sign,
        separator="|",
    )).to_series()
    return pl.Series("gap_id", [_hash("G", name) for name in names.to_list()], dtype=pl.String)  # nearly all differ


def finding_ids(names: pl.Series) -> pl.Series:
    """``finding_id`` of each name of a cause that hits many; null where the name is."""
    known = names.drop_nulls().unique()
    hashes = pl.Series([_hash("F", name) for name in known], dtype=pl.String)
    return names.replace_strict(known, hashes, default=None, return_dtype=pl.String).alias("finding_id")


def _hash(prefix: str, name: str) -> str:
    return prefix + hashlib.blake2b(name.encode(), digest_size=8).hexdigest()
