"""What each contribution line should put into the personal account.

In: prepared contributions and the policy. Out: one row per payment line (and per retiree month) with the amount due,
how sure it is, what else would be accepted, and the stream it is matched in. Rounding happens here and nowhere else:
each share of the base half-up to the fen (DESIGN section 2), the region's rule by :class:`recon.policy.Rule`.
"""

from __future__ import annotations

from datetime import date
from typing import Any

import polars as pl

from recon.core import months
from recon.core.overlap import payer_key
from recon.core.prepare import Prepared
from recon.core.rounded import PPM, rounded_share, with_rounded_credits
from recon.core.seen import with_own_parts, with_seen_accounts
from recon.core.text import yuan_text
from recon.policy import Policy, Rule
from recon.problems import Problem
from recon.tables import SCHEME_ACCOUNT, Schema

FLEXIBLE = "flexible"  # insured_status of who pays the whole premium alone

ACCUSING = ("stated", "high", "medium")
# In-service share used for an estimate (never for a judgement) where the rule is unknown; the national 2% rule.
ESTIMATE_PPM = 20_000
RETIREE_HORIZON_MONTHS = 600

_RULE_SCHEMA: Schema = {
    "_rule": pl.Int32(), "has_account": pl.Boolean(), "employee_ppm": pl.Int64(), "flat_fens": pl.List(pl.Int64),
    "personal_ppm": pl.Int64(), "employer_ppm": pl.Int64(), "employer_month_fen": pl.Int64(), "monthly_fen": pl.Int64(),
    "whole_yuan": pl.Boolean(), "confidence": pl.String(), "policy_ref": pl.String(),
}
_SITUATION = ["region", "scheme", "tier", "insured", "month", "born"]


def lines_of(prepared: Prepared, policy: Policy) -> pl.DataFrame:
    """One row per kept contribution line.

    Columns beyond the contribution's own: region, scheme (of the account), month, arrival (month numbers; arrival
    null when never late), arrival_day, stream, expected_fen (null: unknown), accepts (other amounts taken as right),
    unsure (another rule may be in force whose amount nobody knows), round_fen (the unit its credits are rounded to),
    other_fen, once (another rounding), surely_account (the scheme and tier surely have one), whole_yuan, flat_fen,
    estimated_fen, policy_ref, policy_confidence, stated, no_account, payable, payer (key).
    """
    person = prepared.tables["person"].select(
        "person_id", months.index_of(pl.col("birth_date")).alias("born"), pl.col("insured_status").alias("_status"),
        months.index_of(pl.col("retired_from")).alias("_retired"),
    )
    insured = pl.coalesce(
        "insured_status", pl.when(pl.col("_status") != "retired").then(pl.col("_status"))
    ).fill_null("in_service")
    lines = prepared.contribution.join(person, on="person_id", how="left").with_columns(insured.alias("insured"))
    lines, alternatives = with_rules(lines, policy)
    stated = pl.col("into_account_fen").is_not_null() & (
        (pl.col("into_account_fen") >= 0) | (pl.col("payment_kind") == "refund")
    )
    pooled_kind = pl.col("payment_kind") == "lump_to_pool"
    # A stated credit proves an account; a stated zero where the rule says there is none proves nothing new.
    credited = stated & (pl.col("into_account_fen") > 0)
    # So does one of a flexible worker's premium where no rule says whether it carries an account: it carries none.
    pooled_only = (
        pl.col("has_account").is_null() & (pl.col("insured") == FLEXIBLE) & (pl.col("payment_kind") == "normal")
        & (pl.col("into_account_fen") == 0) & (pl.col("total_fen") > 0))
    without = (pl.col("has_account") == False) | pooled_only.fill_null(False)  # noqa: E712
    no_account = (without & ~pl.col("is_side") & ~credited).fill_null(False)
    lines = _with_halves(lines)
    by_rule = pl.when(_is_retirees()).then("monthly_fen").otherwise(_own_share())
    expected = (
        pl.when(pl.col("is_side") | pooled_kind | no_account).then(pl.lit(0, dtype=pl.Int64))
        .when(stated).then(pl.col("into_account_fen")).otherwise(by_rule)
    )
    over = pl.col("employee_fen") - rounded_share(pl.col("base_fen"), pl.col("employee_ppm"))
    flat = (
        pl.when(pl.col("is_side")).then(pl.col("total_fen"))
        .when(pl.col("flat_fens").list.contains(over) & (over > 0)).then(over).otherwise(0)
    )
    annual = {
        region for region in lines["region"].unique().to_list() if policy.schedule(region).kind == "annual"
    }
    in_annual = pl.col("region").is_in(sorted(r for r in annual if r)) if annual else pl.lit(False)
    lines = lines.with_columns(
        expected.alias("expected_fen"), flat.alias("flat_fen"), by_rule.alias("rule_fen"),
        no_account.alias("no_account"), stated.alias("stated"),
        (pl.col("has_account").fill_null(False) | credited.fill_null(False)).alias("surely_account"),
        pl.when(stated | pl.col("is_side") | pooled_kind).then(pl.lit("stated"))
        .when(pl.col("payment_kind") == "back_pay").then(pl.lit("low"))
        .otherwise(pl.col("confidence")).alias("policy_confidence"),
        pl.coalesce(by_rule, rounded_share(pl.col("base_fen"), pl.lit(ESTIMATE_PPM)), "employee_fen")
        .fill_null(0).alias("estimated_fen"),
        pl.when(_is_retirees()).then(pl.lit("retiree")).otherwise(_stream(in_annual)).alias("stream"),
        # A retiree's clock is the month itself.
        pl.when(_is_retirees()).then("month").otherwise("arrival").cast(pl.Int32).alias("arrival"),
        pl.when(~_is_retirees()).then("arrival_day").alias("arrival_day"),
        pl.col("payer").alias("raw_payer"), payer_key().alias("payer"),
        pl.col("account_scheme").alias("scheme"),
    )
    lines = _with_accepts(lines, alternatives)
    # Paid on after the day of retirement, and the record does not say in what state: what is due is another matter.
    after = (pl.col("insured_status").is_null() & ~pl.col("stated") & (pl.col("month") >= pl.col("_retired")))
    lines = lines.with_columns((pl.col("unsure") | after.fill_null(False)).alias("unsure"))
    lines = with_own_parts(_with_tier_that_has_one(lines, alternatives), prepared.credit)
    lines = _net_refunds(with_seen_accounts(lines, prepared.credit))
    lines = with_rounded_credits(_with_other_rounding(lines), prepared.credit)
    return lines.with_columns(
        ((pl.col("paid") == True) & pl.col("expected_fen").is_not_null() & (pl.col("expected_fen") > 0)  # noqa: E712
         & ~pl.col("is_side") & ~pl.col("no_account") & ~pl.col("netted")).alias("payable")
    ).with_columns(pl.col("payable").fill_null(False)).drop("_rule", "_status", "_retired", "_halves")


def _one_party() -> tuple[pl.Expr, pl.Expr]:
    """Whether a row holds the employee's part alone, or the employer's."""
    employee, employer = pl.col("employee_fen").fill_null(0), pl.col("employer_fen").fill_null(0)
    return (employee != 0) & (employer == 0), (employer != 0) & (employee == 0)


def _with_halves(lines: pl.DataFrame) -> pl.DataFrame:
    """``_halves``: the payment is told by several rows, of which one holds the employee's part and one the other."""
    one_payment = ["person_id", "account_scheme", "region", "month", "payment_kind", "payer", "employer", "base_fen"]
    only_employee, only_employer = _one_party()
    alone = lines.filter(only_employee | only_employer)  # few files have such rows
    halves = alone.group_by(one_payment).agg(
        (only_employee.any() & only_employer.any()).alias("_halves")
    ).filter("_halves")
    if halves.is_empty():
        return lines.with_columns(pl.lit(False).alias("_halves"))
    return lines.join(halves, on=one_payment, how="left", nulls_equal=True, maintain_order="left").with_columns(
        pl.col("_halves").fill_null(False)
    )


def _is_retirees() -> pl.Expr:
    """A record's line of a retiree, for whom nothing is paid: its credit is the retiree's of the month."""
    return (
        (pl.col("insured_status") == "retired") & (pl.col("total_fen") == 0) & (pl.col("payment_kind") == "normal")
        & ~pl.col("is_side") & (pl.col("monthly_fen") > 0)
    ).fill_null(False)


def _own_share() -> pl.Expr:
    """The credit by the rule; where two rows tell one payment, each party on its own row, each row its own share."""
    only_employee, only_employer = _one_party()
    halves = pl.col("_halves") & ~pl.col("is_side")
    base = pl.col("base_fen")
    return (
        pl.when(halves & only_employee).then(rounded_share(base, pl.col("personal_ppm")))
        .when(halves & only_employer).then(
            rounded_share(base, pl.col("employer_ppm")) + pl.col("employer_month_fen"))
        .otherwise(amount_by_rule(base))
    )


def _with_other_rounding(lines: pl.DataFrame) -> pl.DataFrame:
    """other_fen: the sum due, a fen more or less, by another rounding; null where there is none or the sum is stated.

    once: it is the sum of both parties' shares rounded once. Else it is a broken share rounded the other way.
    """
    only_employee, only_employer = _one_party()
    base, month_fen = pl.col("base_fen"), pl.col("employer_month_fen").fill_null(0)
    ppm = pl.when(pl.col("_halves") & only_employee).then("personal_ppm").when(
        pl.col("_halves") & only_employer).then("employer_ppm").otherwise(
        pl.col("personal_ppm") + pl.col("employer_ppm"))
    month_fen = pl.when(pl.col("_halves") & only_employee).then(0).otherwise(month_fen)
    due, whole, broken = pl.col("expected_fen") - month_fen, base * ppm // PPM, base * ppm % PPM
    once = rounded_share(base, ppm)
    other = pl.when(due != once).then(once).when(broken == 0).then(None).when(due == whole).then(
        whole + 1).otherwise(whole)
    ruled = (~pl.col("stated") & ~pl.col("is_side") & ~pl.col("netted") & (base > 0)
             & (pl.col("expected_fen") == pl.col("rule_fen")) & (pl.col("stream") != "retiree"))
    return lines.with_columns(
        pl.when(ruled & ((other - due).abs() == 1)).then(other + month_fen).alias("other_fen"),
        (ruled & (due != once)).fill_null(False).alias("once"),
    )


def _stream(in_annual: pl.Expr) -> pl.Expr:
    """The stream a line is matched in; groups and the order of links live within one (DESIGN section 6)."""
    arrived = pl.coalesce(pl.col("paid_on").cast(pl.String), pl.col("booked_month").cast(pl.String)).fill_null("")
    return (
        pl.when(pl.col("payment_kind") == "back_pay").then(pl.lit("back_pay:") + arrived)
        .when(pl.col("payment_kind") == "top_up").then(pl.lit("top_up"))
        .when(in_annual).then(pl.lit("annual")).otherwise(pl.lit("normal"))
    )


def with_rules(lines: pl.DataFrame, policy: Policy) -> tuple[pl.DataFrame, pl.DataFrame]:
    """``lines`` with the columns of their rule, and a table of other accepted rules by ``_rule``."""
    situations = lines.select(_SITUATION).unique().sort(_SITUATION, nulls_last=True).with_row_index("_rule")
    primary: list[dict[str, object]] = []
    others: list[dict[str, object]] = []
    for number, *situation in situations.iter_rows():
        region, scheme, tier, insured, month, born = situation
        rule = policy.rule(
            region, scheme or SCHEME_ACCOUNT, tier, insured, months.first_day(month),
            None if born is None else months.first_day(born),
        )
        primary.append(_rule_row(number, rule))
        others += [_rule_row(number, other) for other in rule.accepts]
    rules = pl.DataFrame(primary, schema=_RULE_SCHEMA)
    joined = lines.join(
        situations.with_columns(pl.col("_rule").cast(pl.Int32)), on=_SITUATION, how="left", nulls_equal=True
    ).join(rules, on="_rule", how="left")
    return joined, pl.DataFrame(others, schema=_RULE_SCHEMA)


def _rule_row(number: int, rule: Rule) -> dict[str, object]:
    return {
        "_rule": number, "has_account": rule.has_account, "employee_ppm": rule.employee_ppm,
        "flat_fens": list(rule.flat_fens), "personal_ppm": rule.personal_ppm, "employer_ppm": rule.employer_ppm,
        "employer_month_fen": (rule.employer_year_fen + 6) // 12, "monthly_fen": rule.monthly_fen,
        "whole_yuan": rule.whole_yuan, "confidence": rule.confidence, "policy_ref": rule.ref,
    }


def amount_by_rule(base: pl.Expr) -> pl.Expr:
    """The credit by the rule's columns: each share rounded by itself, unknown when any part is unknown."""
    return (
        rounded_share(base, pl.col("personal_ppm")) + rounded_share(base, pl.col("employer_ppm"))
        + pl.col("employer_month_fen")
    )


def _with_accepts(lines: pl.DataFrame, alternatives: pl.DataFrame) -> pl.DataFrame:
    """``accepts``: the amounts of the other accepted rules, where no credited amount is stated, and of another record.

    ``unsure``: one of those rules is itself unknown, so that a difference accuses nobody.
    """
    lines = lines.with_row_index("_line")
    others = (
        lines.filter(~pl.col("stated") & ~pl.col("is_side")).select("_line", "_rule", "base_fen")
        .join(alternatives, on="_rule")
        .with_columns(amount_by_rule(pl.col("base_fen")).alias("other"))
        .group_by("_line").agg(_accepted("other"), pl.col("other").is_null().any().alias("unsure"))
    )
    told = lines.join(others, on="_line", how="left").with_columns(*_accepts_filled()).drop("_line")
    if told["also_fen"].null_count() == told.height:
        return told
    # Two records that contradict each other: either's sum is right.
    either = (pl.col("also_fen") > 0) & ~pl.col("is_side")
    return told.with_columns(
        pl.when(either).then(pl.concat_list("accepts", "also_fen").list.unique().list.sort()).otherwise("accepts")
        .alias("accepts"))


def _with_tier_that_has_one(lines: pl.DataFrame, alternatives: pl.DataFrame) -> pl.DataFrame:
    """with_fen, with_confidence, with_ref: what holds if the tier that nobody stated is one with an account."""
    unknown = (pl.col("has_account").is_null() & (pl.col("insured") == "in_service") & ~pl.col("stated")
               & ~pl.col("is_side") & pl.col("expected_fen").is_null())
    first = alternatives.unique("_rule", keep="first", maintain_order=True).select(
        "_rule", pl.col("confidence").alias("with_confidence"), pl.col("policy_ref").alias("with_ref"),
        *(pl.col(name).alias(f"_with_{name}") for name in ("personal_ppm", "employer_ppm", "employer_month_fen")),
    )
    base = pl.col("base_fen")
    amount = (rounded_share(base, pl.col("_with_personal_ppm")) + rounded_share(base, pl.col("_with_employer_ppm"))
              + pl.col("_with_employer_month_fen"))
    joined = lines.join(first, on="_rule", how="left", maintain_order="left")
    return joined.with_columns(
        pl.when(unknown).then(amount).alias("with_fen"),
        *(pl.when(unknown).then(name).alias(name) for name in ("with_confidence", "with_ref")),
    ).drop(first.columns[3:])


def _accepted(amount: str) -> pl.Expr:
    return pl.col(amount).drop_nulls().unique().sort().alias("accepts")


def _accepts_filled() -> list[pl.Expr]:
    return [pl.col("accepts").fill_null(pl.lit([], dtype=pl.List(pl.Int64))), pl.col("unsure").fill_null(False)]


def _is_before(row: dict[str, Any], take: dict[str, Any]) -> bool:
    """Whether a payment arrived before its refund, as far as both are known."""
    if row["arrival_day"] is not None and take["arrival_day"] is not None:
        return bool(row["arrival_day"] <= take["arrival_day"])
    return None in (row["arrival"], take["arrival"]) or bool(row["arrival"] <= take["arrival"])


def _net_refunds(lines: pl.DataFrame) -> pl.DataFrame:
    """Carry out refunds: a full one takes its line out of the expectation, a partial one lessens the month's line.

    Adds ``netted`` (the line and its refund cancel, so neither is due) and ``unrefunded_fen`` (what a lessened line was
    due before; null for all others).
    """
    lines = lines.with_columns(pl.lit(False).alias("netted"), pl.lit(None, dtype=pl.Int64).alias("unrefunded_fen"))
    takes = lines.filter((pl.col("total_fen") < 0) & ~pl.col("is_side") & pl.col("paid").fill_null(False))
    if takes.is_empty():
        return lines
    key = ["person_id", "region", "scheme", "month"]
    mine = lines.join(takes.select(key).unique(), on=key, how="semi", nulls_equal=True).filter(~pl.col("is_side"))
    netted: list[str] = []
    flat_stays: list[str] = []
    changed: dict[str, int] = {}
    for _, group in mine.sort("row_id").group_by(key, maintain_order=True):
        rows = group.to_dicts()
        paid = [row for row in rows if row["total_fen"] > 0 and row["paid"]]
        for take in (row for row in rows if row["total_fen"] < 0 and row["paid"]):
            # What was paid for a flat sum (大额互助) stays with the fund: all but that is all.
            full = [row for row in paid if row["row_id"] not in netted
                    and -take["total_fen"] in (row["total_fen"], row["total_fen"] - row["flat_fen"])]
            same = [row for row in full if row["payer"] == take["payer"]] or full
            if same:
                # The latest of those paid until then: what was paid after the refund was paid anew.
                gone = max(same, key=lambda row: (
                    _is_before(row, take), str(row["arrival_day"] or ""), row["arrival"] or 0, row["row_id"]))
                netted += [gone["row_id"], take["row_id"]]
                if gone["total_fen"] != -take["total_fen"]:
                    flat_stays.append(gone["row_id"])
                continue
            netted.append(take["row_id"])
            target = max((row for row in paid if row["row_id"] not in netted and row["expected_fen"]),
                         key=lambda row: row["expected_fen"], default=None)
            less = take["into_account_fen"] if take["into_account_fen"] is not None else take["rule_fen"]
            if target is not None and less:
                now = changed.get(target["row_id"], target["expected_fen"])
                changed[target["row_id"]] = max(now - abs(less), 0)
    row = pl.col("row_id")
    out = lines.with_columns(row.is_in(netted).alias("netted"))
    if changed:
        out = out.with_columns(
            pl.coalesce(row.replace_strict(changed, default=None, return_dtype=pl.Int64), "expected_fen")
            .alias("expected_fen"),
            pl.when(row.is_in(list(changed))).then("expected_fen").alias("unrefunded_fen"),
        )
    return out.with_columns(
        pl.when(pl.col("netted")).then(0).otherwise(pl.col("expected_fen")).alias("expected_fen"),
        pl.when(pl.col("netted") & ~row.is_in(flat_stays)).then(0).otherwise(pl.col("flat_fen")).alias("flat_fen"),
    )


def retiree_lines(
    prepared: Prepared, policy: Policy, as_of: date, cover: pl.DataFrame
) -> pl.DataFrame:
    """One due line per retiree and month: from the later of retirement and the first covered month, to ``as_of``.

    Retired is read from the roster (``insured_status`` or ``retired_from``), never inferred from age. Columns as
    :func:`lines_of`, as far as a line without a contribution has them; ``row_id`` is null.
    """
    person = prepared.tables["person"].filter(
        (pl.col("insured_status") == "retired") | pl.col("retired_from").is_not_null()
    )
    if person.is_empty():
        return pl.DataFrame()
    last_paid = prepared.contribution.filter(
        ~pl.col("is_side") & (pl.col("payment_kind") == "normal")
    ).group_by("person_id").agg(pl.col("month").max().alias("_last"))
    first = cover.group_by("person_id", "region").agg(pl.col("from").min().alias("_from"))
    until = months.index(as_of)
    base = (
        person.select(
            "person_id", "region", "tier", payer_key().alias("payer"),
            "employer", months.index_of(pl.col("birth_date")).alias("born"),
            months.index_of(pl.col("retired_from")).alias("_retired"),
        )
        .join(last_paid, on="person_id", how="left")
        .join(first, on=["person_id", "region"], how="left", nulls_equal=True)
        .with_columns(
            pl.when(pl.col("_from").dt.day() == 1).then(months.index_of(pl.col("_from")))
            .otherwise(months.index_of(pl.col("_from")) + 1).alias("_covered")
        )
        .with_columns(
            pl.max_horizontal(
                pl.coalesce("_retired", pl.col("_last") + 1),
                # Without an export the months are scope only: one row, the current month, says so.
                pl.col("_covered").fill_null(until), until - RETIREE_HORIZON_MONTHS,
            ).alias("_start")
        )
    )
    rows = base.filter(pl.col("_start") <= until).with_columns(
        pl.int_ranges("_start", until + 1, dtype=pl.Int32).alias("month")
    ).explode("month").with_columns(
        pl.lit(SCHEME_ACCOUNT).alias("scheme"), pl.lit("retired").alias("insured"),
    )
    if rows.is_empty():
        return pl.DataFrame()
    # A line that is recorded as unpaid is no working month of whom the roster says is retired.
    paid = prepared.contribution.filter(
        (pl.col("payment_kind") == "normal") & ~pl.col("is_side") & pl.col("paid").fill_null(value=True)
    ).select("person_id", "month").unique()
    rows = rows.join(paid, on=["person_id", "month"], how="anti")
    rows, alternatives = with_rules(rows, policy)
    others = alternatives.group_by("_rule").agg(
        _accepted("monthly_fen"), pl.col("monthly_fen").is_null().any().alias("unsure")
    )
    return rows.join(others, on="_rule", how="left").with_columns(*_accepts_filled()).select(
        pl.lit(None, dtype=pl.String).alias("row_id"), "person_id", "region", "scheme", "tier", "employer", "payer",
        "month", pl.col("month").alias("arrival"), pl.lit(None, dtype=pl.Date).alias("arrival_day"),
        pl.lit("retiree").alias("stream"), pl.lit("normal").alias("payment_kind"), pl.lit(True).alias("paid"),
        pl.lit("fund_record").alias("proof"), pl.lit(0, dtype=pl.Int64).alias("contributed_fen"),
        pl.lit(0, dtype=pl.Int64).alias("total_fen"), pl.lit(0, dtype=pl.Int64).alias("flat_fen"),
        pl.col("monthly_fen").alias("expected_fen"), "accepts", "unsure",
        pl.col("monthly_fen").fill_null(0).alias("estimated_fen"), "whole_yuan", "policy_ref",
        pl.col("confidence").alias("policy_confidence"), pl.lit(False).alias("stated"), "insured", "born",
        pl.lit(None, dtype=pl.Int64).alias("base_fen"),
        (pl.col("has_account") == False).fill_null(False).alias("no_account"),  # noqa: E712
        pl.col("has_account").fill_null(False).alias("surely_account"),
        pl.lit(False).alias("is_side"), pl.lit(False).alias("netted"),
        ((pl.col("monthly_fen") > 0) & (pl.col("has_account") != False)).fill_null(False).alias("payable"),  # noqa: E712
    )


def policy_conflicts(lines: pl.DataFrame) -> pl.DataFrame:
    """Per region: how many stated credited amounts differ from a rule that is well known, and the first of them."""
    differing = lines.filter(
        pl.col("stated") & pl.col("rule_fen").is_not_null() & (pl.col("rule_fen") != pl.col("into_account_fen"))
        & pl.col("confidence").is_in(["high", "medium"]) & ~pl.col("is_side")
        & (pl.col("payment_kind") == "normal") & (pl.col("into_account_fen") > 0)
    )
    return differing.sort("row_id").group_by("region", maintain_order=True).agg(
        pl.len().alias("rows"), pl.col("row_id").first(), pl.col("into_account_fen").first(), pl.col("rule_fen").first()
    )


def conflict_problems(conflicts: pl.DataFrame) -> list[Problem]:
    """One warning per region, from :func:`policy_conflicts` of all people or of several shards."""
    found = conflicts.sort("row_id").group_by("region", maintain_order=True).agg(
        pl.col("rows").sum(), pl.col("row_id", "into_account_fen", "rule_fen").first()
    )
    problems = []
    for row in found.iter_rows(named=True):
        file, _, place = row["row_id"].partition("#")
        example = f"如文件{yuan_text(row['into_account_fen'])} / 规则{yuan_text(row['rule_fen'])}"
        value = f"{row['region']} {row['rows']}行，{example}"
        problems.append(Problem("policy-differs", file, place, "into_account_fen", value))
    return problems
