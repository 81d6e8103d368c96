"""Every row of docs/policy-cases.md: a situation, and what a person worked out should be credited."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from functools import cache

import pytest

from recon.policy import Policy, Rule, load_policy
from support import MAPPINGS, ROOT

STATUS = {"在职": "in_service", "退休": "retired", "灵活就业": "flexible"}
Row = tuple[str, ...]


@cache
def policy() -> Policy:
    return load_policy([MAPPINGS / "policy"])


def rows() -> Iterator[Row]:
    """code, month, who, born, tier, base, due, also: the cells of the tables."""
    code = ""
    for line in (ROOT / "docs" / "policy-cases.md").read_text(encoding="utf-8").splitlines():
        heading = re.fullmatch(r"## (\S+) .*", line)
        code = heading[1] if heading else code
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if len(cells) == 8 and re.fullmatch(r"\d{4}-\d{2}", cells[0]):
            yield (code, *cells[:7])


ROWS = sorted(rows())


def first(text: str) -> date:
    return date(int(text[:4]), int(text[5:]), 1)


def told(rule: Rule, base: str) -> str:
    """A rule's amount as the page writes it."""
    if rule.monthly_fen is None and rule.year_fen is not None:
        return f"每年{Decimal(rule.year_fen) / 100:.2f}"
    amount = rule.amount_fen(int(Decimal(base) * 100))
    return "不明" if amount is None else f"{Decimal(amount) / 100:.2f}"


@pytest.mark.parametrize("code", sorted({row[0] for row in ROWS}))
def test_the_worked_cases_of_a_region(code: str) -> None:
    """What the program says of each situation is what was worked out."""
    wrong = []
    for region, month, who, born, tier, base, due, also in (row for row in ROWS if row[0] == code):
        rule = policy().rule(region, "310", tier or None, STATUS[who], first(month), first(born))
        found = told(rule, base), {told(other, base) for other in rule.accepts}
        if found != (due, set(filter(None, also.split("、")))):
            wrong.append((month, who, born, tier, due, also, found, rule.ref))
    assert wrong == []


def test_every_boundary_of_every_region_has_its_cases() -> None:
    """Each known month in which a rule begins has rows before it and from it on; each region has rows at all."""
    missing = []
    for region in policy().regions():
        for who in ("在职", "退休"):
            months = {row[1] for row in ROWS if row[:1] == (region.code,) and row[2] == who}
            line = policy().line(region.code, "in_service" if who == "在职" else "retiree")
            for number, entry in enumerate(line.entries):
                key = "personal_share" if who == "在职" else "by_age"
                if entry.start == date.min or line.value(number, key) is None or not line.values[number][key].known:
                    continue
                start = f"{entry.start:%Y-%m}"
                if not any(month < start for month in months) or not any(month >= start for month in months):
                    missing.append((region.code, who, start))
    assert missing == []
    assert {row[0] for row in ROWS} == {region.code for region in policy().regions()}
