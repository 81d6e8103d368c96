"""What the policy states, as lines of text for a screen, in Chinese or English: list, show and diff."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

from recon.policy.grammar import NATIONAL, OPEN, SECTIONS, Bracket, Deduction, Money, Rate, Value
from recon.policy.line import UNKNOWN, Line
from recon.policy.resolve import Policy

TITLES_ZH = {
    "in_service": "在职划入", "retiree": "退休划入", "employee": "个人缴费", "employer": "单位缴费", "flexible": "灵活就业",
    "tier": "档次", "scheme": "险种", "schedule": "划入时间", "calendar": "年度与期限", "stop": "停办日期", "rounding": "尾数",
    "base_limit": "基数上下限", "sub_account": "子账户", "regime": "门诊共济", "fact": "说明",
}
KEYS_ZH = {
    "personal_share": "个人缴费划入比例", "employer_share": "单位缴费划入（按年龄）", "back_pay_credited": "补缴是否划入",
    "kind": "方式", "by_age": "按年龄", "deductions": "扣减", "rate": "费率", "flat_yuan": "定额（不划入）", "flat_name": "定额名称",
    "includes_maternity": "含生育保险", "has_account": "有个人账户", "rate_five_cities": "五个县级市费率",
    "credited_share": "划入比例", "base_yuan": "固定基数", "total_yuan_month": "每月共缴", "credited_yuan_month": "每月划入",
    "name": "名称", "status": "适用人员", "typical_months": "通常滞后月数", "lag_months_min": "最少滞后月数",
    "lag_months_max": "最多滞后月数", "typical_day_by": "每月几日前划入", "credit_month": "几月划入",
    "window_start": "年度起始月", "base_year_start": "基数年度起始月", "medical_year_start": "医保年度起始月",
    "collection_deadline_months": "征收期（所属月之后几个月）", "collection_deadline_day": "征收期截止日",
    "contribution": "缴费尾数", "credit": "划入尾数", "floor_yuan": "下限", "cap_yuan": "上限", "phase": "阶段",
    "cash_withdrawable": "可取现", "statements": "内容", "first_day": "开始", "last_day": "结束", "yearly": "每年如此",
}
_WORDS_ZH = {
    "fixed": "定额", "rate_of_own_pension": "本人养老金的比例", "rate_of_local_average_pension": "当地平均养老金的比例",
    "rate_of_local_average_wage": "当地平均工资的比例", "rate_of_contribution_base": "缴费基数的比例", "monthly": "按月",
    "annual": "按年", "annual_prepaid": "按年预划", "monthly_or_annual_prepaid": "按月或按年预划",
    "half_up": "四舍五入到分", "ceil_to_jiao": "见分进角", "pre_reform": "改革前", "post_reform": "改革后",
    "in_service": "在职", "retired": "退休", "flexible": "灵活就业", "year_end_closing": "年终结转",
    "platform_move": "平台切换", "other": "其他", "high": "高", "medium": "中", "low": "低", UNKNOWN: "不明",
    "good": "较全", "partial": "部分", "stub": "仅全国规则",
}
_PER_ZH = {"rate": "", "rate_per_year_of_age": "×年龄", "yuan_month": "元/月", "yuan_year": "元/年"}


def title(section: str, lang: str) -> str:
    """What a section is called."""
    return TITLES_ZH.get(section, section) if lang == "zh" else section


def key_name(key: str, lang: str) -> str:
    """What a key is called."""
    return KEYS_ZH.get(key, key) if lang == "zh" else key


def value_text(parsed: object, lang: str) -> str:
    """A value in words: ``35岁以下 0.8%；35至44岁 1%``, ``不划入`` for an empty list, ``不明`` for None."""
    zh = lang == "zh"
    if parsed is None:
        return "不明" if zh else "not known"
    if isinstance(parsed, bool):
        return ("是" if parsed else "否") if zh else ("yes" if parsed else "no")
    if isinstance(parsed, tuple):
        return ("；" if zh else "; ").join(_item(one, zh=zh) for one in parsed) or ("无" if zh else "nothing")
    if isinstance(parsed, dict):
        return ("；" if zh else "; ").join(f"{key}: {value}" for key, value in parsed.items())
    if isinstance(parsed, Money):
        return f"{parsed}元" if zh else f"{parsed} yuan"
    return _WORDS_ZH.get(str(parsed), str(parsed)) if zh else str(parsed)


def _item(one: object, *, zh: bool) -> str:
    if zh and isinstance(one, Bracket):
        low, high = one.age_min, one.age_max
        ages = ("" if low is None and high is None else f"{high}岁以下 " if low is None else
                f"{low}岁及以上 " if high is None else f"{low}至{high - 1}岁 ")
        return f"{ages}{one.value}{_PER_ZH[one.unit]}"
    if zh and isinstance(one, Deduction):
        return f"{one.name}{one.value}元/月"
    return str(one)


def list_lines(policy: Policy, lang: str) -> Iterator[str]:
    """One line per region, tab-separated: code, name, how much is known, rule in service, since, confidence, retirees."""
    heads = ("代码", "名称", "掌握程度", "在职划入", "起", "可信度", "退休划入") if lang == "zh" else (
        "code", "name", "known", "in service", "since", "confidence", "retired")
    yield "\t".join(heads)
    for region in policy.regions():
        paid, retired = policy.line(region.code, "in_service"), policy.line(region.code, "retiree")
        last = len(paid.entries) - 1
        shares = [paid.get(last, "personal_share", Rate), paid.get(last, "employer_share", tuple)]
        credited = value_text(shares[0], lang) + (f" + {value_text(shares[1], lang)}" if shares[1] else "")
        kind = retired.get(len(retired.entries) - 1, "kind", str)
        yield "\t".join([
            region.code, region.name, value_text(region.completeness, lang), credited,
            _since(paid.entries[last].since if last >= 0 else "", lang, paid, last),
            value_text(paid.confidence(last, "personal_share", "employer_share"), lang), value_text(kind, lang),
        ])


def _since(since: str, lang: str, line: Line, number: int) -> str:
    uncertain = line.entries[number].uncertain_from if number >= 0 else None
    if since == OPEN:
        return "一直" if lang == "zh" else "always"
    if uncertain is None:
        return since
    return since + (f"（可能早至{uncertain:%Y-%m}）" if lang == "zh" else f" (perhaps {uncertain:%Y-%m})")


def show_lines(policy: Policy, region: str, at: date | None, lang: str) -> Iterator[str]:
    """Everything that is stated of a region (``at``: what is in force in that month), with since, confidence, sources."""
    zh = lang == "zh"
    file = policy.files[region]
    about = file.about
    note = f" · {about['note']}" if about.get("note") else ""
    known = value_text(about.get("completeness", "stub"), lang)
    yield f"{region} {about.get('name', region)} · {known}{note}"
    if at is not None:
        yield f"{at:%Y-%m} 有效的规则：" if zh else f"in force in {at:%Y-%m}:"
    sources: dict[str, int] = {}
    for section in TITLES_ZH:
        for code in policy.codes(region, section):
            line = policy.line(region, section, code)
            numbers = [line.at(at)] if at is not None else list(range(len(line.entries)))
            lines = [text for number in numbers if number >= 0
                     for text in _entry_lines(line, number, lang, sources, whole=at is not None)]
            if lines:
                yield f"\n[{title(section, lang)}{' ' + code if code else ''}]"
                yield from lines
    if at is not None:
        yield from _missing(policy, region, at, zh=zh)
    yield from _source_lines(sources, zh=zh)


def _source_lines(sources: dict[str, int], *, zh: bool) -> Iterator[str]:
    if sources:
        yield "\n来源：" if zh else "\nsources:"
        for source, number in sources.items():
            yield f"  [{number}] {source}"


def _entry_lines(line: Line, number: int, lang: str, sources: dict[str, int], *, whole: bool) -> Iterator[str]:
    """The values of an entry; ``whole``: all in force with it, else only those that it states itself."""
    entry, zh = line.entries[number], lang == "zh"
    values = line.values[number] if whole else entry.values
    for key, value in values.items():
        marks = ",".join(str(sources.setdefault(source, len(sources) + 1)) for source in value.source)
        since = _since(value.since, lang, line, number if value.since == entry.since else -1)
        sure = f"{'可信度' if zh else 'confidence '}{value_text(value.confidence, lang)}" if value.known else ""
        told = " · ".join(filter(None, [f"{since}{'起' if zh and value.since != OPEN else ''}", sure, f"[{marks}]"]))
        yield f"  {key_name(key, lang)}：{_shown(value, lang)}　（{told}）" if zh else (
            f"  {key}: {_shown(value, lang)}  ({told})")
    if entry.note:
        yield f"    {entry.note}"


def _shown(value: Value, lang: str) -> str:
    return value_text(value.parsed if value.known else None, lang)


def _missing(policy: Policy, region: str, at: date, *, zh: bool) -> Iterator[str]:
    """What the month lacks, and what the national default says in its place."""
    line = policy.line(region, "in_service")
    if line.at(at) >= 0 and line.get(line.at(at), "employer_share", tuple) is not None:
        return
    rule = policy.rule(region, "310", None, "in_service", at)
    if rule.known:
        yield f"\n在职划入按 {rule.ref}" if zh else f"\nin service by {rule.ref}"
    else:
        yield ("\n这个月的在职划入规则不明：金额不作判断（规则未知）" if zh else
               "\nthe rule of the month is not known: no amount is judged (policy_unknown)")


def diff_lines(policy: Policy, region: str, one: date, other: date, lang: str) -> Iterator[str]:
    """What differs between two months: per key the earlier and the later value, since when, and from where."""
    zh = lang == "zh"
    name = policy.files[region].about.get("name", region)
    yield f"{region} {name}　{one:%Y-%m} → {other:%Y-%m}" if zh else f"{region} {name}  {one:%Y-%m} -> {other:%Y-%m}"
    sources: dict[str, int] = {}
    found = False
    for section in TITLES_ZH:
        for code in policy.codes(region, section):
            line = policy.line(region, section, code)
            was, now = ({} if (at := line.at(month)) < 0 else line.values[at] for month in (one, other))
            for key in SECTIONS[section]:
                before, after = was.get(key), now.get(key)
                texts = [value_text(None, lang) if value is None else _shown(value, lang) for value in (before, after)]
                if texts[0] != texts[1]:
                    found = True
                    yield _difference((section, code, key), texts, after or before, lang, sources)
    if not found:
        yield "没有不同" if zh else "no difference"
    yield from _source_lines(sources, zh=zh)


def _difference(
    where: tuple[str, str, str], texts: list[str], value: Value | None, lang: str, sources: dict[str, int]
) -> str:
    section, code, key = where
    zh = lang == "zh"
    place = title(section, lang) + (f" {code}" if code else "")
    marks = ",".join(str(sources.setdefault(one, len(sources) + 1)) for one in (value.source if value else ()))
    told = "" if value is None else (
        f"（{value.since}起，可信度{value_text(value.confidence, lang)} [{marks}]）" if zh else
        f" (from {value.since}, confidence {value.confidence} [{marks}])")
    return f"  {place}·{key_name(key, lang)}：{texts[0]} → {texts[1]}{told}" if zh else (
        f"  {place}.{key}: {texts[0]} -> {texts[1]}{told}")


def region_or_national(policy: Policy, text: str) -> str | None:
    """The code that a name, alias, county or code means; ``national`` or 全国 for the defaults of the whole country."""
    if text.strip().casefold() in (NATIONAL, "全国"):
        return NATIONAL
    return policy.region_of(text)
