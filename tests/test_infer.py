"""Rules inferred from data: recovered where a cohort is large enough, silent where it is not, never an accusation."""

from __future__ import annotations

from datetime import date
from random import Random
from typing import Any

import polars as pl

from core_cases import WUHAN, Row, account, context_of, cover, flow, later, line, person, policy, run_of, solve
from recon.core.context import build_context
from recon.core.expect import lines_of
from recon.core.infer import infer_rules
from recon.core.inferred import inferred_notes
from recon.core.prepare import prepare
from recon.policy import share_fen

FIRST = "2022-01"
Rule = dict[str, Any]


def some_rule(random: Random) -> Rule:
    """A rule of one of the kinds that cities have."""
    kind = random.choice(["share", "share", "by_age", "flat", "flat_by_age", "fixed", "fixed_by_age"])
    if kind == "share":
        return {"kind": kind, "parts": [random.choice([15000, 17000, 18000, 20000]), random.choice([0, 0, 8000, 14500])]}
    if kind == "by_age":
        return {"kind": kind, "ages": [35, 45], "parts": [[20000, 8000], [20000, 10000], [20000, 20000]]}
    if kind == "flat":
        return {"kind": kind, "sum": random.choice([-800, -300, 1000, 3500])}
    if kind == "flat_by_age":
        return {"kind": kind, "ages": [35, 45], "sums": [1750, 3500, 5250]}
    if kind == "fixed":
        return {"kind": kind, "sum": random.choice([8300, 9700, 16908])}
    return {"kind": kind, "ages": [70], "sums": [9700, 10700]}


def amount(rule: Rule, base: int, age: int) -> int:
    """What the rule credits."""
    place = sum(age >= one for one in rule.get("ages", []))
    kind = rule["kind"]
    if kind in ("share", "by_age"):
        parts = rule["parts"] if kind == "share" else rule["parts"][place]
        return sum(share_fen(base, ppm) for ppm in parts if ppm)
    if kind in ("flat", "flat_by_age"):
        return share_fen(base, 20000) + (rule["sum"] if kind == "flat" else rule["sums"][place])
    return int(rule["sum"] if kind == "fixed" else rule["sums"][place])


def cohort(random: Random, region: str, people: int, rule: Rule, number: int) -> tuple[list[Row], list[Row], list[Row]]:
    """Contributions, credits and roster of a city under one rule: bases change, credits are missing, late or merged."""
    lag, retired = random.choice([1, 1, 2]), rule["kind"].startswith("fixed")
    paid, came, roster = [], [], []
    for one in range(people):
        who = f"PSN:{number:04d}{one:06d}"
        age = 55 + one * 30 // people if retired else 24 + one * 34 // people
        base = random.randrange(400000, 2500000)
        roster.append(person(person_id=who, person_name=f"测试{number}-{one}", region=region,
                             birth_date=f"{2022 - age}-01-15", insured_status="retired" if retired else "in_service",
                             retired_from="2015-01-01" if retired else None))
        for place, month in enumerate(run_of(FIRST, 9)):
            if place == 4:
                base = base * random.randrange(95, 115) // 100
            if not retired:
                paid.append(line(month, person_id=who, region=region, base_fen=base, employee_fen=base // 50,
                                 employer_fen=base // 12, due=None, employer=f"示例{number}"))
            if random.random() < 0.05:
                continue
            day = f"{later(month, 0 if retired else lag)}-12"
            older = age + place // 12
            came.append(flow(day, amount(rule, base, older), person_id=who, region=region))
    return paid, came, roster


def inferred(cities: list[tuple[str, int, Rule]], seed: int) -> pl.DataFrame:
    """What the first pass infers of cities nobody knows, each with its number of people and rule."""
    random = Random(seed)
    paid, came, roster = [], [], []
    for number, (region, people, rule) in enumerate(cities):
        one = cohort(random, region, people, rule, number)
        paid, came, roster = paid + one[0], came + one[1], roster + one[2]
    tables = account(paid, came, roster=roster, coverage=[cover(start="2021-01-01")])
    prepared = prepare(tables)
    return infer_rules(lines_of(prepared, policy()), prepared, policy())


def agrees(found: pl.DataFrame, rule: Rule) -> bool:
    """Whether the rows of a city give the rule's amounts on any base and age."""
    for age in (28, 40, 50, 66, 72):
        if rule["kind"].startswith("fixed") and age < 60:
            continue
        rows = [row for row in found.rows(named=True)
                if (row["age_min"] or 0) <= age < (row["age_max"] or 999)]
        if len(rows) != 1:
            return False
        for base in (412345, 1000000, 1987654):
            (row,) = rows
            told = row["flat_fen"] + sum(share_fen(base, row[name] or 0) for name in ("personal_ppm", "employer_ppm"))
            if abs(told - amount(rule, base, age)) > 1:
                return False
    return True


def test_a_known_rule_is_recovered_from_twenty_people_on() -> None:
    """Of 100 cities with 20 to 30 people each at least 99% give back the rule they were made with."""
    random = Random(5)
    cities = [(f"99{number:04d}", random.randrange(20, 31), some_rule(random)) for number in range(100)]
    found = inferred(cities, seed=5)
    right = [agrees(found.filter(pl.col("region") == region), rule) for region, _, rule in cities]
    assert sum(right) * 100 >= len(cities) * 99, [
        (city, found.filter(pl.col("region") == city[0]).rows()) for city, ok in zip(cities, right, strict=True) if not ok]
    assert found["people"].min() >= 20  # type: ignore[operator]


def test_below_twenty_people_nothing_is_said() -> None:
    """19 people are too few, whatever they show."""
    random = Random(6)
    assert inferred([(f"99{number:04d}", 19, some_rule(random)) for number in range(12)], seed=6).height == 0


def test_credits_of_no_rule_give_none() -> None:
    """Amounts that follow nothing are no rule."""
    random = Random(7)
    paid, came, roster = cohort(random, "990001", 25, {"kind": "flat", "sum": 1000}, 1)
    came = [row | {"amount_fen": random.randrange(5000, 60000)} for row in came]
    tables = account(paid, came, roster=roster, coverage=[cover(start="2021-01-01")])
    assert build_context(tables, policy(), date(2024, 3, 31)).inferred.height == 0


def test_a_reform_gives_two_rules() -> None:
    """2.8% until 2022-04, 2% from 2022-05: two runs of months, the newer one open."""
    random = Random(8)
    paid, _, roster = cohort(random, "990001", 24, {"kind": "share", "parts": [20000, 8000]}, 1)
    bases = {(row["person_id"], later(row["accrual_month"][:7], 1)): row["base_fen"] for row in paid}
    new = []
    for row in paid:
        month = later(row["accrual_month"][:7], 1)
        base = bases[row["person_id"], month]
        fen = share_fen(base, 20000) + (share_fen(base, 8000) if month < "2022-06" else 0)
        new.append(flow(f"{month}-12", fen, person_id=row["person_id"], region="990001"))
    tables = account(paid, new, roster=roster, coverage=[cover(start="2021-01-01")])
    found = build_context(tables, policy(), date(2024, 3, 31)).inferred.sort("from")
    assert found.select("ref", "personal_ppm", "employer_ppm", "is_last").rows() == [
        ("990001/2022-01/inferred", 20000, 8000, False), ("990001/2022-05/inferred", 20000, 0, True)]


def wuhan(fen: int, people: int = 24, odd: dict[int, int] | None = None, less: int = 0) -> Any:
    """A whole city's people in Wuhan 2024 whose credits are ``fen`` per 10,000 of base, less one sum; ``odd``: other sums
    by person."""
    random = Random(9)
    paid, came = [], []
    for one in range(people):
        who, base = f"PSN:42{one:08d}", random.randrange(50, 250) * 10000
        for month in run_of("2024-01", 8):
            paid.append(line(month, person_id=who, base_fen=base, employee_fen=base // 50, employer_fen=base // 12,
                             due=None, person_name=f"测试{one}"))
            came.append(flow(f"{later(month, 1)}-12", (odd or {}).get(one, base * fen // 10000 - less), person_id=who))
    return solve(account(paid, came), "2024-12-31").result.tables


def test_a_city_at_odds_with_the_table_is_one_finding_and_accuses_nobody() -> None:
    """Everybody in Wuhan gets 2.5%, the table says 2%: no over-credit, one finding, every month points to it."""
    result = wuhan(250)
    month = result["month"]
    assert set(month["label"]) == {"policy_unknown"}
    assert set(month["cause"]) == {"table_differs"}
    assert set(result["expected"]["policy_confidence"]) == {"inferred"}
    (finding,) = result["finding"].rows(named=True)
    assert (finding["label"], finding["cause"], finding["people"], finding["scope"]) == (
        "policy_unknown", "table_differs", 24, "region")
    assert "基数的2.5%" in finding["evidence"]
    parts = result["gap"].filter(pl.col("cause") == "table_differs")
    assert parts.height == 24 * 8
    assert set(parts["finding_id"]) == {finding["finding_id"]}
    assert result["gap"].filter(pl.col("status") == "open").height == 0


def test_a_city_that_follows_the_table_changes_nothing() -> None:
    """Where the table fits, one person's odd credits are that person's matter."""
    result = wuhan(200, odd={3: 5000})
    assert set(result["expected"]["policy_confidence"]) == {"high"}
    odd = result["month"].filter(pl.col("person_id") == "PSN:4200000003")
    assert set(odd["label"]) <= {"short_credit", "over_credit"}
    assert set(result["month"].filter(pl.col("person_id") != "PSN:4200000003")["label"]) == {"on_time"}


def test_an_inferred_share_holds_for_top_ups_too() -> None:
    """What a city credits of a base it credits of the difference to the new base: the top-ups' one credit is theirs."""
    paid, came = [], []
    for one in range(24):
        who, base = f"PSN:9{one:05d}", 500000 + 12300 * one
        for number, month in enumerate(run_of(FIRST, 9)):
            paid.append(line(month, person_id=who, region="990001", base_fen=base, employee_fen=base // 50, due=None))
            came.append(flow(f"{later(month, 1)}-12", share_fen(base, 31000), person_id=who, region="990001"))
            if number in (3, 4, 5):  # the higher base was known in the fifth month after
                paid.append(line(month, person_id=who, region="990001", base_fen=60000, employee_fen=1200, due=None,
                                 payment_kind="top_up", paid_on=f"{later(FIRST, 6)}-22"))
        came.append(flow(f"{later(FIRST, 7)}-18", 3 * share_fen(60000, 31000), person_id=who, region="990001"))
    told = solve(account(paid, came, coverage=[cover(start="2021-01-01")]))
    assert set(told.result.tables["month"]["label"]) == {"on_time"}


def test_an_inferred_amount_is_never_called_short() -> None:
    """In a city nobody knows most get 2.8%: that is as usual; who gets less is not accused."""
    random = Random(10)
    paid, came, roster = cohort(random, "990001", 30, {"kind": "share", "parts": [20000, 8000]}, 1)
    low = [row | ({"amount_fen": row["amount_fen"] * 9 // 10} if row["person_id"].endswith("07") else {})
           for row in came]
    tables = account(paid, low, roster=roster, coverage=[cover(start="2021-01-01")])
    told = solve(tables, "2024-03-31", context=context_of(tables, "2024-03-31"))
    month = told.result.tables["month"]
    assert month.filter(pl.col("label").is_in(["short_credit", "over_credit"])).height == 0
    usual = month.filter(~pl.col("person_id").str.ends_with("07") & (pl.col("credited_fen") > 0))
    assert set(usual["label"]) <= {"on_time", "delay"}
    assert usual.filter(pl.col("evidence").str.contains("推断")).height == usual.height
    assert set(month.filter(pl.col("person_id").str.ends_with("07") & (pl.col("credited_fen") > 0))["label"]) == {
        "policy_unknown"}


def test_wuhan_is_known() -> None:
    """The region used above is one whose rule is well known."""
    assert policy().rule(WUHAN, "310", None, None, date(2024, 1, 1)).confidence == "high"


def test_what_was_inferred_is_told_with_its_support_in_both_languages() -> None:
    """Every kind of rule in words."""
    rules: list[Rule] = [
        {"kind": "share", "parts": [20000, 14500]}, {"kind": "flat", "sum": -800}, {"kind": "fixed", "sum": 8300},
        {"kind": "by_age", "ages": [35, 45], "parts": [[20000, 8000], [20000, 10000], [20000, 20000]]},
    ]
    found = inferred([(f"99000{number}", 34, rule) for number, rule in enumerate(rules)], seed=11)
    chinese, english = (" ".join(inferred_notes(found, lang)) for lang in ("zh", "en"))
    for text in ("基数的3.45%", "基数的2%减8.00元", "每月83.00元", "35岁以下 基数的2.8%；35至44岁 基数的3%；45岁及以上 基数的4%", "由34人"):
        assert text in chinese
    for text in ("3.45% of the base", "2% of the base less 8.00 yuan", "83.00 yuan a month", "45 and over: 4% of the base",
                 "credits of 34 people"):
        assert text in english


def test_the_table_less_one_sum_for_all_is_a_deduction() -> None:
    """Everybody gets 2% less 10.00, and the table says 2%: ten are taken from each account; no rule is at odds."""
    result = wuhan(200, less=1000)
    assert set(result["month"]["label"]) == {"account_deduction"}
    assert set(result["expected"]["policy_confidence"]) == {"high"}
    assert set(result["gap"].filter(pl.col("label") == "account_deduction")["amount_fen"]) == {1000}
