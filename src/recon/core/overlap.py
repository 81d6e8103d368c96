"""One view of each line: what several exports tell of one payment or account line counts once.

An export is one file, or one sheet of a workbook. Exports overlap when they are re-issued, cover the same days, or come
from two sources. Lines are told apart by occurrence: the k-th equal line of one export is the k-th of another, so that
true twins survive. What only one of two exports tells of a day that both cover is either the same line amended (the
newer export is believed where the days of export say which is newer) or a disagreement; both are said, naming both.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from datetime import date, timedelta
from itertools import combinations
from typing import Any

import polars as pl

from recon.core.text import yuan_text
from recon.problems import Problem
from recon.tables import ACCOUNT, SEEN_PROOFS, SPENDING

BILL_PROOFS = ("declared", "billed")
MIRROR_DAYS = 5  # a bank books the account's credit, and an amended export the line, so many days apart at most
SHIFTED_CREDITS = 3  # credits that two exports tell so many days apart, all of them, are the same
_LINE = [*ACCOUNT, "sub_account", "ledger", "posted_on", "flow_kind", "amount_fen"]
_UNSAID_KIND = "other"

Row = dict[str, Any]


def payer_key() -> pl.Expr:
    """Who pays, as far as the row says: the payer, else the employer."""
    return pl.coalesce("payer", "employer").fill_null("")


def file_of(column: str = "row_id") -> pl.Expr:
    """The file part of a ``file#place`` column."""
    return pl.col(column).str.split("#").list.first()


def export_of(column: str = "row_id") -> pl.Expr:
    """The export a ``file#place`` column points into: the file, or ``file#sheet`` of a workbook."""
    return pl.coalesce(pl.col(column).str.extract(r"^(.*#.+)!R\d+(?:/[^#]*)?$"), file_of(column))


def disagreement(code: str, newer: Row, older: Row, column: str) -> Problem:
    """A problem at the row that counts, which names the other: ``120.00 → 130.00 (b.csv#L4)``."""
    file, _, place = str(newer["row_id"]).partition("#")
    texts = [_text(row[column], column) for row in (older, newer)]
    sign = "→" if code == "amended-line" else "≠"
    return Problem(code, file, place, column, f"{texts[0]} {sign} {texts[1]} ({older['row_id']})")


def _text(value: object, column: str) -> str:
    return yuan_text(int(str(value))) if column.endswith("_fen") and value is not None else str(value)


def export_days(coverage: pl.DataFrame | None, table: str) -> dict[str, date]:
    """The day on which each file of ``table`` was exported, where it says so."""
    if coverage is None or coverage.is_empty():
        return {}
    stated = coverage.filter((pl.col("table") == table) & pl.col("exported_on").is_not_null())
    return dict(stated.group_by("file").agg(pl.col("exported_on").max()).iter_rows())


# -------------------------------------------------------------------------------------------------------------- flows


def has_several_exports(flow: pl.DataFrame) -> bool:
    """Whether the lines come from more than one export, each line with its place."""
    return not flow["row_id"].null_count() and bool(flow.select(export_of().n_unique()).item() > 1)


def mark_repeated_flows(flow: pl.DataFrame) -> pl.DataFrame:
    """Set ``duplicate_of``: a line exported in several exports counts once; equal twins within one export survive.

    Lines agree when account, day, kind, amount and printed balance agree; where one export prints no balance, names no
    sub-account or does not know the kind, without it. Lines already marked, and those they repeat, are settled.
    """
    if not has_several_exports(flow):
        return flow
    settled = pl.concat([flow.filter(pl.col("duplicate_of").is_not_null())["row_id"],
                         flow["duplicate_of"].drop_nulls()])
    rest = flow.select(*_LINE, "balance_fen", "row_id", _is_seen(), export_of().alias("_file")).sort(
        "_seen", "row_id").filter(~pl.col("row_id").is_in(settled.implode()))
    found = [_copies(rest, [*_LINE, "balance_fen"])]
    for column, is_unsaid in (
        ("balance_fen", pl.col("balance_fen").is_null()), ("sub_account", pl.col("sub_account").is_null()),
        ("flow_kind", pl.col("flow_kind") == _UNSAID_KIND),
    ):
        # Both sides of what has been found are settled; each later pass asks one column less of the rest.
        done = pl.concat([frame[name] for frame in found for name in ("row_id", "_first")])
        rest = rest.filter(~pl.col("row_id").is_in(done.implode()))
        line = [name for name in _LINE if name != column]
        fuller = rest.sort("_seen", is_unsaid, "row_id", maintain_order=True)
        if column != "balance_fen":
            told = fuller.filter(~is_unsaid).select(*line, "_file").unique()
            mixed = fuller.filter(is_unsaid).join(told, on=line, how="inner", nulls_equal=True, suffix="_told").filter(
                pl.col("_file") != pl.col("_file_told")).select(line).unique()
        else:
            mixed = fuller.group_by(line).agg(is_unsaid.any().alias("_bare"), (~is_unsaid).any().alias("_printed")
                                              ).filter(pl.col("_bare") & pl.col("_printed")).select(line)
        if not mixed.is_empty():
            found.append(_copies(fuller.join(mixed, on=line, how="semi", nulls_equal=True), line))
    copies = pl.concat(found)
    if copies.is_empty():
        return flow
    return flow.join(copies, on="row_id", how="left").with_columns(
        pl.coalesce("duplicate_of", "_first").alias("duplicate_of")
    ).drop("_first")


def _is_seen() -> pl.Expr:
    """Whether a row was typed in or read from a picture: an export that tells the line is believed before it."""
    return pl.col("proof").is_in(SEEN_PROOFS).fill_null(False).alias("_seen")


def _copies(frame: pl.DataFrame, line: list[str]) -> pl.DataFrame:
    """row_id and the row it repeats (``_first``): the k-th equal line of one export repeats the k-th of another."""
    ranked = frame.with_columns(pl.int_range(pl.len()).over([*line, "_file"]).alias("_k"))
    return (
        ranked.with_columns(pl.col("row_id").first().over([*line, "_k"]).alias("_first"))
        .filter(pl.col("row_id") != pl.col("_first")).select("row_id", "_first")
    )


def mark_shifted_flows(flow: pl.DataFrame) -> tuple[pl.DataFrame, list[Problem]]:
    """``duplicate_of`` where two exports tell one account's credits the same few days apart throughout.

    One prints the day of booking, say, the other that of arrival. No credit of the one stands in the other, and in the
    days that both show each has its equal, so many days apart (three credits at least). The lines of the other kinds
    that have their equal at that distance are repeated, too. One problem per account and pair of exports.
    """
    if not has_several_exports(flow):
        return flow, []
    kept = flow.filter(pl.col("duplicate_of").is_null()).select(
        *ACCOUNT, pl.col("ledger").fill_null("app"), "posted_on", "flow_kind", "amount_fen", "row_id",
        export_of().alias("_file")).drop_nulls(["posted_on", "amount_fen"])
    account = [*ACCOUNT, "ledger"]
    credits = kept.filter((pl.col("flow_kind") == "credit") & (pl.col("amount_fen") > 0))
    several = credits.group_by(account).agg(pl.col("_file").n_unique().alias("_n")).filter(pl.col("_n") > 1)
    if several.is_empty():
        return flow, []
    told = set(flow["duplicate_of"].drop_nulls())
    shifts: list[Row] = []
    problems: list[Problem] = []
    mine = credits.join(several, on=account, how="semi", nulls_equal=True).sort("row_id")
    for key, group in mine.group_by(account, maintain_order=True):
        by_file: dict[str, list[Row]] = defaultdict(list)
        for row in group.sort("posted_on", "amount_fen", "row_id").iter_rows(named=True):
            by_file[row["_file"]].append(row)
        for one, other in combinations(sorted(by_file), 2):
            days = _shift(by_file[one], by_file[other], told)
            if days:
                shifts.append(dict(zip(account, key, strict=True)) | {"_file": one, "_other": other, "_days": days})
                problems.append(disagreement("contradictory-lines", by_file[one][0], by_file[other][0], "posted_on"))
    superseded: dict[str, str] = {}
    for repeated, row_id in _shifted_pairs(kept, shifts, account):
        superseded.setdefault(repeated, superseded.get(row_id, row_id))
    if not superseded:
        return flow, []
    replaced = pl.col("row_id").replace_strict(superseded, default=None, return_dtype=pl.String)
    return flow.with_columns(pl.coalesce("duplicate_of", replaced).alias("duplicate_of")), problems


def _shifted_pairs(kept: pl.DataFrame, shifts: list[Row], account: list[str]) -> Iterator[tuple[str, str]]:
    """(row of the other export, row of the one) of all kinds that lie the account's ``_days`` apart, shift by shift."""
    if not shifts:
        return
    told = pl.DataFrame(shifts, schema={name: kept.schema[name] for name in account} | {
        "_file": pl.String, "_other": pl.String, "_days": pl.Int64}).with_row_index("_shift")
    first = kept.join(told, on=[*account, "_file"], nulls_equal=True)
    second = kept.rename({"_file": "_other"}).join(told, on=[*account, "_other"], nulls_equal=True).with_columns(
        pl.col("posted_on") - pl.duration(days="_days"))
    line = ["_shift", "flow_kind", "amount_fen", "posted_on"]
    pairs = _numbered(second, line).join(_numbered(first, line), on=[*line, "_k"], suffix="_first").sort(
        "_shift", "posted_on", "row_id")
    yield from pairs.select("row_id", "row_id_first").iter_rows()


def _shift(one: list[Row], other: list[Row], told: set[str]) -> int:
    """By how many days the credits of one export lie behind the other's, where all in common do; else 0."""
    if any(row["row_id"] in told for row in (*one, *other)):  # the exports agree in a line: no shift
        return 0
    for days in (day for size in range(1, MIRROR_DAYS + 1) for day in (size, -size)):
        start = max(one[0]["posted_on"], other[0]["posted_on"] - timedelta(days))
        end = min(one[-1]["posted_on"], other[-1]["posted_on"] - timedelta(days))
        mine = [(row["posted_on"], row["amount_fen"]) for row in one if start <= row["posted_on"] <= end]
        theirs = [(day, row["amount_fen"]) for row in other
                  if start <= (day := row["posted_on"] - timedelta(days)) <= end]
        if len(mine) >= SHIFTED_CREDITS and mine == theirs:
            return days
    return 0


def _numbered(frame: pl.DataFrame, line: list[str]) -> pl.DataFrame:
    """``_k``: the number of a row among those that agree in ``line``."""
    return frame.sort("row_id").with_columns(pl.int_range(pl.len()).over(line).alias("_k"))


def mark_amended_flows(flow: pl.DataFrame, coverage: pl.DataFrame) -> tuple[pl.DataFrame, list[Problem]]:
    """``duplicate_of`` for lines that another export of the account amends, and what only one of two exports tells.

    Both exports must cover the day, agree in at least one line of the account and show lines of the kind. A line of
    the same kind on the same day with another sum, or of the same sum a few days apart, is the same line amended: that
    of the export made later counts, else the larger, and the disagreement is said; an export is believed before what
    a person typed or a picture shows. The rest counts and is said.
    """
    if not has_several_exports(flow):
        return flow, []
    lonely = _told_by_one(flow, coverage)
    if lonely.is_empty():
        return flow, []
    exported = export_days(coverage, "flow")
    ends = {(row[0], row[1]): row[2] for row in lonely.select("_file", "person_id", "_last").unique().iter_rows()}
    by_pair: dict[tuple[Any, ...], dict[tuple[str, str], list[Row]]] = defaultdict(lambda: defaultdict(list))
    for row in lonely.sort("row_id").iter_rows(named=True):
        key = (*(row[name] for name in (*ACCOUNT, "ledger", "flow_kind")), *sorted((row["_file"], row["_other"])))
        by_pair[key][row["_file"], row["_other"]].append(row)
    superseded: dict[str, str] = {}
    problems: list[Problem] = []
    rest: dict[tuple[str, str, str], list[Row]] = defaultdict(list)
    for sides in by_pair.values():
        (pair, ones), *_ = sides.items()
        others = list(sides.get((pair[1], pair[0]), []))
        balanced = False
        for one in ones:
            if one["row_id"] in superseded:
                continue
            mates = [other for other in others if other["row_id"] not in superseded and _amends(one, other)]
            if not mates:
                rest[one["person_id"], one["_file"], one["_other"]].append(one)
                continue
            other = min(mates, key=lambda row: (abs((row["posted_on"] - one["posted_on"]).days), row["row_id"]))
            others.remove(other)
            newer, older, is_known = _newer(one, other, exported, ends)
            superseded[older["row_id"]] = newer["row_id"]
            column = next((name for name in ("amount_fen", "posted_on") if one[name] != other[name]), "balance_fen")
            if column != "balance_fen" or not balanced:  # an amended line moves all balances after it: said once
                code = "amended-line" if is_known else "contradictory-lines"
                problems.append(disagreement(code, newer, older, column))
            balanced = balanced or column == "balance_fen"
        for other in others:
            rest[other["person_id"], other["_file"], other["_other"]].append(other)
    seen = set(flow.filter(pl.col("proof").is_in(SEEN_PROOFS)).select(export_of())["row_id"])
    # What a person or a picture leaves out is no disagreement.
    problems += _only_in_one({key: rows for key, rows in rest.items() if key[2] not in seen}, superseded)
    if not superseded:
        return flow, problems
    replaced = pl.col("row_id").replace_strict(superseded, default=None, return_dtype=pl.String)
    target = pl.col("duplicate_of").replace_strict(superseded, default=None, return_dtype=pl.String)
    return flow.with_columns(pl.coalesce(replaced, target, "duplicate_of").alias("duplicate_of")), problems


def _told_by_one(flow: pl.DataFrame, coverage: pl.DataFrame) -> pl.DataFrame:
    """Kept lines with an export (``_other``) that covers their day, knows the account and kind, and lacks them."""
    account = [*ACCOUNT, "ledger"]
    told = flow.select(
        *ACCOUNT, pl.col("ledger").fill_null("app"), "posted_on", "flow_kind", "amount_fen", "row_id",
        pl.coalesce("duplicate_of", "row_id").alias("_line"), _is_seen(), export_of().alias("_file"), "sub_account",
        "balance_fen",
    ).drop_nulls(["posted_on", "amount_fen"])
    # Without the lines of spending, so that an edition that drops them answers the same.
    steady = told.filter(~pl.col("flow_kind").is_in(SPENDING))
    spans = _spans(steady, account, coverage)
    pairs = spans.join(spans.rename({"_file": "_other", "_first": "_from", "_last": "_to"}), on=account,
                       nulls_equal=True).filter(
        (pl.col("_file") != pl.col("_other")) & (pl.col("_from") <= pl.col("_last"))
        & (pl.col("_first") <= pl.col("_to")))
    if pairs.is_empty():
        return pairs.with_columns(pl.lit("").alias("row_id")).clear()
    members = told.select("_line", "_file").unique()
    both = steady.select(*account, "_line", "_file").join(
        members.rename({"_file": "_other"}), on="_line").filter(pl.col("_file") != pl.col("_other"))
    agree = both.select(*account, "_file", "_other").unique()
    kinds = told.select(*account, "flow_kind", pl.col("_file").alias("_other")).unique()
    return (
        told.filter(pl.col("row_id") == pl.col("_line"))
        .join(pairs.join(agree, on=[*account, "_file", "_other"], how="semi", nulls_equal=True),
              on=[*account, "_file"], nulls_equal=True)
        # Of the days on which an export begins and ends it may show only a part.
        .filter((pl.col("posted_on") > pl.col("_from")) & (pl.col("posted_on") < pl.col("_to")))
        .join(kinds, on=[*account, "flow_kind", "_other"], how="semi", nulls_equal=True)
        .join(members.rename({"_file": "_other"}), on=["_line", "_other"], how="anti")
    )


def _spans(told: pl.DataFrame, account: list[str], coverage: pl.DataFrame) -> pl.DataFrame:
    """First and last day each export covers of each account: by its lines, wider where the file states a period."""
    spans = told.group_by(*account, "_file").agg(
        pl.col("posted_on").min().alias("_first"), pl.col("posted_on").max().alias("_last"))
    stated = coverage.filter((pl.col("table") == "flow") & (pl.col("basis") != "lines")).group_by("file").agg(
        pl.col("from").min().alias("_stated_from"), pl.col("to").max().alias("_stated_to"))
    return spans.with_columns(file_of("_file").alias("file")).join(
        stated, on="file", how="left").with_columns(
        pl.min_horizontal("_first", "_stated_from").alias("_first"),
        pl.max_horizontal("_last", "_stated_to").alias("_last"),
    ).select(*account, "_file", "_first", "_last")


def _amends(one: Row, other: Row) -> bool:
    """Whether two lines of one kind, each missing in the other's export, are one line told twice."""
    days: int = abs((one["posted_on"] - other["posted_on"]).days)
    if one["amount_fen"] == other["amount_fen"] and days == 0:  # its balance was amended with an earlier line
        return bool(one["sub_account"] == other["sub_account"])
    if one["amount_fen"] == other["amount_fen"]:
        return days <= MIRROR_DAYS
    return days == 0 and bool((one["amount_fen"] > 0) == (other["amount_fen"] > 0))


def _newer(
    one: Row, other: Row, exported: Mapping[str, date], ends: Mapping[tuple[str, str], date]
) -> tuple[Row, Row, bool]:
    """The line to believe, the other, and whether days of export say so."""
    if one["_seen"] != other["_seen"]:
        return (other, one, False) if one["_seen"] else (one, other, False)
    days = [exported.get(row["_file"]) or exported.get(row["_file"].partition("#")[0]) for row in (one, other)]
    if days[0] is not None and days[1] is not None and days[0] != days[1]:
        return (one, other, True) if days[0] > days[1] else (other, one, True)
    newer, older = sorted((one, other), key=lambda row: (
        ends[row["_file"], row["person_id"]], row["amount_fen"], row["row_id"]), reverse=True)
    return newer, older, False


def _only_in_one(rest: Mapping[tuple[str, str, str], list[Row]], gone: Mapping[str, str]) -> Iterator[Problem]:
    """One problem per person and pair of exports: the first line only one of them tells, and how many there are."""
    for (_, _, other), rows in sorted(rest.items()):
        left = {row["row_id"]: row for row in rows if row["row_id"] not in gone}
        if not left:
            continue
        first = next(iter(left.values()))
        file, _, place = first["row_id"].partition("#")
        value = f"{first['posted_on'].isoformat()} {yuan_text(first['amount_fen'])} ×{len(left)} ({other})"
        yield Problem("line-in-one-file", file, place, "amount_fen", value)


# ------------------------------------------------------------------------------------------------------- two ledgers


def one_ledger(flow: pl.DataFrame) -> tuple[pl.DataFrame, list[Problem]]:
    """The bank's ledger mirrors the account's: its lines count only where the account's own export does not reach.

    A bank line is also a mirror when the account's export has the same sum a few days before (or after) it. A credit
    that one of the two shows and the other, which covers the day, does not is said.
    """
    bank = pl.col("ledger").fill_null("app") == "bank"
    if not flow.select(bank.any()).item():
        return flow, []
    own, other = flow.filter(~bank), flow.filter(bank)
    # What spending shows of an export's reach counts for spending alone: credits are answered alike without it.
    spending = pl.col("flow_kind").is_in(SPENDING)
    spans = [side.filter(~spending).group_by(ACCOUNT).agg(
        pl.col("posted_on").min().alias("_from"), pl.col("posted_on").max().alias("_to"),
        pl.col("row_id").min().alias("_in"),
    ) for side in (own, other)]
    whole = own.group_by(ACCOUNT).agg(
        pl.col("posted_on").min().alias("_whole_from"), pl.col("posted_on").max().alias("_whole_to"))
    line = [*ACCOUNT, "amount_fen"]
    near = other.select(*line, "posted_on", "row_id").join(
        own.select(*line, pl.col("posted_on").alias("_own"), pl.col("row_id").alias("_own_row")), on=line,
        nulls_equal=True,
    ).filter((pl.col("posted_on") - pl.col("_own")).dt.total_days().abs() <= MIRROR_DAYS)
    reached = pl.when(spending).then(pl.col("posted_on").is_between("_whole_from", "_whole_to")).otherwise(
        pl.col("posted_on").is_between("_from", "_to"))
    outside = other.join(spans[0], on=ACCOUNT, how="left", nulls_equal=True).join(
        whole, on=ACCOUNT, how="left", nulls_equal=True
    ).filter(~reached.fill_null(False)).join(near, on="row_id", how="anti").select(flow.columns)
    problems: list[Problem] = []
    known = near.select(ACCOUNT).unique()  # the two ledgers are of one account where they agree at least once
    for side, span, mirrored in ((other, spans[0], near["row_id"]), (own, spans[1], near["_own_row"])):
        lonely = side.filter(
            (pl.col("flow_kind") == "credit") & ~pl.col("row_id").is_in(mirrored.implode())
        ).join(known, on=ACCOUNT, how="semi", nulls_equal=True).join(span, on=ACCOUNT, nulls_equal=True).filter(
            (pl.col("posted_on") > pl.col("_from")) & (pl.col("posted_on") < pl.col("_to")))
        rest: dict[tuple[str, str, str], list[Row]] = defaultdict(list)
        for row in lonely.sort("row_id").iter_rows(named=True):
            files = [str(text).partition("#")[0] for text in (row["row_id"], row["_in"])]
            rest[str(row["person_id"]), files[0], files[1]].append(row)
        problems += _only_in_one(rest, {})
    return pl.concat([own, outside]), problems
