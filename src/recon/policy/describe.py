"""What the policy files state, in words: plain data of one region and month, and the page docs/policy.md."""

from __future__ import annotations

from collections.abc import Mapping

from recon.policy.grammar import CONFIDENCES, NATIONAL, OPEN, SECTIONS, Entry, Money, Rate, RegionFile, Value
from recon.policy.line import Line
from recon.policy.rule import KEY_OF

SECTION_OF_KEY = {key: section for section, key in KEY_OF.items()}
SOURCES_NAMED = 1  # in a sentence; recon policy show has them all

# What the page says of a section, in the order of the page. Facts and names come last or not at all.
TITLES = {
    "in_service": "In service 在职", "retiree": "Retired 退休", "employee": "Employee pays 个人缴费",
    "employer": "Employer pays 单位缴费", "flexible": "Flexible employment 灵活就业", "tier": "Tier 档次",
    "scheme": "Scheme 险种", "schedule": "Schedule 划入时间", "calendar": "Calendar 年度", "stop": "Stop 停办",
    "rounding": "Rounding 尾数",
    "base_limit": "Base limits 基数上下限", "sub_account": "Sub-account 子账户", "regime": "Regime 门诊共济",
    "fact": "Fact",
}


def described(section: str, line: Line, number: int) -> dict[str, object]:
    """One section in force, as plain data; brackets, deductions, rates and sums as their words."""
    entry = line.entries[number]
    values: dict[str, object] = {
        key: {
            "value": _shown(value.parsed), "known": value.known, "unit": SECTIONS[section][key].unit,
            "from": value.since, "confidence": value.confidence, "source": list(value.source), "file": value.file,
        }
        for key, value in line.values[number].items()
    }
    uncertain = None if entry.uncertain_from is None else f"{entry.uncertain_from:%Y-%m}"
    return {"from": entry.since, "from_confidence": entry.confidence, "basis": entry.basis, "uncertain_from": uncertain,
            "applies_to": entry.applies_to, "note": entry.note, "values": values}


def ref_words(files: Mapping[str, RegionFile], ref: str, lang: str = "zh") -> str:
    """A policy_ref (region/since/key) in words: region, month, source, confidence; the ref itself if unknown."""
    code, since, key = (*ref.split("/", 2), "", "")[:3]
    section = SECTION_OF_KEY.get(key)
    region = files.get(code)
    entries = region.sections.get((section, ""), []) if region and section else []
    entry = next((one for one in entries if one.since == since), None)
    if region is None or entry is None:
        return ref
    name = str(region.about.get("name", code))
    sources = tuple(dict.fromkeys(source for value in entry.values.values() for source in value.source))
    sure = max((value.confidence for value in entry.values.values()), key=CONFIDENCES.index, default=entry.confidence)
    when = "" if since == OPEN else since
    if lang == "en":
        start = f" from {when}" if when else ", start not known"
        return f"{name}, {section}{start} ({ref}; confidence {sure}; {'; '.join(sources[:SOURCES_NAMED])})"
    start = f"{when}起" if when else "此前"
    level = {"high": "高", "medium": "中", "low": "低"}[sure]
    return f"{name}{start}的规则（{ref}；可信度{level}；来源：{'；'.join(sources[:SOURCES_NAMED])}）"


def policy_page(files: Mapping[str, RegionFile]) -> str:
    """The page docs/policy.md: the grammar of the files, then per region what is known, how well, and from where."""
    codes = [NATIONAL, *sorted(code for code in files if code != NATIONAL)]
    sources: dict[str, int] = {}
    regions = [line for code in codes for line in _region_lines(files[code], sources)]
    lines = [
        _INTRO, "## The sections of a file", "", *_grammar_lines(), "",
        "## How much is known", "", *_overview_lines([files[code] for code in codes if code != NATIONAL]), "",
        "## Region by region", "", "Numbers in brackets are the sources at the end of the page.", "", *regions,
        "## Sources", "", *(f"{number}. {_cell(source)}" for source, number in sources.items()),
    ]
    return "\n".join(lines) + "\n"


_INTRO = """# 各地规则：知道什么、多可信、出自哪里 / Policy: what is known of each region

<!-- Generated from mappings/policy by tools/policy_page.py. Do not edit: change the data. -->

本页由 `mappings/policy` 的数据生成：先是写法，再是一览表，然后逐个地区列出每个值的生效月、可信度和来源。没有写的就是**不知道**，绝不当作零。
在屏幕上看一个地区：`recon policy show 武汉 --at 2024-05`；每个边界前后应划多少的算例见 [policy-cases.md](policy-cases.md)。

- **自己更正一个值**：`recon policy new 武汉 -o 导出文件夹/武汉.policy.toml`，去掉要改的几行前面的 `#`，写上来源和可信度。放在导出文件夹里
  （`*.policy.toml`、`policy/` 里的任何 TOML，或直接放着、写有地区代码 `code` 的 TOML），或放进 `--mappings` 的目录。
  先后：自带的 < 导出文件夹里的 < `--mappings` 的；文件里写明的划入金额（划入个人账户金额）总在最前。写错了，运行在读任何文件之前停下，指出文件、项和改法。
- **推断**：同一地区、险种、人员类别、档次至少 20 人、三个月、九成划入都符合一个规则时，政策不明或可信度低的月份按它说“应划”，可信度写“推断”；只作参考，
  不单独用来说谁少划。`recon policy new 地区 --from 导出文件夹` 把它写成草稿。整个城市与政策表不符时是一条发现（[决定 0019](adr/0019-inferred-rules-never-accuse.md)）。
- **日历**：`calendar` 的征收期决定“单位缴费到账晚”；`schedule` 的 `typical_day_by` 和 `stop`（年终结转、平台切换）只写进等待的依据，不改变应划时间。

One TOML file a region, in `mappings/policy/<code>_<pinyin>.toml`; the defaults of the whole country are in
`national.toml`. Sums are yuan as text (`"3.00"`; `"83"` without decimals: only known to the yuan), rates are text
between 0 and 1 (`"0.02"` is 2%), months are `"2024-05"`, and `"open"` is the beginning of time.

- Every entry says **from** which month it holds, its **source** (texts, or `@name` of a text in `[sources]`) and its
  **confidence** (`high`, `medium`, `low`; `confidence_of = {key = "low"}` for a single value). A file without them is
  refused.
- What a file does not state is **not known**. It is never zero. `employer_share = []` says that nothing is credited of
  the employer's contribution; `unknown = ["employer_share"]` says that nobody could find out.
- A value holds until a later entry of the same section states it anew or lists it under `unknown`. Entries stand in the
  order of their months.
- `uncertain_from`: the rule is in force no later than `from`, perhaps already since this month. In between either rule
  is accepted. `applies_to` says whether `from` speaks of the `accrual` or the `credit` month; without it both are
  accepted: in the month, the one before and the one after, a credit that fits either rule is right.
- **To correct a value**, write a file with the same `code`, with the section, the same `from`, the key, a source and a
  confidence (`recon policy new REGION` drafts it). Only that key is replaced; another `from` adds an entry, and inside an
  uncertain window settles what held there. It may lie among the exports (`*.policy.toml`, any TOML in `policy/`, or a
  TOML beside the exports that states a `code`) or in a `--mappings` folder, which wins over both. A mistake in it stops
  the run before anything is read.
- **Inferred rules** (20 people, three months, 90% agreement; [decision 0019](adr/0019-inferred-rules-never-accuse.md))
  stand in where the policy is silent or unsure, with confidence `inferred`, and never call an amount short.
- **Calendars**: the collection deadline of `[[calendar]]` decides `paid_late`; `typical_day_by` and `[[stop]]` only
  explain a wait. Worked cases of every boundary: [policy-cases.md](policy-cases.md).

```toml
code = "330100"

[[in_service]]
from = "2023-01"
personal_share = "0.02"
employer_share = []
source = ["the notice of the city, number and date"]
confidence = "high"
```
"""


def _grammar_lines() -> list[str]:
    lines = ["| section | key | what it is |", "| --- | --- | --- |"]
    for section, title in TITLES.items():
        lines += [f"| `[[{section}]]` {title} | `{key}` | {spec.unit} |" for key, spec in SECTIONS[section].items()]
    return lines


def _overview_lines(files: list[RegionFile]) -> list[str]:
    lines = ["| code | region | known | in-service rule since | confidence | retiree rule | schedule | base limits |",
             "| --- " * 8 + "|"]
    for file in files:
        paid, retired = (Line.of(one, file.sections.get((one, ""), [])) for one in ("in_service", "retiree"))
        last = len(paid.entries) - 1
        since = "".join(entry.since + (" or earlier" if entry.uncertain_from else "") for entry in paid.entries[-1:])
        cells = [
            file.code, file.about.get("name"), file.about.get("completeness"), since,
            paid.confidence(last, "personal_share", "employer_share"),
            retired.get(len(retired.entries) - 1, "kind", str) or "unknown",
            _schedule_words(file), _limit_words(file),
        ]
        lines.append(f"| {' | '.join(map(str, cells))} |")
    return lines


def _schedule_words(file: RegionFile) -> str:
    line = Line.of("schedule", file.sections.get(("schedule", ""), []))
    last = len(line.entries) - 1
    kind = line.get(last, "kind", str)
    if kind is None:
        return "national default"
    day = line.get(last, "typical_day_by", int)
    return kind + (f" by day {day}" if day else "") + f" ({line.confidence(last, 'kind')})"


def _limit_words(file: RegionFile) -> str:
    entries = file.sections.get(("base_limit", ""), [])
    return f"{entries[0].since} to {entries[-1].since}" if entries else "not known"


def _region_lines(file: RegionFile, sources: dict[str, int]) -> list[str]:
    lines = [f"### {file.code} {file.about.get('name')}", ""]
    if file.about.get("note"):
        lines += [str(file.about["note"]), ""]
    lines += ["| | from | value | confidence | source |", "| --- | --- | --- | --- | --- |"]
    for section, title in TITLES.items():
        for (one, code), entries in file.sections.items():
            if one == section:
                label = f"{title} {code}" if code else title
                lines += [line for entry in entries for line in _entry_lines(label, entry, sources)]
    return [*lines, ""]


def _entry_lines(label: str, entry: Entry, sources: dict[str, int]) -> list[str]:
    since = "" if entry.since == "open" else entry.since
    if entry.uncertain_from is not None:
        since += f" (or since {entry.uncertain_from:%Y-%m})"
    lines = []
    for key, value in entry.values.items():
        numbers = ", ".join(str(sources.setdefault(source, len(sources) + 1)) for source in value.source)
        sure = value.confidence if value.known else ""
        lines.append(f"| {label}: {key} | {since} | {_cell(_words(value))} | {sure} | [{numbers}] |")
    if entry.note:
        lines.append(f"| {label} | {since} | *{_cell(entry.note)}* | | |")
    return lines


def _words(value: Value) -> str:
    if not value.known:
        return "not known"
    shown = _shown(value.parsed)
    if isinstance(shown, list):
        return "; ".join(shown) or "nothing"
    if isinstance(shown, bool):
        return "yes" if shown else "no"
    if isinstance(shown, dict):
        return "; ".join(f"{key}: {_plain(text)}" for key, text in shown.items())
    return str(shown)


def _plain(text: object) -> str:
    if isinstance(text, list):
        return "、".join(map(str, text))
    return str(text).lower() if isinstance(text, bool) else str(text)


def _shown(parsed: object) -> object:
    if isinstance(parsed, tuple):
        return [str(one) for one in parsed]
    return str(parsed) if isinstance(parsed, (Rate, Money)) else parsed


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")
