"""Running balances of files whose lines lie in many folders: the links and proofs of some people's lines."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import polars as pl

from recon.reading.checks import Chain, links_of, ordered
from recon.reading.proof import ENDS, MARKS, MOST_NAMED, WHOSE, Printed, Proof, open_places, prove_by_column

AT_HAND = ("person_id", "_number", "_psn", "_name")  # what tells whose running balance a line is in
END_COLUMNS = ENDS | dict.fromkeys(AT_HAND, pl.String)
# Of a file and kind of doubt: the first places, and how many more there are (Proof.named).
Named = dict[str, tuple[list[str], int]]


def links_of_rows(rows: pl.DataFrame, key: str, order: str, rising: bool, runs: pl.DataFrame) -> Chain:
    """The links of a file's running balance in the order asked for, as far as these rows go."""
    if rows.is_empty():
        return Chain(order=order)
    return links_of(ordered(_lines(rows, key, runs), order, rising=rising), key, order)


def _lines(rows: pl.DataFrame, key: str, runs: pl.DataFrame) -> pl.DataFrame:
    """at, amount, balance, day, run and ``key`` (whose a line is) of rows in the order of the file."""
    own = [*AT_HAND, "sub_account"] if key == "key1" else list(AT_HAND)
    rows = rows.sort("_at")
    base = runs["base"].gather(runs["_at"].search_sorted(rows["_at"], side="right") - 1)
    return rows.with_columns(base).select(
        pl.col("_at").alias("at"), pl.col("amount_fen").alias("amount"), pl.col("balance_fen").alias("balance"),
        pl.col("posted_on").alias("day"), (pl.col("_run").cast(pl.Int64) + pl.col("base")).alias("run"),
        pl.concat_str([pl.col(name).fill_null("") for name in own], separator="\x1f").alias(key))


def joined(parts: Sequence[Chain]) -> Chain:
    """The chain of a file of those of its people."""
    return Chain(sum(one.links for one in parts), tuple(sorted(one for part in parts for one in part.breaks)),
                 parts[0].order)


def proof_of(
    rows: pl.DataFrame, key: str, order: str, rising: bool, runs: pl.DataFrame, refuted: bool
) -> Proof:
    """What the running balance proves of some accounts of a file, as :func:`recon.reading.printed.check_balance`."""
    if rows.is_empty():
        rows = rows.clear()
        return Proof(0, [], pl.DataFrame(schema=END_COLUMNS), pl.DataFrame(schema=MARKS))
    lines = _lines(rows, key, runs)
    chain = links_of(ordered(lines, order, rising=rising), key, order)
    at = dict(zip(lines["at"], range(lines.height), strict=True))
    here = replace(chain, breaks=tuple((at[place], gap) for place, gap in chain.breaks))
    numbered = lines.with_columns(pl.int_range(pl.len(), dtype=pl.Int64).alias("at")).rename({key: "account"})
    whose = rows.sort("_at").select(pl.col("_place").alias("place"),
                                    *(name for name in (*WHOSE, "sub_account") if name in rows.columns))
    return prove_by_column(ordered(numbered, order, rising=rising), whose, here, Printed(), marked=False,
                           refuted=refuted)


def named_in(proof: Proof) -> Named:
    """The first of the places that nothing proves, and how many more there are; those inside chains are told apart."""
    named = open_places(replace(proof, places=[])) | {"inner": (proof.places, 0)}
    return {what: (places[:MOST_NAMED], max(0, len(places) - MOST_NAMED)) for what, (places, _) in named.items()}


def row_of(place: str) -> int:
    """The row number of a place ``R12``; lines of a row for several months stand together."""
    return int(place[1:].partition("/")[0])
