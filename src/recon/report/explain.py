"""The answers for one person in plain language, from the result tables: a letter, or 150 characters for a chat.

Says what the records show, whom to call with which figures, and which page is missing. Never who is to blame, and
nothing about anybody else. The pooled share is left out: it was never the person's money to miss.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import polars as pl

from recon.report.mask import mask_id, mask_name
from recon.report.story import Story, shown_places, story
from recon.report.view import (
    SCOPE_CAUSE,
    WAITING_CAUSES,
    RunView,
    credits_of,
    file_of,
    people,
    split_evidence,
)
from recon.report.why import change_paragraphs
from recon.report.words import Words, yuan

SHORT_ZH, SHORT_EN = 150, 400

# What happened, by label and cause (a label alone stands for its other causes): Chinese, English. Fields: see _facts.
_HAPPENED: dict[tuple[str, str | None], tuple[str, str]] = {
    ("missing_month", "credit_missing"): (
        "{months}医保费已缴{arrived}，应划入{amount}元，所给明细里没有这一笔",
        "the premium of {months} was paid{arrived}; {amount} yuan should have been credited, "
        "the export does not show it"),
    ("missing_month", "credit_missing:retired"): (  # a retiree's months have no premium
        "{months}应划入{amount}元，所给明细里没有这一笔",
        "{amount} yuan should have been credited for {months}, the export does not show it"),
    ("missing_month", "contribution_unpaid"): (
        "{months}的医保费，记录显示未到账，所以还没有划入{estimate}",
        "the record says that the premium of {months} has not arrived, so nothing could be credited{estimate}"),
    ("missing_month", "contribution_missing"): (
        "缴费记录中未见{months}，所以没有划入{estimate}",
        "the contribution record has no line for {months}, so nothing was credited{estimate}"),
    ("missing_month", "not_allocated"): (
        "{months}的医保费已入国库，尚未分到个人，应划{amount}元",
        "the premium of {months} is in the treasury but not split to people yet; {amount} yuan are due"),
    ("missing_month", "other_identity"): (
        "{months}的{amount}元划到了您的另一个编号下",
        "the {amount} yuan of {months} were credited under another number of yours"),
    ("delay", "overdue"): (
        "{months}应划入{amount}元，已过平常的划入时间，明细里还没有",
        "{amount} yuan for {months} are past their usual time and not in the export"),
    ("delay", "not_yet_due"): (
        "{months}的{amount}元还没到划入时间", "the {amount} yuan of {months} are not due yet"),
    ("delay", "annual_schedule"): (
        "{months}的{amount}元按年划入，还没到日子",
        "the {amount} yuan of {months} come once a year and are not due yet"),
    ("delay", None): (
        "{months}的{amount}元比平常晚，还在正常范围内",
        "the {amount} yuan of {months} are later than usual, within limits"),
    ("short_credit", None): (
        "{months}应划{due_sum}元，划入{came}元，差{amount}元",
        "{months}: {due_sum} yuan due, {came} credited, {amount} short"),
    ("top_up", None): (
        "{months}的补差{amount}元，明细里还没有", "the top-up of {amount} yuan for {months} is not in the export yet"),
    ("over_credit", None): (
        "{months}多划入{amount}元，请先别用", "{amount} yuan too much came for {months}; please do not spend them yet"),
    ("clawback", None): (
        "{months}基数下调后多划的{amount}元，已从后来一笔划入里扣回，不是少划",
        "{amount} yuan of {months} were too much (a lowered base) and have been taken back from a later credit; "
        "nothing is short"),
    ("clawback", "taken"): (
        "{months}的划入少{amount}元，正好是前面月份多划的合计，由这一笔扣回，不是少划",
        "the credit of {months} is {amount} yuan less: just what earlier months had got too much; "
        "nothing is short"),
    ("account_deduction", None): (
        "{months}每月少的钱像是从账户代扣的保费，共{amount}元",
        "what is missing in {months} looks like a premium taken from the account, {amount} yuan in all"),
    ("refund_due", None): (
        "{months}重复缴费，其中一笔应退；划入没有少",
        "{months} was paid twice, one payment is due back; no credit is missing"),
    ("policy_unknown", None): (
        "{months}当地的划入规则不明，不能判断{estimate}",
        "the region's rule for {months} is not known, so it cannot be told{estimate}"),
    ("policy_unknown", "region_unstated"): (
        "资料没写参保地，用不上当地规则，{months}不能判断{estimate}",
        "the files name no region, so no rule applies to {months}, and it cannot be told{estimate}"),
    ("data_incomplete", SCOPE_CAUSE): (
        "没有您的个人账户明细，{months}不能判断{estimate}",
        "there is no export of your account, so {months} cannot be told{estimate}"),
    ("data_incomplete", "tail_open"): (
        "所给明细没有查询日期：若是{as_of}导出的，则{months}未见划入{estimate}；没有日期不能断定",
        "the export has no date: if it was made on {as_of}, there is no credit for {months}{estimate}; "
        "without a date nothing is certain"),
    ("data_incomplete", "rows_missing"): (
        "所给明细中间缺了行（余额接不上），{months}不能判断{estimate}",
        "lines are missing inside the export (its balances do not follow), so {months} cannot be told{estimate}"),
    ("data_incomplete", "before_export"): (
        "{months}在所给明细开始之前，不能判断{estimate}",
        "{months} lies before the export begins, so it cannot be told{estimate}"),
    ("data_incomplete", "contribution_unseen"): (
        "{months}有划入，但所给缴费明细没有这个月的到账缴费，明细可能不全或太旧",
        "{months} was credited, though the contribution records show no payment for it: they may be old or not whole"),
    ("data_incomplete", "billed_only"): (
        "{months}只有账单或申报{premium}，没有到账记录，不能判断",
        "for {months} there is a bill or declaration{premium} but no proof of payment, so it cannot be told"),
    ("data_incomplete", "arrival_unsaid"): (
        "{months}的缴费记录{premium}没有写明是否到账，不能判断",
        "the contribution record of {months}{premium} does not say whether it arrived, so it cannot be told"),
    ("data_incomplete", "deferred"): (
        "{months}的医保费缓缴{premium}，记录显示还没有到账，是否该划入不能判断",
        "the premium of {months} is deferred{premium} and has not arrived yet, so it cannot be told what is due"),
    ("data_incomplete", None): (
        "所给明细没有覆盖{months}该划入的日子，不能判断{estimate}",
        "the export does not cover the days on which {months} would come, so it cannot be told{estimate}"),
    ("unexplained", None): (
        "{months}有{amount}元还不能说明", "{amount} yuan of {months} cannot be explained yet"),
}

# Whom to ask with which figures; where nothing is said, there is nothing to do.
_ASK: dict[tuple[str, str | None], tuple[str, str]] = {
    ("missing_month", "credit_missing"): (
        "请拨区号+12393，报：所属期{months}{arrival_given}、应划{amount}元，问是否已记账、记到哪个账户",
        "please call area code + 12393 with month {months}{arrival_given}, due {amount} yuan: "
        "was it booked, and where"),
    ("missing_month", "contribution_unpaid"): (
        "请向缴费单位核对{months}是否已缴、何时到账", "please ask the payer whether and when {months} was paid"),
    ("missing_month", "contribution_missing"): (
        "请向缴费单位核对{months}是否申报", "please ask the payer whether {months} was declared"),
    ("missing_month", "not_allocated"): (
        "请拨区号+12393，问{months}单位缴费是否已分配到个人",
        "please call area code + 12393: has the payment of {months} been split to people"),
    ("missing_month", "other_identity"): (
        "请带证件到医保经办机构合并两个编号", "please have the two numbers merged at the medical insurance office"),
    ("delay", "overdue"): (
        "请拨区号+12393，报：所属期{months}{arrival_given}、应划{amount}元，问何时记账",
        "please call area code + 12393 with month {months}{arrival_given}, due {amount} yuan: when will it be booked"),
    ("delay", "not_yet_due"): ("请等到{due}底再看", "please wait until the end of {due}"),
    ("delay", "annual_schedule"): ("请等到{due}再看", "please wait until {due}"),
    ("delay", None): ("下次导出明细时再核对", "look again with the next export"),
    ("short_credit", None): (
        "请拨区号+12393，报：所属期{months}、少{amount}元，问依据",
        "please call area code + 12393 with month {months}, {amount} yuan short: on what ground"),
    ("top_up", None): (
        "请拨区号+12393，问{months}补差{amount}元是否已记账",
        "please call area code + 12393: was the top-up of {amount} yuan for {months} booked"),
    ("over_credit", None): (
        "请拨区号+12393核对{months}多出的{amount}元是什么款项",
        "please ask area code + 12393 what the extra {amount} yuan of {months} are"),
    ("refund_due", None): ("由缴费单位办理退费", "the payer claims the refund"),
    ("policy_unknown", None): (
        "请提供带“划入个人账户金额”列的缴费明细",
        "please bring a contribution export with the column 划入个人账户金额"),
    ("policy_unknown", "region_unstated"): (
        "请在命令里加参保地（如 --region 武汉），或在人员名单里写上",
        "please name the region (--region 武汉), or put it into a roster"),
    ("data_incomplete", "contribution_unseen"): (
        "请补一份覆盖{months}的缴费明细", "please bring a newer contribution export that covers {months}"),
    ("data_incomplete", "billed_only"): (
        "请提供{months}的到账明细或完税证明", "please bring the record of arrival or the tax receipt for {months}"),
    ("data_incomplete", "arrival_unsaid"): (
        "请提供{months}写明缴费标识或到账日期的缴费明细，或完税证明",
        "please bring a contribution record of {months} that says whether or when it arrived, or the tax receipt"),
    ("data_incomplete", "deferred"): (
        "请向缴费单位核对{months}的缓缴何时缴清、个人部分是否已缴",
        "please ask the payer when the deferred premium of {months} will be paid, and whether your part was"),
    ("data_incomplete", "rows_missing"): (
        "请把{pages}的个人账户收支明细重新完整导出（不要筛选、不要删行）",
        "please export the account again for {pages}, whole (no filter, no row deleted)"),
    ("data_incomplete", None): (
        "请发：国家医保服务平台→个人账户收支明细→{pages}，要能看到查询日期；消费明细不需要",
        "please send: 国家医保服务平台 → 个人账户收支明细 → {pages}, with the date of the query; "
        "spending is not needed"),
}

_TEXTS: dict[str, tuple[str, str]] = {
    "hello": ("{name}您好：", "Dear {name}, "),
    "who": ("（{parts}）", " ({parts})"),
    "employee_no": ("工号{number}", "employee no. {number}"),
    "id": ("证件{number}", "ID {number}"),
    "exports": ("您的个人账户明细：{spans}。", "Your account exports: {spans}."),
    "span": ("{first}至{last}", "{first} to {last}"),
    "queried": ("{span}（查询日{day}）", "{span} (made on {day})"),
    "overview": ("到{as_of}为止看了{count}个月：{verdicts}。应划{expected}元，已划{credited}元。",
                 "Months looked at up to {as_of}: {count} ({verdicts}). Due {expected} yuan, credited {credited}."),
    "verdict": ("{verdict}{count}个月", "{verdict} {count}"),
    "verdict_comma": ("、", "; "),
    "all_well": ("{months}应划的{expected}元都已到账，没有少",
                 "everything due for {months}, {expected} yuan, has arrived; nothing is missing"),
    "no_account": ("{months}您的参保险种或档次没有个人账户，所以没有划入，这是规定如此；如有疑问请向单位核对档次",
                   "your scheme or tier has no personal account in {months}, so nothing is credited, by rule; "
                   "ask the employer about the tier if in doubt"),
    "rest_fits": ("其余{count}个月都对上了", "the other months ({count}) all fit"),
    "spend": ("这与您刷卡消费无关", "your spending has nothing to do with it"),
    "late": ("{months}到得比平常晚，但已划入", "{months} came later than usual, but it came"),
    "employer_first": ("先不必找公司", "there is no need to ask the company first"),
    "doubt": ("差额确定，月份不能确定（也可能是{others}）",
              "the sum is certain, the month is not (it may be {others})"),
    "settle": ("带所属期的个人账户明细可以定", "an account export with accrual months settles it"),
    "estimate": ("（估算{amount}元）", " (about {amount} yuan)"),
    "premium": ("（保费共{amount}元）", " (premiums of {amount} yuan)"),
    "arrived": ("（{day}到账）", " (arrived {day})"),
    "arrival_given": ("、到账日{day}", ", arrived {day}"),
    "months_title": ("【钱到了没有】", "Has the money come?"),
    "changes_title": ("【每月划入为什么变了】", "Why did the monthly credit change?"),
    "balance_title": ("【余额对不对】", "Does the account add up?"),
    "next_title": ("【接下来做什么】", "What next"),
    "about": ("{months}：{ask}", "{months}: {ask}"),
    "nothing_to_do": ("不用做什么", "nothing needs to be done"),
    "sources_title": ("【依据的文件行】", "Rows behind this"),
    "more_sources": ("等共{count}行", "{count} rows in all"),
    "usual": ("平常应在{due}划入", "it is usually credited in {due}"),
    "year_pages": ("{years}全年", "all of {years}"),
    "nobody": ("没有找到这个人：请用工号、序号（“人×月”表第一列）或证件号。",
               "Nobody found: use the employee number, the list number (first column of the grid) or the ID."),
    "several": ("有{count}人符合，请改用序号：{list}。", "{count} people fit; use the list number instead: {list}."),
    "candidate": ("序号{number} {name} {person_id}", "no. {number} {name} {person_id}"),
    "nothing": ("没有您的缴费或划入记录，无从判断",
                "there are no contribution or account records of you, so nothing can be told"),
    "only_account": ("您的个人账户明细里有{count}笔划入、共{amount}元，但没有您的缴费记录，"
                     "每月该划多少、少没少都无从判断",
                     "your account shows credits of {amount} yuan ({count}), but there is no contribution record of "
                     "you, so what was due each month, and whether any is missing, cannot be told"),
    "bring_contributions": ("请补上您的缴费明细（国家医保服务平台或当地医保、税务网页）；"
                            "已退休的，在人员名单里写上退休年月即可",
                            "please bring your contribution record (from the national platform, or your city's "
                            "insurer or tax site); if you are retired, a roster with the month of retirement will do"),
    "end": ("。", "."),
}
_USUAL = ("credit_missing", "credit_missing:retired", "overdue")
_EXPLAINED = ("clawback", "account_deduction")  # amounts that differ, and nobody has to act
_SOURCES = 12
# Worst first: what a short answer speaks of.
_URGENCY = ("open", "unknown", "pending")


@dataclass(frozen=True)
class _Say:
    """The texts of this module in one language."""

    lang: str

    def __call__(self, key: str, **fields: object) -> str:
        return self.of(_TEXTS[key]).format(**fields)

    def of(self, pair: tuple[str, str]) -> str:
        return pair[1] if self.lang == "en" else pair[0]

    def months(self, months: Sequence[date]) -> str:
        """Months in a sentence: ``2024年5月``, ``2024-05、2024-06``, or from-to."""
        if len(months) == 1 and self.lang == "zh":
            return f"{months[0].year}年{months[0].month}月"
        return Words(self.lang).months(months)

    def sentences(self, parts: Sequence[str]) -> str:
        """Parts as sentences."""
        ended = [part if part.endswith(("?", "？")) else f"{part}{self('end')}" for part in parts if part]
        if self.lang == "zh":
            return "".join(ended)
        return " ".join(f"{part[0].upper()}{part[1:]}" for part in ended)


def find_person(view: RunView, key: str) -> list[str]:
    """The person_ids that ``key`` means: an employee number, else an ID or alias, else a list number.

    The list number is the place in the sorted list of people (first column of the grid). An ID may be given without
    its prefix and in lower case. Nobody or several people may fit.
    """
    text = key.strip()
    who = people(view)
    by_number = who.filter(pl.col("employee_no").str.to_uppercase() == text.upper())
    if by_number.height:
        return by_number["person_id"].to_list()
    wanted = text.upper()
    bare = pl.col("person_id").str.replace(r"^(PSN:|DOC:)", "").str.to_uppercase()
    by_id = set(who.filter((pl.col("person_id").str.to_uppercase() == wanted) | (bare == wanted))["person_id"])
    aliases = view.table("person").filter(pl.col("aliases").str.to_uppercase().str.split(";").list.contains(wanted))
    by_id |= set(aliases["person_id"].drop_nulls())
    if by_id:
        return who.filter(pl.col("person_id").is_in(sorted(by_id)))["person_id"].to_list()
    if text.isascii() and text.isdigit():
        return who.filter(pl.col("number") == int(text))["person_id"].to_list()
    return []


@dataclass(frozen=True)
class Answers:
    """The whole answer for one person, ready for a letter or a page: plain sentences, nobody else in them."""

    person_id: str
    greeting: str
    short: str
    titles: dict[str, str]  # months, changes, balance, next, sources
    overview: list[str]
    months: list[str]
    changes: list[str]
    balance: list[str]
    todo: list[str]
    sources: list[str]


def answers(view: RunView, person_key: str) -> Answers | str:
    """The answers for one person; a sentence where nobody or several people fit."""
    say = _Say(view.lang)
    who = people(view)
    found = find_person(view, person_key)
    if not found:
        return say("nobody")
    if len(found) > 1:
        listed = [
            say("candidate", number=row["number"], name=mask_name(row["person_name"]),
                person_id=mask_id(row["person_id"]))
            for row in who.filter(pl.col("person_id").is_in(found)).iter_rows(named=True)
        ]
        return say("several", count=len(found), list=Words(view.lang).join(listed))
    person = who.row(by_predicate=pl.col("person_id") == found[0], named=True)
    month = view.table("month").filter(pl.col("person_id") == found[0]).sort("accrual_month", "region", "scheme")
    cases = _cases(view, found[0], month, say) if month.height else [_without_months(view, say, found[0])]
    name = mask_name(person["person_name"])
    marks = [say("id", number=mask_id(found[0]))]
    if person["employee_no"]:
        marks.insert(0, say("employee_no", number=person["employee_no"]))
    account = story(view, found[0])
    todo = [say.sentences([one for one in (_request(say, case), _aside(say, case)) if one])
            for case in cases if case.ask]
    todo += [say.sentences([ask]) for ask in account.asks]
    places = shown_places(view, [place for case in cases for place in case.places] + account.places)
    return Answers(
        found[0], say("hello", name=f"{name}{say('who', parts=Words(view.lang).join(marks))}").strip(),
        _short(view, say, name, found[0], month, cases, account),
        {key: say(f"{key}_title") for key in ("months", "changes", "balance", "next", "sources")},
        _overview(view, say, found[0], month), _month_lines(view, say, month, cases),
        change_paragraphs(view, found[0]), [say.sentences([line]) for line in account.lines],
        list(dict.fromkeys(todo)) or [say.sentences([say("nothing_to_do")])],
        places[:_SOURCES] + ([say("more_sources", count=len(places))] if len(places) > _SOURCES else []),
    )


def explain(view: RunView, person_key: str, *, short: bool = False) -> str:
    """The answers for one person; ``short``: at most 150 Chinese characters (400 in English), to paste into a chat."""
    told = answers(view, person_key)
    if isinstance(told, str):
        return told
    return told.short if short else letter(told)


def letter(told: Answers) -> str:
    """The answers as a letter for a terminal."""
    lines = [told.greeting, "", told.titles["months"], *(f"  {one}" for one in told.overview)]
    lines += [f"  · {text}" for text in told.months]
    for key, texts in (("changes", told.changes), ("balance", told.balance)):
        if texts:
            lines += ["", told.titles[key], *(f"  · {text}" for text in texts)]
    marks = [f"{number}." for number in range(1, len(told.todo) + 1)] if len(told.todo) > 1 else ["·"]
    lines += ["", told.titles["next"], *(f"  {mark} {text}" for mark, text in zip(marks, told.todo, strict=True))]
    if told.sources:
        lines += ["", told.titles["sources"], *(f"  {place}" for place in told.sources)]
    return "\n".join(lines) + "\n"


@dataclass(frozen=True)
class _Case:
    """Months of one person that have the same thing to say: what happened, and what to do about it."""

    status: str
    label: str
    cause: str | None
    months: list[date]
    happened: str
    ask: str
    doubt: str
    stake_fen: int
    places: list[str]
    usual: str

    @property
    def rank(self) -> tuple[int, int, date]:
        """Worst first, then the larger sum, then the earlier."""
        return _URGENCY.index(self.status), -self.stake_fen, self.months[0]


def _cases(view: RunView, person_id: str, month: pl.DataFrame, say: _Say) -> list[_Case]:
    """Everything unsettled about a person, by cause, worst first; months that are settled are not among them."""
    key = ["person_id", "region", "scheme", "accrual_month"]
    months = month.select(*key, "contributed_fen", "expected_fen", "credited_fen", "confidence", "alternatives")
    arrived = (
        view.table("expected").filter(pl.col("person_id") == person_id)
        .join(view.table("contribution").select("row_id", "paid_on", "booked_month"), on="row_id", how="left")
        .group_by(key).agg(pl.col("paid_on").max(), pl.col("booked_month").max(), pl.col("due_month").max())
    )
    rows = (
        view.table("gap").filter(
            pl.col("person_id") == person_id, pl.col("basis") == "credit", pl.col("status").is_in(_URGENCY))
        .join(months, on=key, how="left", nulls_equal=True)
        .join(arrived, on=key, how="left", nulls_equal=True)
        .sort("accrual_month", "region", "scheme", "label")
    )
    cases = []
    for (label, cause, status), group in rows.group_by("label", "cause", "status", maintain_order=True):
        cases.append(_case(view, say, str(label), cause if cause is None else str(cause), str(status), group))
    return sorted(cases, key=lambda case: case.rank)


def _without_months(view: RunView, say: _Say, person_id: str) -> _Case:
    """The one case of somebody of whom no month can be looked at: there is nothing, or the account alone."""
    came = credits_of(view).filter(pl.col("person_id") == person_id)["amount_fen"]
    happened = say("only_account", count=came.len(), amount=yuan(int(came.sum()))) if came.len() else say("nothing")
    return _Case("unknown", "data_incomplete", None, [], happened, say("bring_contributions"), "", 0, [], "")


def _case(view: RunView, say: _Say, label: str, cause: str | None, status: str, group: pl.DataFrame) -> _Case:
    months = group["accrual_month"].unique().sort().to_list()
    certain = int(group["amount_fen"].abs().sum() or 0) if status != "unknown" else 0
    estimate = int(group["estimated_fen"].sum() or 0)
    fields = _facts(view, say, group, months, certain, estimate)
    premium = int(group["contributed_fen"].sum() or 0)
    told = "credit_missing:retired" if cause == "credit_missing" and not premium else cause
    asked = cause
    if label == "policy_unknown" and group["region"].null_count() == group.height:
        told = asked = "region_unstated"  # no rule can be known
    pick = (label, told) if (label, told) in _HAPPENED else (label, None)
    ask = (label, asked) if (label, asked) in _ASK else (label, None)
    unsure = group.filter(pl.col("confidence") == "undecided")["alternatives"].drop_nulls().to_list()
    own = {one.strftime("%Y-%m") for one in months}
    others = sorted({one for text in unsure for one in text.split(";") if one} - own)
    is_open = status == "open"
    return _Case(
        status, label, cause, months,
        happened=(
            say.of(_HAPPENED[pick]).format(**fields) if pick in _HAPPENED else Words(view.lang).cause(label, cause)),
        ask=say.of(_ASK[ask]).format(**fields) if ask in _ASK else "",
        doubt=say("doubt", others=Words(view.lang).join(others)) if others and is_open else "",
        stake_fen=certain or estimate,
        places=[place for text in group["evidence"] for place in split_evidence(text)[1]],
        usual=say("usual", due=fields["due"]) if told in _USUAL and len(months) == 1 else "",
    )


def _facts(
    view: RunView, say: _Say, group: pl.DataFrame, months: list[date], certain: int, estimate: int
) -> dict[str, str]:
    """The fields of the sentences of one case."""
    day = ""
    if len(months) == 1:
        paid_on, booked = group["paid_on"].max(), group["booked_month"].max()
        day = paid_on.isoformat() if isinstance(paid_on, date) else (
            booked.strftime("%Y-%m") if isinstance(booked, date) else "")
    due = group["due_month"].max() or _due_told(group)
    years = sorted({str(one.year) for one in [*months, *group["due_month"].drop_nulls()]})
    shown = "、".join(f"{year}年" for year in years) if view.lang == "zh" else ", ".join(years)
    return {
        "months": say.months(months), "amount": yuan(certain or estimate),
        "estimate": say("estimate", amount=yuan(estimate)) if estimate else "",
        "premium": say("premium", amount=yuan(estimate)) if estimate else "",
        "arrived": say("arrived", day=day) if day else "",
        "arrival_given": say("arrival_given", day=day) if day else "",
        "due": say.months([due]) if isinstance(due, date) else "?", "as_of": view.as_of.isoformat(),
        "due_sum": yuan(int(group["expected_fen"].sum() or 0)), "came": yuan(int(group["credited_fen"].sum() or 0)),
        "pages": say("year_pages", years=shown),
    }


def _due_told(group: pl.DataFrame) -> date | None:
    """The month that the evidence names where no contribution line has one: a retiree's."""
    told = group["evidence"].str.extract("应划月([0-9]{4}-[0-9]{2})").drop_nulls().to_list()
    return date.fromisoformat(f"{max(told)}-01") if told else None


def _short(
    view: RunView, say: _Say, name: str, person_id: str, month: pl.DataFrame, cases: list[_Case], account: Story
) -> str:
    """The worst case in a few words; clauses that do not fit are left out, the most useful ones come first."""
    unsettled = [text for pair in account.unsettled for text in pair]
    worth = [case for case in cases if case.cause not in WAITING_CAUSES] or cases
    head = say("hello", name=name) if name else ""
    # Whom to ask says nothing without what happened.
    about = {case.ask: case.happened for case in worth[1:]} | {ask: text for text, ask in account.unsettled}
    if worth:
        worst = worth[0]
        clauses = [worst.happened, worst.doubt, worst.ask]
        if _lacks_credit(worst):
            clauses.append(say("spend"))
        clauses.append(_rest(say, month, cases))
        for case in worth[1:]:
            clauses += [case.happened, case.ask]
        clauses += unsettled
        if worst.cause == SCOPE_CAUSE and account.unsettled:
            # Somebody with balances only is told first what these prove, then which page to send.
            clauses = [account.unsettled[0][0], worst.ask, *clauses]
        if month.is_empty():  # the balances are all that proves anything
            clauses = [*unsettled, *clauses]
        clauses = list(dict.fromkeys(clauses))
    else:
        clauses = [*unsettled, *_well(say, month, view), *_explained(view, say, month),
                   *_short_changes(view, say, person_id)]
    limit = SHORT_EN if view.lang == "en" else SHORT_ZH
    chosen: list[str] = []
    left_out = set()
    for clause in filter(None, clauses):
        if about.get(clause) in left_out or len(head + say.sentences([*chosen, clause])) > limit:
            left_out.add(clause)
        else:
            chosen.append(clause)
    if not chosen and clauses:
        return (head + clauses[0])[:limit - 1] + "…"
    return head + say.sentences(chosen)


def _request(say: _Say, case: _Case) -> str:
    """What to do about a case, standing alone."""
    waits = case.label == "delay" and case.cause != "overdue"
    return say("about", months=say.months(case.months), ask=case.ask) if waits else case.ask


def _aside(say: _Say, case: _Case) -> str:
    """Whom not to trouble first."""
    return say("employer_first") if (case.label, case.cause) == ("missing_month", "credit_missing") else ""


def _overview(view: RunView, say: _Say, person_id: str, month: pl.DataFrame) -> list[str]:
    words = Words(view.lang)
    shared = pl.col("person_id").is_null() & pl.col("file").is_in(_files(view, person_id))
    coverage = view.table("coverage").filter(
        (pl.col("table") == "flow") & ((pl.col("person_id") == person_id) | shared)).sort("from", "to")
    stated = coverage.filter(pl.col("basis") != "lines")
    coverage = stated if stated.height else coverage
    spans = []
    for one in coverage.unique(["from", "to", "exported_on"], maintain_order=True).iter_rows(named=True):
        span = say("span", first=one["from"] or "?", last=one["to"] or "?")
        spans.append(say("queried", span=span, day=one["exported_on"]) if one["exported_on"] else span)
    lines = [say("exports", spans=words.join(spans))] if spans else []
    if not month.height:
        return lines
    counted = dict(month["verdict"].value_counts(sort=True).iter_rows())
    verdicts = say("verdict_comma").join(
        say("verdict", verdict=words.verdict(code), count=count) for code, count in counted.items())
    lines.append(say(
        "overview", as_of=view.as_of, count=month.height, verdicts=verdicts,
        expected=yuan(int(month["expected_fen"].sum() or 0)), credited=yuan(int(month["credited_fen"].sum() or 0)),
    ))
    return lines


def _month_lines(view: RunView, say: _Say, month: pl.DataFrame, cases: list[_Case]) -> list[str]:
    texts = []
    for case in cases:
        settle = say("settle") if case.doubt else ""
        texts.append(say.sentences([one for one in (case.happened, case.usual, case.doubt, settle) if one]))
    texts += [say.sentences([one]) for one in _explained(view, say, month)]
    late = month.filter((pl.col("label") == "delay") & (pl.col("status") == "resolved"))["accrual_month"].to_list()
    if late:
        texts.append(say.sentences([say("late", months=say.months(late))]))
    if cases:
        spend = say("spend") if any(_lacks_credit(case) for case in cases) else ""
        rest = [one for one in (_rest(say, month, cases), spend) if one]
        texts += [say.sentences(rest)] if rest else []
    else:
        texts += [say.sentences([one]) for one in _well(say, month, view)]
    return texts


def _explained(view: RunView, say: _Say, month: pl.DataFrame) -> list[str]:
    """Months whose credit differs from what was due for a reason that is known: what it was."""
    own = month.filter(pl.col("label").is_in(_EXPLAINED) & (pl.col("status") == "explained"))
    key = ["person_id", "region", "scheme", "accrual_month", "label", "status"]
    parts = view.table("gap").filter(pl.col("basis") == "credit").join(own, on=key, how="semi", nulls_equal=True)
    texts = []
    for label in _EXPLAINED:
        for taken in (False, True):
            mine = parts.filter((pl.col("label") == label) & ((pl.col("amount_fen") > 0) == taken))
            if mine.height:
                happened = _HAPPENED.get((label, "taken" if taken else None), _HAPPENED[label, None])
                texts.append(say.of(happened).format(
                    months=say.months(mine["accrual_month"].unique().sort().to_list()),
                    amount=yuan(int(mine["amount_fen"].abs().sum() or 0))))
    return texts


def _lacks_credit(case: _Case) -> bool:
    """Money is missing in the account: what people suspect first is their own spending, and it is never that."""
    return case.label in ("missing_month", "short_credit") or case.cause == "overdue"


def _rest(say: _Say, month: pl.DataFrame, cases: list[_Case]) -> str:
    """The other months all fit, if they do."""
    explained = month.filter(pl.col("label").is_in(_EXPLAINED) & (pl.col("status") == "explained"))["accrual_month"]
    told = {one for case in cases for one in case.months} | set(explained)
    fits = month.filter((pl.col("verdict") == "received") & ~pl.col("accrual_month").is_in(sorted(told)))
    others = month.filter(~pl.col("accrual_month").is_in(sorted(told)))
    return say("rest_fits", count=fits.height) if fits.height and fits.height == others.height else ""


def _well(say: _Say, month: pl.DataFrame, view: RunView) -> list[str]:
    """What to say when nothing is unsettled."""
    without = month.filter(pl.col("verdict") == "no_account")["accrual_month"].unique().sort().to_list()
    fine = month.filter(pl.col("verdict") == "received")
    texts = []
    if fine.height:
        texts.append(say("all_well", months=say.months(fine["accrual_month"].unique().sort().to_list()),
                         expected=yuan(int(fine["expected_fen"].sum() or 0))))
    if without:
        texts.append(say("no_account", months=say.months(without)))
    return texts


def _short_changes(view: RunView, say: _Say, person_id: str) -> list[str]:
    """The last change of the monthly credit, for a short answer."""
    texts = change_paragraphs(view, person_id, brief=True)
    return [texts[-1].rstrip("。.")] if texts else []


def _files(view: RunView, person_id: str) -> list[str]:
    """The files the person's account lines stand in."""
    rows = view.table("flow").filter(pl.col("person_id") == person_id)["row_id"].drop_nulls()
    known = set(view.table("coverage")["file"].drop_nulls())
    return sorted({file_of(row, known) for row in rows})
