"""A draft of a user's own policy file: what is known of a region as examples to change, and what data suggest.

The draft is text for a person: nothing in it holds until somebody has written the source and the confidence.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from recon.policy.grammar import OPEN, PPM, Bracket, Deduction, Entry, Money, Rate

_SECTIONS = ("in_service", "retiree", "employee", "base_limit", "schedule", "calendar")
_TITLES = {
    "in_service": "在职划入 in service", "retiree": "退休划入 retired", "employee": "个人缴费 employee pays",
    "base_limit": "基数上下限 base limits", "schedule": "划入时间 schedule", "calendar": "年度与征收期 calendar",
}
_EMPTY = {
    "in_service": ['personal_share = "0.02"',
                   "employer_share = []  # [] = 单位缴费不划入 nothing is credited of the employer's"],
    "retiree": ['kind = "fixed"', 'by_age = [{yuan_month = "83.00"}]', "deductions = []"],
    "employee": ['rate = "0.02"', 'flat_yuan = "7.00"', 'flat_name = "大额医疗"'],
    "base_limit": ['floor_yuan = "4000"', 'cap_yuan = "20000"'],
    "schedule": ['kind = "monthly"', "typical_months = 1", "lag_months_max = 3"],
    "calendar": ["base_year_start = 7", "collection_deadline_months = 1"],
}
_SOURCE = ['source = ["文件名、文号、日期 / the notice, its number and date"]',
           'confidence = "high"  # high, medium, low']


@dataclass(frozen=True)
class Suggested:
    """A section that data suggest: its values as TOML, and what supports them in words."""

    section: str
    since: str  # YYYY-MM
    lines: tuple[str, ...]
    support: str


def draft_text(
    code: str, name: str, known: Mapping[str, Entry], suggested: Iterable[Suggested], *, is_new: bool
) -> str:
    """The TOML text: ``known`` are the region's newest entries, shown as comments; ``suggested`` stand as entries.

    A draft without suggestions states nothing and can be loaded as it is.
    """
    return "\n".join(_lines(code, name, known, list(suggested), is_new=is_new)) + "\n"


def _lines(
    code: str, name: str, known: Mapping[str, Entry], suggested: list[Suggested], *, is_new: bool
) -> Iterator[str]:
    yield f"# {name}：自己的政策文件。只写要改的值，其余沿用自带的；写法见 docs/policy.md。"
    yield "# Your own policy file: write only what you change, all else stays. Then run: recon check --mappings DIR"
    yield "# 放在导出文件夹（文件名以 .policy.toml 结尾，或放进 policy/），或用 --mappings 指定目录。"
    yield ""
    yield f'code = "{code}"'
    yield f'name = "{name}"' if is_new else f'# name = "{name}"'
    for one in suggested:
        yield from ("", f"# 由数据推断，不能单独作为依据：{one.support}")
        yield "# 找到当地文件后，改写 source 和 confidence。 Put the notice in their place once you have it."
        yield f"[[{one.section}]]  # {_TITLES[one.section]}"
        yield f'from = "{one.since}"  # 数据中最早的月份；规则可能更早开始 the first month seen; the rule may be older'
        yield from one.lines
        yield f'source = ["recon 推断 / inferred by recon: {one.support}"]'
        yield 'confidence = "low"'
    for section in _SECTIONS:
        yield from ("", f"# [[{section}]]  # {_TITLES[section]}")
        entry = known.get(section)
        since = entry.since if entry else "2024-01"
        yield f'# from = "{since}"'
        values = entry.values.items() if entry else ()
        stated = [f"{key} = {toml(value.parsed)}" for key, value in values if value.known]
        yield from (f"# {line}" for line in [*(stated or _EMPTY[section]), *_SOURCE])


def toml(parsed: object) -> str:
    """A parsed value as it is written in a policy file."""
    if isinstance(parsed, bool):
        return "true" if parsed else "false"
    if isinstance(parsed, Rate):
        return f'"{rate_text(parsed.ppm)}"'
    if isinstance(parsed, tuple):
        return f"[{', '.join(map(toml, parsed))}]"
    if isinstance(parsed, Bracket):
        ages = [f"{key} = {age}" for key, age in (("age_min", parsed.age_min), ("age_max", parsed.age_max)) if age]
        return "{" + ", ".join([*ages, f"{parsed.unit} = {toml(parsed.value)}"]) + "}"
    if isinstance(parsed, Deduction):
        return f'{{name = "{parsed.name}", yuan_month = {toml(parsed.value)}}}'
    return f'"{parsed}"' if isinstance(parsed, (str, Money)) else str(parsed)


def rate_text(ppm: int) -> str:
    """20000 parts per million as ``0.02``."""
    return f"0.{str(PPM + ppm)[1:].rstrip('0') or '0'}"


def latest(entries: Iterable[Entry]) -> Entry | None:
    """The newest entry that states a value, as an example; one without a month is not one to copy."""
    return next((one for one in reversed(list(entries)) if any(value.known for value in one.values.values())
                 and one.since != OPEN), None)
