"""Policy files: what is shipped says what the facts table says; what is wrong is refused; the right rule is found."""

from __future__ import annotations

import ast
import tomllib
from collections.abc import Iterator
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from recon.policy import Policy, PolicyError, Rule, load_policy, share_fen
from recon.policy.describe import policy_page

ROOT = Path(__file__).resolve().parent.parent
SHIPPED = ROOT / "mappings" / "policy"
# The facts table lies beside the checkout where the project is worked on, and is no part of it.
FACTS = ROOT.parent / "shared" / "facts" / "policies.yaml"
BORN_1985, BORN_1954 = date(1985, 3, 7), date(1954, 6, 5)
BASE = 1_000_000


@pytest.fixture(scope="module")
def policy() -> Policy:
    return load_policy([SHIPPED])


def amounts(rule: Rule) -> tuple[int | None, list[int | None]]:
    """The amount on a base of 10,000 yuan, and the others that are accepted."""
    return rule.amount_fen(BASE), [other.amount_fen(BASE) for other in rule.accepts]


def months(*texts: str) -> list[date]:
    return [date(int(text[:4]), int(text[5:]), 1) for text in texts]


# --- the shipped table against the facts table --------------------------------------------------------------------


def raw_files() -> dict[str, dict[str, Any]]:
    files = [tomllib.loads(path.read_text(encoding="utf-8")) for path in sorted(SHIPPED.glob("*.toml"))]
    return {file["code"]: file for file in files}


def sources_of(file: dict[str, Any], entry: dict[str, Any]) -> list[str]:
    return [file["sources"][name[1:]] for name in entry["source"]]


def entry_of(file: dict[str, Any], section: str, since: str | None) -> dict[str, Any]:
    found = [entry for entry in file.get(section, []) if entry["from"] == (since or "open")]
    return found[0] if found else {}


def as_stated(file: dict[str, Any]) -> dict[str, Any]:
    """One policy file in the shape of the facts table, as far as it states anything."""
    plan = file["schedule"][0]
    calendar = file.get("calendar", [{}])[0]
    flexible = file.get("flexible", [])
    stated: dict[str, Any] = {
        **{key: file.get(key) for key in ("code", "name", "level", "province", "aliases", "completeness", "note")},
        "base_year_start_month": two_digits(calendar.get("base_year_start")),
        "medical_year_start_month": two_digits(calendar.get("medical_year_start")),
        "schedule": {
            # Two kinds are worded otherwise, on purpose: see the notes in the files.
            "kind": {"annual": "annual_prepaid", None: "unknown"}.get(plan.get("kind"), plan.get("kind")),
            **{key: plan.get(key) for key in ("lag_months_min", "lag_months_max", "typical_day_by", "confidence")},
            "annual_credit_month": two_digits(plan.get("credit_month")),
            "annual_window_start_month": two_digits(plan.get("window_start")),
            "source": sources_of(file, plan), "note": plan.get("note"),
        },
        "tiers": [
            {"code": tier["code"], "name": tier["name"], "has_personal_account": tier["has_account"],
             "confidence": tier["confidence"], "source": sources_of(file, tier), "note": tier.get("note")}
            for tier in file["tier"]
        ],
        "subaccounts": [{"code": one["code"], "name": one["name"]} for one in file.get("sub_account", [])],
        "base_limits": [
            {"from": one["from"], "floor": one["floor_yuan"], "cap": one["cap_yuan"], "confidence": one["confidence"],
             "source": sources_of(file, one)}
            for one in file.get("base_limit", [])
        ],
        "periods": [period(file, number) for number in range(len(file["regime"]))],
    }
    if "rounding" in file:
        one = file["rounding"][0]
        stated["rounding"] = {"contribution": one["contribution"], "confidence": one["confidence"],
                              "source": sources_of(file, one), "note": one.get("note")}
    if flexible:
        last = flexible[-1]
        stated["flexible_employment"] = {
            "rate": last["rate"], "rate_five_cities": last.get("rate_five_cities"), "rate_from": last["from"],
            "previous_rate": flexible[0]["rate"] if len(flexible) > 1 else None, "fixed_base": last.get("base_yuan"),
            "monthly_total": last.get("total_yuan_month"), "credited_rate": last.get("credited_share"),
            "credited_monthly": last.get("credited_yuan_month"), "has_personal_account": last.get("has_account"),
            "confidence": last["confidence"], "source": sources_of(file, last), "note": last.get("note"),
        }
    return stated


def period(file: dict[str, Any], number: int) -> dict[str, Any]:
    regime = file["regime"][number]
    following = file["regime"][number + 1]["from"] if number + 1 < len(file["regime"]) else None
    since = regime["from"]
    in_service, retiree, employee, employer = (
        entry_of(file, section, since) for section in ("in_service", "retiree", "employee", "employer")
    )
    shares = in_service.get("employer_share")
    by_year = bool(shares) and "rate_per_year_of_age" in shares[0]
    return {
        "phase": regime["phase"], "effective_from": None if since == "open" else since,
        "effective_from_basis": regime.get("basis", "open_start"),
        "earliest_possible_from": regime.get("uncertain_from"),
        "effective_to": following and month_before(following),
        "effective_applies_to": {"credit": "credit_month", None: "unknown"}[regime.get("applies_to")],
        "employee": {"rate": employee["rate"], "flat_monthly": employee.get("flat_yuan"),
                     "flat_name": employee.get("flat_name")},
        "employer": {key: employer.get(key) for key in ("rate", "includes_maternity", "note")},
        "in_service_credit": {
            "personal_share_rate": in_service["personal_share"],
            "employer_share_by_age": None if by_year or shares is None else [bracket(one) for one in shares],
            "employer_share_formula": {
                "kind": "rate_per_year_of_age", "confidence": in_service["confidence"],
                "by_age": [
                    {"age_min": one.get("age_min"), "age_max": one.get("age_max"),
                     "rate_of_base_per_year": one["rate_per_year_of_age"]}
                    for one in shares
                ],
            } if by_year else None,
        },
        "retiree_credit": {
            "kind": retiree.get("kind", "unknown"),
            "by_age": [bracket(one) for one in retiree["by_age"]] if "by_age" in retiree else None,
            "deductions": [{"name": one["name"], "amount": one["yuan_month"], "per": "month"}
                           for one in retiree.get("deductions", [])],
            "note": retiree.get("note"),
        },
        "cash_withdrawable": regime.get("cash_withdrawable"), "note": regime.get("note"),
        "source": sources_of(file, regime), "confidence": regime["confidence"],
        "confidence_by_field": {
            "in_service_credit": in_service.get("confidence"), "retiree_credit": retiree.get("confidence"),
            "employer": employer.get("confidence"), "effective_from": regime.get("confidence_of", {}).get("from"),
            "employee.flat_monthly": employee.get("confidence_of", {}).get("flat_yuan"),
        },
    }


def bracket(one: dict[str, Any]) -> dict[str, Any]:
    """An age bracket under every name the facts table has for its parts."""
    unit, value = next((key, one[key]) for key in ("rate", "yuan_month", "yuan_year") if key in one)
    per = unit.removeprefix("yuan_") if unit != "rate" else None
    amount = value if per else None
    rate = None if per else value
    return {"age_min": one.get("age_min"), "age_max": one.get("age_max"), "rate_of_base": rate, "rate": rate,
            "fixed_amount": amount, "amount": amount, "fixed_per": per, "per": per}


def two_digits(month: int | None) -> str | None:
    return None if month is None else f"{month:02d}"


def month_before(text: str) -> str:
    year, month = divmod(int(text[:4]) * 12 + int(text[5:]) - 2, 12)
    return f"{year}-{month + 1:02d}"


def leaves(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Every value that is not null, with its path."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from leaves(inner, f"{path}.{key}")
    elif isinstance(value, list):
        for number, inner in enumerate(value):
            yield from leaves(inner, f"{path}[{number}]")
    elif value is not None:
        yield path, value


@pytest.fixture(scope="module")
def facts() -> dict[str, Any]:
    yaml = pytest.importorskip("yaml")
    if not FACTS.is_file():
        pytest.skip("the facts table is not beside this checkout")
    loaded: dict[str, Any] = yaml.safe_load(FACTS.read_text(encoding="utf-8"))
    return loaded


def test_every_value_of_the_facts_table_stands_in_a_policy_file(facts: dict[str, Any]) -> None:
    files = raw_files()
    wrong, compared = [], 0
    for region in facts["regions"]:
        stated = dict(leaves(as_stated(files[region["code"]])))
        for number, one in enumerate(region["periods"]):
            parts = [
                entry_of(files[region["code"]], section, one["effective_from"])
                for section in ("regime", "in_service", "retiree", "employee", "employer")
            ]
            assert all(sources_of(files[region["code"]], part) == one["source"] for part in parts if part), number
        for path, value in leaves(region):
            compared += 1
            if region["code"] == "310000" and path == ".schedule.note":
                assert "annual_prepaid" in stated[path]
                assert stated[path].endswith(value)
            elif stated.get(path) != value:
                wrong.append((region["code"], path, value, stated.get(path)))
    assert not wrong
    assert compared > 2_000


def test_no_policy_file_states_more_than_the_facts_table(facts: dict[str, Any]) -> None:
    """Nothing was made up: no bracket, rate, sum, tier or limit that the facts table lacks."""
    files = raw_files()
    added = ".confidence_by_field", ".effective_to", ".rate_from"  # what the other shape has to fill in
    for region in facts["regions"]:
        known = dict(leaves(region))
        for path, _ in leaves(as_stated(files[region["code"]])):
            spare = any(part in path for part in added) or path.endswith(("].rate", "].amount", "].per"))
            twin = path.rsplit(".", 1)[0]
            same = {f"{twin}.{key}" for key in ("rate_of_base", "fixed_amount", "fixed_per", "rate", "amount", "per")}
            assert path in known or spare or same & set(known), (region["code"], path)


def test_every_national_fact_stands_in_the_national_file(facts: dict[str, Any]) -> None:
    file = raw_files()["national"]
    national = facts["national"]
    for entry in file["fact"]:
        expected = dict(national[entry["code"]])
        assert sources_of(file, entry) == expected.pop("source")
        assert entry["confidence"] == expected.pop("confidence")
        since = expected.pop("effective_from", None) or expected.pop("from", None) or expected.pop("issued", None)
        assert entry["from"] == (since or "open")
        assert entry["statements"] == expected
    rest = {"default_schedule", "no_account_kinds"}
    assert {entry["code"] for entry in file["fact"]} == set(national) - rest
    plan, default = file["schedule"][0], national["default_schedule"]
    assert (plan["kind"], str(plan["lag_months_max"]), plan["note"], plan["confidence"], sources_of(file, plan)) == (
        default["kind"], default["lag_months_max"], default["typical"], default["confidence"], default["source"])
    resident, pooled = national["no_account_kinds"]
    scheme, tier = file["scheme"][0], file["tier"][0]
    assert (scheme["code"], scheme["name"], sources_of(file, scheme)) == (
        resident["code"], resident["name"], resident["source"])
    assert (tier["code"], tier["note"], sources_of(file, tier)) == (pooled["code"], pooled["name"], pooled["source"])


# --- the shipped table by itself ----------------------------------------------------------------------------------


def test_the_shipped_table_has_45_regions_each_with_sources_and_a_rule(policy: Policy) -> None:
    assert len(policy.regions()) == 45
    counts = [region.completeness for region in policy.regions()]
    assert [counts.count(word) for word in ("good", "partial", "stub")] == [4, 12, 29]
    for region in policy.regions():
        rule = policy.rule(region.code, "310", None, "in_service", date(2025, 1, 1), BORN_1985)
        best = [rule, *rule.accepts]
        assert any(one.amount_fen(BASE) == 20_000 for one in best), region.code
        assert policy.region_of(region.name) == region.code
        assert policy.region_of(region.code) == region.code
        assert all(policy.region_of(alias) == region.code for alias in region.aliases)


def test_file_names_begin_with_the_code_they_state() -> None:
    for path in SHIPPED.glob("*.toml"):
        code = tomllib.loads(path.read_text(encoding="utf-8"))["code"]
        assert path.stem == code or path.stem.startswith(f"{code}_")


def test_every_named_source_is_used_and_rates_and_sums_are_text() -> None:
    for code, file in raw_files().items():
        used = {name for value in file.values() if isinstance(value, list) for entry in value
                if isinstance(entry, dict) for name in entry["source"]}
        assert used == {f"@{name}" for name in file["sources"]}, code
        assert not [path for path, value in leaves(file) if isinstance(value, float)], code


def test_the_page_is_what_the_data_say(policy: Policy) -> None:
    """docs/policy.md is generated; run tools/policy_page.py after a change of the data."""
    assert (ROOT / "docs" / "policy.md").read_text(encoding="utf-8") == policy_page(policy.files)


def test_the_example_in_the_page_is_accepted_and_settles_the_uncertain_window(tmp_path: Path) -> None:
    example = policy_page(load_policy([SHIPPED]).files).split("```toml\n")[1].split("```")[0]
    policy = user_policy(tmp_path, example)
    uncertain, settled = (policy.rule("330100", "310", None, None, month) for month in months("2022-06", "2023-06"))
    assert amounts(uncertain) == (None, [])
    assert amounts(settled) == (20_000, [])
    assert settled.confidence == "high"


# --- the rule of a month ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("month", "amount", "accepted"), [
    ("2022-07", 30_000, []), ("2022-08", 30_000, [20_000]), ("2022-09", 20_000, [30_000]),
    ("2022-10", 20_000, [30_000]), ("2022-11", 20_000, []),
])
def test_beijing_reform_either_side_is_accepted_around_the_boundary(
    policy: Policy, month: str, amount: int, accepted: list[int]
) -> None:
    rule = policy.rule("110000", "310", None, "in_service", *months(month), BORN_1985)
    assert amounts(rule) == (amount, accepted)
    assert (rule.has_account, rule.confidence, rule.flat_fens, rule.employee_ppm) == (True, "high", (300,), 20_000)
    assert rule.ref == f"110000/{'2001-04' if month < '2022-09' else '2022-09'}/in_service_credit"


@pytest.mark.parametrize(("month", "amount", "accepted"), [
    ("2024-04", 9_700, []), ("2024-05", 9_700, [10_700]), ("2024-06", 10_700, [9_700]), ("2024-07", 10_700, [9_700]),
    ("2024-08", 10_700, []),
])
def test_beijing_retiree_turning_70_is_paid_by_age_less_three_yuan(
    policy: Policy, month: str, amount: int, accepted: list[int]
) -> None:
    rule = policy.rule("110000", "310", None, "retired", *months(month), BORN_1954)
    assert amounts(rule) == (amount, accepted)
    assert (rule.monthly_fen, rule.confidence, rule.whole_yuan) == (amount, "high", False)


@pytest.mark.parametrize(("birth", "employer_ppm"), [
    ("1985-06", 8_000), ("1985-05", 10_000), ("1975-06", 10_000), ("1975-05", 20_000), ("1999-12", 8_000),
])
def test_an_age_counts_from_the_month_of_the_birthday(policy: Policy, birth: str, employer_ppm: int) -> None:
    rule = policy.rule("110000", "310", None, None, date(2020, 5, 1), months(birth)[0].replace(day=28))
    assert rule.employer_ppm == employer_ppm


def test_without_a_birth_date_an_age_dependent_amount_is_unknown_and_each_bracket_accepted(policy: Policy) -> None:
    rule = policy.rule("110000", "310", None, None, date(2020, 1, 1))
    assert (rule.employer_ppm, rule.confidence) == (None, "unknown")
    assert amounts(rule) == (None, [28_000, 30_000, 40_000])
    assert amounts(policy.rule("110000", "310", None, "retired", date(2023, 5, 1))) == (None, [9_700, 10_700])
    assert amounts(policy.rule("110000", "310", None, None, date(2024, 1, 1))) == (20_000, [])


@pytest.mark.parametrize("tier", ["2", "二档", "tier 2", "Tier2", "第二档", "2档", "３", "三档"])
def test_shenzhen_tiers_two_and_three_have_no_account_in_any_spelling(policy: Policy, tier: str) -> None:
    for status in ("in_service", "retired", None):
        rule = policy.rule("440300", "310", tier, status, date(2024, 1, 1), BORN_1985)
        assert (rule.has_account, rule.amount_fen(BASE), rule.confidence) == (False, 0, "high")


@pytest.mark.parametrize("tier", ["1", "一档", "一档 (职工)", "一档（职工）"])
def test_shenzhen_tier_one_has_an_account(policy: Policy, tier: str) -> None:
    rule = policy.rule("440300", "310", tier, None, date(2024, 1, 1), BORN_1985)
    assert (rule.has_account, *amounts(rule), rule.confidence) == (True, 20_000, [], "high")
    assert policy.rule("440300", "310", tier, None, date(2020, 1, 1), BORN_1985).amount_fen(BASE) == 50_000


def test_where_the_account_hangs_on_a_tier_nobody_stated_no_amount_is_due_but_it_is_accepted(policy: Policy) -> None:
    for region in ("440300", "441900"):
        rule = policy.rule(region, "310", None, None, date(2025, 1, 1), BORN_1985)
        assert (rule.has_account, rule.confidence, *amounts(rule)) == (None, "unknown", None, [20_000])


@pytest.mark.parametrize("scheme", ["390", "392"])
@pytest.mark.parametrize("region", ["110000", "999999", None])
@pytest.mark.parametrize("status", ["in_service", "retired", "flexible", None])
def test_resident_schemes_have_no_account_anywhere(
    policy: Policy, region: str | None, scheme: str, status: str | None
) -> None:
    rule = policy.rule(region, scheme, None, status, date(2024, 1, 1), BORN_1954)
    assert (rule.has_account, rule.amount_fen(BASE), rule.confidence) == (False, 0, "high")


def test_pooled_only_tiers_and_resident_tiers_have_no_account_in_any_region(policy: Policy) -> None:
    for region, tier in (("420100", "单建统筹"), (None, "单建统筹"), ("330100", "城乡居民医保")):
        assert policy.rule(region, "310", tier, None, date(2024, 1, 1)).has_account is False


def test_flexible_employment_is_known_only_where_the_region_states_it(policy: Policy) -> None:
    def flexible(region: str, month: str, tier: str | None = None) -> Rule:
        return policy.rule(region, "310", tier, "flexible", *months(month), BORN_1985)

    low_rate = flexible("110000", "2024-01")
    assert (low_rate.has_account, low_rate.confidence, low_rate.amount_fen(BASE)) == (False, "low", 0)
    huzhou = flexible("330500", "2025-12")
    assert (huzhou.has_account, huzhou.confidence, huzhou.amount_fen(498_600)) == (True, "medium", 9_972)
    assert flexible("330500", "2024-12").has_account is None
    for region in ("310000", "420100", "610100"):
        rule = flexible(region, "2025-12")
        assert (rule.has_account, rule.confidence, *amounts(rule)) == (None, "unknown", None, [])
    assert [flexible("500000", "2024-05", tier).has_account for tier in (None, "一档", "二档")] == [None, False, True]


def test_wuhan_is_known_since_the_reform_and_unknown_before(policy: Policy) -> None:
    rule = policy.rule("420100", "310", None, None, date(2024, 1, 1), BORN_1985)
    assert (*amounts(rule), rule.confidence, rule.flat_fens) == (20_000, [], "high", (700,))
    assert amounts(policy.rule("420100", "310", None, None, date(2022, 6, 1), BORN_1985)) == (None, [])
    assert amounts(policy.rule("420100", "310", None, None, date(2023, 1, 1), BORN_1985)) == (None, [20_000])
    # The other side is unknown: whoever credits otherwise in the month of the boundary cannot be judged.
    assert amounts(policy.rule("420100", "310", None, None, date(2023, 2, 1), BORN_1985)) == (20_000, [None])
    retired = policy.rule("420100", "310", None, "retired", date(2024, 1, 1), BORN_1954)
    assert (retired.monthly_fen, retired.whole_yuan, retired.slack_fen) == (8_300, True, 50)
    assert policy.rule("420100", "310", None, "retired", date(2022, 1, 1), BORN_1954).kind == "rate_of_own_pension"


@pytest.mark.parametrize(("month", "amount", "accepted"), [
    ("2021-01", None, []), ("2021-04", None, []), ("2021-05", None, [20_000]), ("2024-03", None, [20_000]),
    ("2024-04", 20_000, []), ("2024-05", 20_000, []),
])
def test_inside_an_uncertain_window_the_later_rule_is_accepted_and_nothing_is_due(
    policy: Policy, month: str, amount: int | None, accepted: list[int]
) -> None:
    rule = policy.rule("330100", "310", None, None, *months(month), BORN_1985)
    assert amounts(rule) == (amount, accepted)
    assert rule.confidence == ("unknown" if amount is None else "medium")


def test_shanghai_adds_a_fixed_sum_a_year_by_age_until_the_reform_of_the_credit_month(policy: Policy) -> None:
    def rule(month: str, status: str = "in_service") -> Rule:
        return policy.rule("310000", "310", None, status, *months(month), BORN_1985)

    before = rule("2022-01")
    assert (before.employer_ppm, before.employer_year_fen, before.confidence) == (0, 42_000, "low")
    assert amounts(before) == (23_500, [])
    # The window April 2022 to March 2023 is credited in July 2023, the first month of the new rule.
    assert amounts(rule("2022-03")) == (23_500, [])
    assert amounts(rule("2022-04")) == (23_500, [20_000])
    assert amounts(rule("2023-09")) == (20_000, [])
    retired = policy.rule("310000", "310", None, "retired", date(2024, 1, 1), BORN_1954)
    assert (retired.monthly_fen, retired.year_fen) == (None, 168_000)
    assert before.rounding == "ceil_to_jiao"
    assert before.employee_fen(3_418_800) == 68_380
    assert before.amount_fen(3_418_800) == 68_376 + 3_500


def test_shenzhen_retirees_of_the_old_rule_get_an_exact_rate_of_the_base(policy: Policy) -> None:
    rule = policy.rule("440300", "310", "1", "retired", date(2020, 1, 1), BORN_1954)
    assert (rule.personal_ppm, rule.employer_ppm, rule.confidence) == (80_500, 0, "low")


def test_chengdu_credited_a_rate_for_each_year_of_age(policy: Policy) -> None:
    birthday = policy.rule("510100", "310", None, None, date(2019, 3, 1), BORN_1985)
    assert (birthday.employer_ppm, *amounts(birthday)) == (34 * 200, 26_800, [26_600])
    over_50 = policy.rule("510100", "310", None, None, date(2019, 9, 1), BORN_1954)
    assert over_50.employer_ppm == 65 * 350
    assert amounts(policy.rule("510100", "310", None, None, date(2019, 3, 1))) == (None, [])


def test_a_region_not_in_the_table_gets_the_two_per_cent_rule_from_2024_04_and_nothing_else(policy: Policy) -> None:
    for region in (None, "999999"):
        before, after = (policy.rule(region, "310", None, None, month) for month in months("2024-02", "2024-04"))
        assert (before.confidence, *amounts(before)) == ("unknown", None, [])
        assert (after.confidence, after.ref, *amounts(after)) == (
            "medium", "national/2024-04/in_service_credit", 20_000, [])
        for status in ("retired", "flexible"):
            assert amounts(policy.rule(region, "310", None, status, date(2025, 1, 1), BORN_1954)) == (None, [])


def test_a_flat_sum_of_the_uncertain_window_is_recognised(policy: Policy) -> None:
    assert policy.rule("430100", "310", None, None, date(2023, 1, 1)).flat_fens == (1_500,)
    assert policy.flat_names("430100", date(2025, 1, 1)) == (("职工大额医疗互助保险", 1_500),)
    assert policy.flat_names(None, date(2025, 1, 1)) == ()


# --- calendars, limits, names -------------------------------------------------------------------------------------


@pytest.mark.parametrize(("region", "kind", "tolerance", "confidence"), [
    ("110000", "monthly", 2, "medium"), ("440300", "monthly", 2, "low"), ("420100", "monthly", 3, "low"),
    ("330100", "monthly_or_annual_prepaid", 12, "low"), ("320571", "monthly", 3, "low"),
    ("999999", "monthly", 3, "medium"), (None, "monthly", 3, "medium"),
])
def test_schedules(policy: Policy, region: str | None, kind: str, tolerance: int, confidence: str) -> None:
    plan = policy.schedule(region)
    assert (plan.kind, plan.typical, plan.typical_stated) == (kind, 1, False)
    assert (plan.tolerance, plan.confidence) == (tolerance, confidence)


def test_shanghai_credits_once_a_year(policy: Policy) -> None:
    plan = policy.schedule("310000")
    assert (plan.kind, plan.window_start, plan.credit_month, plan.tolerance) == ("annual", 4, 7, 1)
    assert plan.confidence == "low"
    assert plan.ref == "310000/schedule"


def test_base_limits_hold_for_their_year_only(policy: Policy) -> None:
    limit = policy.base_limits("110000", date(2025, 6, 1))
    assert limit is not None
    assert (limit.floor_fen, limit.cap_fen, limit.confidence) == (682_100, 3_528_300, "high")
    assert policy.base_limits("330100", date(2022, 1, 1)) is None
    assert policy.base_limits("110000", date(2021, 6, 1)) is None
    assert policy.base_limits("999999", date(2025, 6, 1)) is None


def test_calendar_values(policy: Policy) -> None:
    assert [policy.collection_deadline(region) for region in ("110000", None)] == [1, 1]
    assert [policy.base_year_start(region) for region in ("110000", "330100", "420100")] == [7, 1, None]
    assert [policy.medical_year_start(region) for region in ("110000", "310000", None)] == [1, 7, None]
    assert policy.sub_accounts("330100") == (("current_year", "当年账户"), ("past_years", "历年账户"))
    assert policy.back_pay_credited("110000", date(2024, 1, 1)) is None


@pytest.mark.parametrize(("text", "code"), [
    ("110105", "110000"), ("420106", "420100"), ("310115", "310000"), ("320505", "320500"), ("320571", "320571"),
    ("420106.0", "420100"), ("110105000000", "110000"), ("武汉", "420100"), ("武汉市", "420100"),
    (" 武 汉 市 ", "420100"), ("湖北省武汉市", "420100"), ("湖北武汉", "420100"),
    ("武汉市江岸区", "420100"), ("北京朝阳", "110000"),
    ("苏州工业园区", "320571"), ("江苏省苏州工业园区", "320571"), ("sip", "320571"), ("苏州", "320500"),
    ("370000-P", "370000-P"), ("甘肃省省直", "620000-P"), ("石家庄", "130100"), ("吉林市", None), ("浙江省省直", None),
    ("999999", None), ("371000", None), ("", None), ("不详", None),
])
def test_region_of(policy: Policy, text: str, code: str | None) -> None:
    assert policy.region_of(text) == code


def test_near_names_help_with_a_misspelt_region(policy: Policy) -> None:
    assert policy.near_names("武汗市")[0] == "420100 武汉市"
    assert policy.near_names("武汗")[0] == "420100 武汉市"
    assert policy.near_names("wuhna")[0] == "420100 武汉市"


def test_near_names_of_a_code_are_the_regions_of_its_province(policy: Policy) -> None:
    assert policy.near_names("420500") [:1] == ["420500 宜昌市"]
    assert policy.near_names("420200") == ["420100 武汉市", "420500 宜昌市"]
    assert policy.near_names("991100") == []


def test_describe_is_plain_data_with_sources(policy: Policy) -> None:
    known: Any = policy.describe("110000", date(2024, 1, 1))
    value = known["sections"]["retiree"]["values"]["by_age"]
    assert value["value"] == ["under 70: 100.00 yuan a month", "70 and over: 110.00 yuan a month"]
    assert (value["from"], value["confidence"], known["name"]) == ("2022-09", "high", "北京市")
    assert all(isinstance(text, str) for text in value["source"])
    assert policy.describe("999999", date(2024, 1, 1))["sections"] == {}


# --- the loader ---------------------------------------------------------------------------------------------------


def user_policy(folder: Path, *files: str) -> Policy:
    """The shipped policy with these files of a user on top."""
    for number, text in enumerate(files):
        (folder / f"user{number}.toml").write_text(text, encoding="utf-8")
    return load_policy([SHIPPED, folder])


GOOD = """code = "999901"
name = "示例市"

[[in_service]]
from = "2020-01"
personal_share = "0.02"
employer_share = [{age_max = 45, rate = "0.01"}, {age_min = 45, rate = "0.02"}]
source = ["示例文件"]
confidence = "high"

[[in_service]]
from = "2023-01"
employer_share = []
source = ["示例文件"]
confidence = "medium"
"""


def test_a_value_holds_until_it_is_stated_anew(tmp_path: Path) -> None:
    policy = user_policy(tmp_path, GOOD)
    before, after = (
        policy.rule("999901", "310", None, None, month, BORN_1985) for month in months("2022-06", "2023-06")
    )
    assert (before.amount_fen(BASE), after.amount_fen(BASE)) == (30_000, 20_000)
    assert (before.confidence, after.confidence) == ("high", "medium")
    assert after.ref == "999901/2023-01/in_service_credit"
    assert policy.region_of("示例") == "999901"


@pytest.mark.parametrize(("old", "new", "key", "message"), [
    ('source = ["示例文件"]', "", "in_service[1].source", "missing"),
    ('source = ["示例文件"]', "source = []", "in_service[1].source", "empty"),
    ('source = ["示例文件"]', 'source = ["@x"]', "in_service[1].source", "@x"),
    ('confidence = "high"', "", "in_service[1].confidence", "missing"),
    ('confidence = "high"', 'confidence = "sure"', "in_service[1].confidence", "sure"),
    ('personal_share = "0.02"', 'personal_shre = "0.02"', "in_service[1].personal_shre", "personal_share?"),
    ('personal_share = "0.02"', 'personal_share = "2"', "in_service[1].personal_share", "between 0 and 1"),
    ('personal_share = "0.02"', 'personal_share = "0"', "in_service[1].personal_share", "between 0 and 1"),
    ('personal_share = "0.02"', "personal_share = 1.0", "in_service[1].personal_share", "between 0 and 1"),
    ('personal_share = "0.02"', 'personal_share = "2%"', "in_service[1].personal_share", "not a number"),
    ('personal_share = "0.02"', 'personal_share = "0.0_2"', "in_service[1].personal_share", "not a number"),
    ('personal_share = "0.02"', 'personal_share = "0.0200001"', "in_service[1].personal_share", "six decimals"),
    ('personal_share = "0.02"', 'personal_share = "0.02"\nunknown = ["personal_share"]', "in_service[1].unknown",
     "both"),
    ('from = "2023-01"', 'from = "2020-01"', "in_service[2].from", "overlaps"),
    ('from = "2023-01"', 'from = "2019-01"', "in_service[2].from", "order"),
    ('from = "2023-01"', 'from = "2023-13"', "in_service[2].from", "not a month"),
    ('from = "2023-01"', 'from = "2_23-01"', "in_service[2].from", "not a month"),
    ('from = "2023-01"', 'from = "2023-+1"', "in_service[2].from", "not a month"),
    ('from = "2023-01"', "", "in_service[2].from", "missing"),
    ('from = "2023-01"', 'from = "2023-01"\nuncertain_from = "2023-02"', "in_service[2].uncertain_from", "not before"),
    ("age_min = 45", "age_min = 50", "in_service[1].employer_share", "gap"),
    ("age_max = 45, ", "", "in_service[1].employer_share", "gap"),
    ('{age_min = 45, rate = "0.02"}', '{age_min = 45, yuan = "3"}', "in_service[1].employer_share", "yuan"),
    ('{age_min = 45, rate = "0.02"}', '{age_min = 45, age_max = 60, rate = "0.02"}', "in_service[1].employer_share",
     "every age"),
    ("[[in_service]]", "[[inservice]]", "inservice", "in_service?"),
    ('code = "999901"', "", "code", "missing"),
    ('name = "示例市"', "", "name", "999901"),
    ('name = "示例市"', 'name = "示例市"\naliases = ["武汉"]', "aliases", "420100"),
])
def test_a_mistake_is_refused_with_file_and_key(tmp_path: Path, old: str, new: str, key: str, message: str) -> None:
    assert old in GOOD
    (tmp_path / "policy").mkdir()
    (tmp_path / "policy" / "x.toml").write_text(GOOD.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(PolicyError) as caught:
        load_policy([SHIPPED, tmp_path])
    first = caught.value.mistakes[0]
    assert (first.file, first.key) == ("policy/x.toml", key)
    assert message in first.message
    assert str(tmp_path) not in str(caught.value)


def test_all_mistakes_are_reported_at_once(tmp_path: Path) -> None:
    text = GOOD.replace('"0.02"\n', '"7"\n').replace('confidence = "medium"', 'confidence = "so so"')
    with pytest.raises(PolicyError) as caught:
        user_policy(tmp_path, text, "code = [", 'code = "1"\n[sources]\na = 1\n[[schedule]]\nfrom = "open"\nkind = "x"')
    found = {(mistake.file.split("/")[1], mistake.key) for mistake in caught.value.mistakes}
    assert {("user0.toml", "in_service[1].personal_share"), ("user0.toml", "in_service[2].confidence"),
            ("user1.toml", ""), ("user2.toml", "schedule[1].kind"), ("user2.toml", "schedule[1].source"),
            ("user2.toml", "schedule[1].confidence")} <= found


def test_a_user_file_replaces_only_the_keys_it_gives(tmp_path: Path) -> None:
    policy = user_policy(tmp_path, """
        code = "110000"
        [[retiree]]
        from = "2022-09"
        by_age = [{yuan_month = "120.00"}]
        source = ["一份文件"]
        confidence = "medium"
        [[schedule]]
        from = "open"
        lag_months_max = 4
        typical_months = 2
        source = ["一份文件"]
        confidence = "low"
    """)
    retired = policy.rule("110000", "310", None, "retired", date(2024, 1, 1), BORN_1954)
    assert (retired.monthly_fen, retired.confidence) == (12_000 - 300, "medium")
    assert policy.rule("110000", "310", None, "retired", date(2021, 1, 1), BORN_1954).monthly_fen == 9_700
    assert policy.rule("110000", "310", None, None, date(2024, 1, 1)).confidence == "high"
    plan = policy.schedule("110000")
    assert (plan.kind, plan.tolerance, plan.typical, plan.typical_stated) == ("monthly", 4, 2, True)


def test_a_user_may_doubt_a_value(tmp_path: Path) -> None:
    policy = user_policy(tmp_path, """
        code = "110000"
        [[in_service]]
        from = "2022-09"
        unknown = ["employer_share"]
        source = ["来电询问，答复不一"]
        confidence = "low"
    """)
    rule = policy.rule("110000", "310", None, None, date(2024, 1, 1), BORN_1985)
    assert (rule.amount_fen(BASE), rule.confidence) == (None, "unknown")


def test_format_files_in_the_same_folder_are_left_alone(tmp_path: Path) -> None:
    assert len(user_policy(tmp_path, 'id = "some_format"\n[read]\nkind = "csv"\n').regions()) == 45
    assert len(load_policy([ROOT / "mappings"]).regions()) == 45
    assert load_policy([tmp_path / "absent"]).regions() == ()


def test_one_region_stated_twice_in_one_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(PolicyError, match="already stands in"):
        user_policy(tmp_path, GOOD, GOOD)


# --- money --------------------------------------------------------------------------------------------------------


@given(st.integers(-10**9, 10**9), st.integers(1, 999_999))
def test_shares_are_what_decimal_gives(base: int, ppm: int) -> None:
    exact = Decimal(base) * Decimal(ppm).scaleb(-6)
    assert share_fen(base, ppm) == int(exact.quantize(Decimal(1), ROUND_HALF_UP))


@given(st.integers(0, 10**8))
def test_ceil_to_jiao_is_never_less_and_less_than_a_jiao_more(base: int) -> None:
    rule = Rule(True, 20_000, (), 20_000, 0, 0, None, False, "ceil_to_jiao", "high", "x")
    paid = rule.employee_fen(base)
    assert paid is not None
    assert paid % 10 == 0
    assert 0 <= paid - Decimal(base) * Decimal("0.02") < 10


# Where a float is no money: prices of evidence; the likeness of two names.
NOT_MONEY = {"core/payroll/offsets.py", "policy/region.py"}


def floats_of(path: Path) -> Iterator[tuple[int, str]]:
    """Line and text of everything that makes, takes or gives a binary float; a Decimal and a path may be divided."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        text = ast.unparse(node) if isinstance(node, ast.expr) else ""
        constant = isinstance(node, ast.Constant) and isinstance(node.value, float)
        named = isinstance(node, ast.Name) and node.id in ("float", "round")
        called = isinstance(node, ast.Attribute) and node.attr in (
            "Float32", "Float64", "mean", "median", "quantile", "round", "std", "truediv")
        divided = isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div) and not (
            text.startswith("Decimal(") or (isinstance(node.right, ast.Constant) and isinstance(node.right.value, str)))
        if constant or named or called or divided:
            yield node.lineno, text


def test_no_binary_floats_where_money_is_worked_out() -> None:
    """The core, the policy and the tables know whole fen and parts per million, nothing else."""
    source = ROOT / "src" / "recon"
    paths = [*(source / "policy").rglob("*.py"), *(source / "core").rglob("*.py"), source / "tables.py"]
    found = {path.relative_to(source).as_posix(): list(floats_of(path)) for path in paths}
    assert {name: lines for name, lines in found.items() if lines and name not in NOT_MONEY} == {}


def test_the_grep_finds_floats(tmp_path: Path) -> None:
    for number, code in enumerate(("x = 0.02", "x = fen / 100", "x = round(y)", "x = pl.Float64()", "x = c.mean()")):
        (tmp_path / f"{number}.py").write_text(code, encoding="utf-8")
        assert list(floats_of(tmp_path / f"{number}.py")), code


@given(st.lists(st.tuples(st.integers(-10**9, 10**9), st.integers(1, 999_999), st.integers(0, 999_999)), min_size=1))
def test_shares_of_whole_columns_are_what_decimal_gives(rows: list[tuple[int, int, int]]) -> None:
    """What polars works out for a column equals Decimal, share by share, and so does a Rule for one month."""
    from recon.core.expect import rounded_share

    frame = pl.DataFrame(rows, schema={"base": pl.Int64, "own": pl.Int64, "firm": pl.Int64}, orient="row")
    told = frame.select(
        (rounded_share(pl.col("base"), pl.col("own")) + rounded_share(pl.col("base"), pl.col("firm"))).alias("fen"))

    def exact(base: int, ppm: int) -> int:
        return int((Decimal(base) * ppm / 1_000_000).quantize(Decimal(1), ROUND_HALF_UP))

    assert told["fen"].to_list() == [exact(base, own) + exact(base, firm) for base, own, firm in rows]
    for base, own, firm in rows:
        rule = Rule(True, None, (), own, firm, 0, None, False, "half_up", "high", "x")
        assert rule.amount_fen(base) == exact(base, own) + exact(base, firm)
