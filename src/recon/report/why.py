"""Why a monthly credit changed, as one paragraph a change in plain words, from the rows of ``step``.

For explain and for the sheet 为什么变少了. Says whose part changed and by which rule; nobody is to blame for a rule.
Where the export begins after the change, the policy alone is told, as such.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import Any

from recon.labels import STEP_CAUSES
from recon.report.view import RunView
from recon.report.words import Words, yuan

Row = Mapping[str, Any]

_TEXTS: dict[str, tuple[str, str]] = {
    "change": ("从{month}起，每月划入由{before}元变为{after}元，{way}{amount}元：{parts}。",
               "From {month} on, the monthly credit went from {before} to {after} yuan, {amount} {way}: {parts}."),
    "less": ("少", "less"), "more": ("多", "more"),
    "part": ("{cause}{amount}元", "{cause} {amount} yuan"),
    "why": ("{part}（{why}）", "{part} ({why})"),
    "and": ("；", "; "),
    "employer_out": ("您自己缴的{own}仍全部划入，单位缴费原来划入的{gone}改进统筹基金，不再进个人账户",
                     "your own {own} are still credited in full; the {gone} of the employer's contribution now go to "
                     "the pooled fund"),
    "rule": ("划入由{before}变为{after}", "credited: {before}, now {after}"),
    "rule_unknown": ("原来的规则不明，现在是{after}", "the earlier rule is not known; now {after}"),
    "base": ("缴费基数由{before}元变为{after}元", "contribution base from {before} to {after} yuan"),
    "base_floor": ("缴费基数随当地下限由{before}元变为{after}元",
                   "the base follows the region's floor, {before} to {after} yuan"),
    "base_cap": ("缴费基数随当地上限由{before}元变为{after}元",
                 "the base follows the region's cap, {before} to {after} yuan"),
    "refund_before": ("前一个月的缴费后来退过一部分，应划因此少些；这个月没有",
                      "a part of the premium of the month before was refunded, so less was due then"),
    "refund_now": ("这个月的缴费后来退过一部分，应划因此少些",
                   "a part of this month's premium was refunded, so less is due"),
    "same_base": ("缴费基数没变（{base}元）。", "The contribution base did not change ({base} yuan)."),
    "status": ("{before} → {after}", "{before} to {after}"),
    "deduction": ("像是长期护理险、大病险一类从账户代缴的保费，可拨区号+12393核对",
                  "such as long-term care or serious-illness cover; area code + 12393 can tell"),
    "unexplained": ("所给资料不能说明，可带这两个月的明细拨区号+12393",
                    "the files do not tell; ask area code + 12393 with the lines of both months"),
    "by_rule": ("这是规则或情况变化，不是少交也不是漏发，不用处理。",
                "This follows from the rule or from your situation: nothing was left out, nothing to do."),
    "lower_base": ("如果工资没有变少，请向人事核对申报的缴费基数。",
                   "If your wage did not fall, check the declared base with HR."),
    "source": ("依据：{refs}。", "Rule: {refs}."),
    "sure": ("{ref}，可信度{confidence}", "{ref}, confidence {confidence}"),
    "before": ("缴费记录从{first}开始，更早的变化看不到；按当地规则，{since}每月划入由{before}变为{after}{sums}。",
               "The record begins in {first}, so earlier changes cannot be seen; by the rule the monthly credit went "
               "from {before} to {after} {since}{sums}."),
    "sums": ("（按{first}的基数，约由{before}元变为{after}元）",
             " (on the base of {first}: about {before}, then {after} yuan)"),
    "since": ("从{month}起", "in {month}"),
    "since_by": ("最迟从{month}起（可能早至{earliest}）", "by {month} (perhaps already in {earliest})"),
    "unknown_share": ("另一比例（不明）", "an unknown share"),
    "share": ("基数的{share}", "{share} of the base"), "sum": ("{share}元", "{share} yuan"),
    "in_service": ("在职", "in service"), "retired": ("退休", "retired"),
    "flexible": ("灵活就业", "flexible employment"),
    "list": ("、", ", "),
}
# What changed without anybody's doing. A base that moved by itself is a matter for HR.
_NOBODY = frozenset({"status_change", "tier_change", "policy_change", "age_bracket", "rounding"})

OF_A_RULE = frozenset({"status_change", "tier_change", "policy_change", "age_bracket"})


def change_paragraphs(view: RunView, person_id: str, *, brief: bool = False) -> list[str]:
    """One paragraph per change of a person's monthly credit, oldest first; ``brief``: only amounts and causes.

    Ahead stands what the policy alone says of the time before the record (:attr:`RunView.rules_before`), if not brief.
    """
    step = view.table("step")
    mine = step.filter(step["person_id"] == person_id).sort("accrual_month", "region", maintain_order=True)
    groups: dict[tuple[Any, ...], list[Row]] = {}
    for row in mine.iter_rows(named=True):
        groups.setdefault((row["accrual_month"], row["region"]), []).append(row)
    early = [] if brief else _before(view, person_id)
    return [*early, *(paragraph(view, rows, brief=brief) for rows in groups.values())]


def paragraph(view: RunView, rows: Sequence[Row], *, brief: bool = False, with_rules: bool = True) -> str:
    """The paragraph of one change: ``rows`` are its rows of ``step``; ``with_rules`` ends with rule and source."""
    say, one = _Say(view.lang), rows[0]
    change = one["to_fen"] - one["from_fen"]
    text = [say("change", month=say.month(one["accrual_month"]), before=yuan(one["from_fen"]),
                after=yuan(one["to_fen"]), way=say("less" if change < 0 else "more"), amount=yuan(abs(change)),
                parts=say("and").join(_part(say, row, brief=brief) for row in rows))]
    causes = {row["cause"] for row in rows}
    base = one["to_base_fen"]
    kept = "policy_change" in causes and "base_change" not in causes and base and base == one["from_base_fen"]
    if kept and not brief:
        text.append(say("same_base", base=yuan(base)))
    bases = [row for row in rows if row["cause"] == "base_change"]
    moved = {row["detail"] for row in bases}
    if causes <= _NOBODY | {"base_change"} and moved <= {"floor", "cap", "refund"}:
        text.append(say("by_rule"))
    elif not brief and any(row["amount_fen"] < 0 and row["detail"] == "wage" for row in bases):
        text.append(say("lower_base"))
    refs = sorted({row["policy_ref"] for row in rows if row["policy_ref"] and row["cause"] in OF_A_RULE})
    if refs and with_rules and not brief:
        text.append(say("source", refs=say("list").join(_ref(view, say, ref, one) for ref in refs)))
    return say.spaced(text)


def _ref(view: RunView, say: _Say, ref: str, row: Row) -> str:
    shown, confidence = view.policy_refs.get(ref), row.get("policy_confidence")
    if shown or not confidence:
        return shown or ref
    return say("sure", ref=ref, confidence=Words(view.lang).code("confidence", confidence))


def _part(say: _Say, row: Row, *, brief: bool = False) -> str:
    """One cause with its amount and what is behind it."""
    cause, sign = row["cause"], "+" if row["amount_fen"] > 0 else ""
    name = STEP_CAUSES.get(cause, (cause, cause))
    part = say("part", cause=say.of(name), amount=f"{sign}{yuan(row['amount_fen'])}")
    why = "" if brief else _why(say, row)
    return say("why", part=part, why=why) if why else part


def _why(say: _Say, row: Row) -> str:
    cause, detail = row["cause"], row.get("detail") or ""
    before, after = row.get("from_share"), row.get("to_share")
    if cause == "policy_change" and after:
        own, _, gone = (before or "").partition("+")
        if gone.endswith("%") and own == after:
            return say("employer_out", own=own, gone=gone)
        if not before:
            return say("rule_unknown", after=say.share(after))
    if cause in ("policy_change", "age_bracket") and before and after and before != after:
        return say("rule", before=say.share(before), after=say.share(after))
    if cause == "base_change" and row.get("from_base_fen") and row.get("to_base_fen"):
        if detail == "refund" and row["from_base_fen"] == row["to_base_fen"]:
            return say("refund_before" if row["amount_fen"] > 0 else "refund_now")
        key = f"base_{detail}" if detail in ("floor", "cap") else "base"
        return say(key, before=yuan(row["from_base_fen"]), after=yuan(row["to_base_fen"]))
    if cause in ("status_change", "tier_change") and ">" in detail:
        was, now = (say.named(one) for one in detail.split(">", 1))
        return say("status", before=was, after=now)
    return {"account_deduction": say("deduction"), "unexplained": say("unexplained")}.get(cause, "")


def _before(view: RunView, person_id: str) -> Iterable[str]:
    """What the policy says of the time before the record, where the record itself begins too late to show it."""
    frame = view.rules_before
    if frame is None or not frame.height:
        return
    for row in frame.filter(frame["person_id"] == person_id).sort("region").iter_rows(named=True):
        yield before_sentence(view, row)


def before_sentence(view: RunView, row: Row) -> str:
    """The sentence of one row of ``rules_before``."""
    say = _Say(view.lang)
    first, since = say.month(row["first_month"]), say.month(row["since"])
    early = row["earliest"]
    when = say("since_by", month=since, earliest=say.month(early)) if early else say("since", month=since)
    sums = say("sums", first=first, before=yuan(row["from_fen"]), after=yuan(row["to_fen"])) if row["from_fen"] else ""
    text = [say("before", first=first, since=when, sums=sums,
                before=say.share(row["from_share"]) if row["from_share"] else say("unknown_share"),
                after=say.share(row["to_share"]))]
    if row["policy_ref"]:
        text.append(say("source", refs=_ref(view, say, row["policy_ref"], row)))
    return say.spaced(text)


class _Say:
    """The texts of this module in one language."""

    def __init__(self, lang: str):
        self.english = lang == "en"

    def __call__(self, key: str, **fields: object) -> str:
        return self.of(_TEXTS[key]).format(**fields)

    def of(self, pair: tuple[str, str]) -> str:
        return pair[1] if self.english else pair[0]

    def named(self, code: str) -> str:
        return self(code) if code in _TEXTS else code

    def share(self, share: str) -> str:
        """``2%+1%`` as a share of the base, ``97.00`` as a sum."""
        return self("share" if "%" in share else "sum", share=share)

    def month(self, month: date) -> str:
        return f"{month:%Y-%m}" if self.english else f"{month.year}年{month.month}月"

    def spaced(self, sentences: list[str]) -> str:
        return (" " if self.english else "").join(sentences)
