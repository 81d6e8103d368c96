"""What inferred rules (:mod:`recon.core.infer`) do to lines, parts and findings, and how they are worded.

An inferred amount becomes what is expected only where the policy is silent, unsure or at odds with a whole city; its
confidence is ``inferred``, so that no amount is called short by it. Where the city contradicts the shipped table, the
months credited by the city's own rule are policy_unknown with the cause table_differs, and all point to one finding.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import polars as pl

from recon.core import months
from recon.core.expect import ACCUSING
from recon.core.infer import INFERRED, NATIONAL_PPM
from recon.core.naming import finding_ids
from recon.core.rounded import rounded_share
from recon.core.text import percent_text, yuan_text
from recon.labels import CAUSE, CONFLICT_FINDING
from recon.policy.draft import rate_text
from recon.tables import conform

CONFLICT = "table_differs"
_COHORT = ["region", "scheme", "insured", "tier"]


def with_inferred(lines: pl.DataFrame, inferred: pl.DataFrame) -> pl.DataFrame:
    """``lines`` with expected_fen, policy_ref and policy_confidence of the inferred rule where it is to be used.

    ``conflict``: the line's cohort contradicts the shipped rule. The policy's own amount stays among ``accepts``, so
    that a credit by the table is as right as one by the city's habit.
    """
    none = lines.with_columns(pl.lit(False).alias("conflict"))
    used = inferred.filter(pl.col("verdict") != "confirms")
    if used.is_empty() or lines.is_empty():
        return none
    rules = used.with_row_index("_k").select(
        *_COHORT, "_k", pl.col("from").alias("_from"),
        # The newest rule of a cohort goes on: what it will be later nobody knows better.
        pl.when("is_last").then(months_for_ever()).otherwise("to").alias("_to"), "age_min", "age_max",
        pl.col("personal_ppm").alias("_own"), pl.col("employer_ppm").alias("_firm"), pl.col("flat_fen").alias("_flat"),
        pl.col("ref").alias("_ref"), (pl.col("verdict") == "conflict").alias("_conflict"),
    )
    keyed = lines.with_row_index("_row")
    age = (pl.col("month") - pl.col("born")) // 12
    low, high = pl.col("age_min"), pl.col("age_max")
    candidates = keyed.filter(
        ~pl.col("stated") & ~pl.col("is_side") & ~pl.col("netted") & ~pl.col("no_account")
        & pl.col("payment_kind").is_in(["normal", "top_up"])
        & (pl.col("expected_fen").is_null() | ~pl.col("policy_confidence").is_in(ACCUSING)
           | pl.col("region").is_in(rules.filter("_conflict")["region"].implode()))
    ).select("_row", *_COHORT, "month", "born", "base_fen", "expected_fen", "policy_confidence", "payment_kind")
    fits = candidates.join(rules, on=_COHORT, how="inner", nulls_equal=True).filter(
        pl.col("month").is_between("_from", "_to")
        & ((low.is_null() & high.is_null()) | ((age >= low.fill_null(0)) & (age < high.fill_null(999))))
        & (pl.col("_conflict") | pl.col("expected_fen").is_null() | ~pl.col("policy_confidence").is_in(ACCUSING))
    )
    # What a month is due besides the shares of its base it is due once: none of it is a top-up's.
    is_more = pl.col("payment_kind") == "top_up"
    flat = pl.when(is_more).then(0).otherwise("_flat")
    amount = pl.when(pl.col("_own").is_null()).then(flat).otherwise(
        rounded_share(pl.col("base_fen"), pl.col("_own")) + rounded_share(pl.col("base_fen"), pl.col("_firm")) + flat)
    found = fits.with_columns(amount.alias("_amount")).filter(pl.col("_amount") > 0).unique(
        "_row", keep="first", maintain_order=True).select("_row", "_amount", "_ref", "_conflict")
    joined = keyed.join(found, on="_row", how="left", maintain_order="left")
    new = pl.col("_amount").is_not_null() & pl.col("_amount").ne_missing(pl.col("expected_fen"))
    table = pl.col("expected_fen")
    return joined.with_columns(
        pl.when(new & table.is_not_null()).then(pl.concat_list("accepts", table).list.unique().list.sort())
        .otherwise("accepts").alias("accepts"),
        pl.when(new).then("_amount").otherwise(table).alias("expected_fen"),
        pl.when(new).then("_amount").otherwise("estimated_fen").alias("estimated_fen"),
        pl.when(new).then("_ref").otherwise("policy_ref").alias("policy_ref"),
        pl.when(new).then(pl.lit(INFERRED)).otherwise("policy_confidence").alias("policy_confidence"),
        (pl.col("payable") | (new & (pl.col("paid") == True))).fill_null(False).alias("payable"),  # noqa: E712
        (new & pl.col("_conflict")).fill_null(False).alias("conflict"),
    ).drop("_row", "_amount", "_ref", "_conflict")


def months_for_ever() -> pl.Expr:
    """A month after every other."""
    return pl.lit(12 * 9999, dtype=pl.Int32)


def mark_conflicts(lines: pl.DataFrame) -> pl.DataFrame:
    """Judged ``lines``: a month credited by the rule that contradicts the table is policy_unknown/table_differs."""
    hit = pl.col("conflict").fill_null(False) & (pl.col("linked_fen") > 0) & (
        (pl.col("label").is_null() & (pl.col("linked_fen") == pl.col("judged_fen")) & ~pl.col("other_rule"))
        | (pl.col("label") == "policy_unknown"))
    return lines.with_columns(
        pl.when(hit).then(pl.lit("policy_unknown")).otherwise("label").alias("label"),
        pl.when(hit).then(pl.lit(CONFLICT)).otherwise("cause").alias("cause"),
        pl.when(hit).then(pl.lit("unknown")).otherwise("status").alias("status"),
    )


def conflict_findings(
    gap: pl.DataFrame, lines: pl.DataFrame, inferred: pl.DataFrame
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """``gap`` with its parts of cause table_differs pointing to their finding, and those findings: one per rule."""
    told = inferred.filter(pl.col("verdict") == "conflict")
    members = gap.filter(pl.col("cause") == CONFLICT)
    if told.is_empty() or members.is_empty():
        return gap, conform(pl.DataFrame(schema={"finding_id": pl.String}), "finding")
    names = told["ref"].unique().sort()
    ids = dict(zip(names, finding_ids("conflict|" + names), strict=True))
    key = ["person_id", "region", "scheme", "accrual_month"]
    refs = lines.filter("conflict").select(
        "person_id", "region", "scheme", months.date_of(pl.col("month")).alias("accrual_month"), "policy_ref"
    ).unique(key, keep="first", maintain_order=True).with_columns(
        pl.col("policy_ref").replace_strict(ids, default=None, return_dtype=pl.String).alias("_finding"))
    pointed = gap.join(refs.select(*key, "_finding"), on=key, how="left", nulls_equal=True, maintain_order="left")
    pointed = pointed.with_columns(
        pl.when(pl.col("cause") == CONFLICT).then(pl.coalesce("_finding", "finding_id")).otherwise("finding_id")
        .alias("finding_id")).drop("_finding")
    used = set(pointed.filter(pl.col("cause") == CONFLICT)["finding_id"].drop_nulls().unique().to_list())
    rows = []
    for ref, finding_id in ids.items():
        mine = told.filter(pl.col("ref") == ref)
        if finding_id in used:
            one = mine.row(0, named=True)
            rows.append({
                "finding_id": finding_id, "basis": "credit", "label": "policy_unknown", "cause": CONFLICT,
                "scope": "region", "people": one["people"], "amount_fen": 0,
                "evidence": CONFLICT_FINDING.format(
                    rule="；".join(rule_words(row) for row in mine.iter_rows(named=True)), **_support(one)),
                "owner": CAUSE["policy_unknown", CONFLICT].owner, "action": CAUSE["policy_unknown", CONFLICT].action,
            })
    return pointed, conform(pl.DataFrame(rows), "finding")


def inferred_notes(inferred: pl.DataFrame, lang: str = "zh") -> Iterator[str]:
    """What was inferred beyond the policy, with its support: one line per rule."""
    english = lang == "en"
    for (ref,), rows in inferred.filter(pl.col("verdict") != "confirms").group_by("ref", maintain_order=True):
        one = rows.row(0, named=True)
        rule = ("; " if english else "；").join(rule_words(row, lang) for row in rows.iter_rows(named=True))
        note = (NOTE_EN if english else NOTE).format(rule=rule, **_support(one))
        odd = "; the shipped policy says otherwise" if english else "；与自带政策不符"
        yield f"{ref}: {note}{odd if one['verdict'] == 'conflict' else ''}"


NOTE_EN = "inferred from {pairs} credits of {people} people in {months} months, of which {fit} agree: {rule}"
NOTE = "由{people}人{months}个月{pairs}笔划入推断：{rule}；{fit}相符"
_KINDS = {"in_service": "在职", "retired": "退休", "flexible": "灵活就业"}


def _support(one: dict[str, Any]) -> dict[str, str]:
    fit = one["hits"] * 1000 // one["pairs"]
    own = one["own_hits"] * 1000 // one["pairs"]
    return {
        "people": str(one["people"]), "months": str(one["months"]), "pairs": str(one["pairs"]),
        "fit": f"{fit // 10}.{fit % 10}%", "own": f"{own // 10}.{own % 10}%", "region": str(one["region"]),
        "first": f"{months.first_day(one['from']):%Y-%m}", "last": f"{months.first_day(one['to']):%Y-%m}",
        "status": _KINDS.get(one["insured"], one["insured"]),
    }


def rule_words(row: dict[str, Any], lang: str = "zh") -> str:
    """``35岁以下 基数的2.8%``, ``基数的2%减8.00元``, ``每月97.00元``; in English ``under 35: 2.8% of the base``."""
    low, high = row["age_min"], row["age_max"]
    if lang == "en":
        return _rule_words_en(row, low, high)
    ages = "" if low is None and high is None else (
        f"{high}岁以下 " if low is None else f"{low}岁及以上 " if high is None else f"{low}至{high - 1}岁 ")
    if row["personal_ppm"] is None:
        return f"{ages}每月{yuan_text(row['flat_fen'])}元"
    flat = row["flat_fen"]
    more = f"{'加' if flat > 0 else '减'}{yuan_text(abs(flat))}元" if flat else ""
    return f"{ages}基数的{percent_text(row['personal_ppm'] + row['employer_ppm'])}{more}"


def _rule_words_en(row: dict[str, Any], low: int | None, high: int | None) -> str:
    ages = "" if low is None and high is None else (
        f"under {high}: " if low is None else f"{low} and over: " if high is None else f"{low} to {high - 1}: ")
    if row["personal_ppm"] is None:
        return f"{ages}{yuan_text(row['flat_fen'])} yuan a month"
    flat = row["flat_fen"]
    more = f" {'plus' if flat > 0 else 'less'} {yuan_text(abs(flat))} yuan" if flat else ""
    return f"{ages}{percent_text(row['personal_ppm'] + row['employer_ppm'])} of the base{more}"


def suggested_sections(inferred: pl.DataFrame, region: str) -> Iterator[tuple[str, str, tuple[str, ...], str]]:
    """section, since, values as TOML and support in words: what a draft policy file may offer for ``region``."""
    mine = inferred.filter((pl.col("region") == region) & pl.col("tier").is_null())
    for _, rows in mine.group_by("insured", "ref", maintain_order=True):
        one = rows.row(0, named=True)
        support = _support(one)
        told = f"{support['first']} 至 {support['last']}，" + NOTE.format(
            rule="；".join(rule_words(row) for row in rows.iter_rows(named=True)), **support)
        lines = tuple(_retiree_toml(rows) if one["kind"] == "fixed" else _in_service_toml(rows))
        yield "retiree" if one["insured"] == "retired" else "in_service", support["first"], lines, told


def _retiree_toml(rows: pl.DataFrame) -> Iterator[str]:
    yield 'kind = "fixed"'
    brackets = [f'{{{_ages(row)}yuan_month = "{yuan_text(row["flat_fen"])}"}}' for row in rows.iter_rows(named=True)]
    yield f"by_age = [{', '.join(brackets)}]"
    yield "deductions = []"


def _in_service_toml(rows: pl.DataFrame) -> Iterator[str]:
    """The employee's part is what is common to all ages, at most 2%; the rest stands as the employer's."""
    total = [row["personal_ppm"] + row["employer_ppm"] for row in rows.iter_rows(named=True)]
    own = min([NATIONAL_PPM, *total])
    yield f'personal_share = "{rate_text(own)}"'
    brackets = []
    for row, ppm in zip(rows.iter_rows(named=True), total, strict=True):
        if row["flat_fen"] > 0:
            brackets.append(f'{{{_ages(row)}yuan_month = "{yuan_text(row["flat_fen"])}"}}')
        elif ppm > own:
            brackets.append(f'{{{_ages(row)}rate = "{rate_text(ppm - own)}"}}')
    yield f"employer_share = [{', '.join(brackets)}]"
    less = {-row["flat_fen"] for row in rows.iter_rows(named=True) if row["flat_fen"] < 0}
    if len(less) == 1:
        yield f'deductions = [{{name = "推断的固定扣减", yuan_month = "{yuan_text(less.pop())}"}}]'


def _ages(row: dict[str, Any]) -> str:
    return "".join(f"{key} = {row[key]}, " for key in ("age_min", "age_max") if row[key] is not None)
