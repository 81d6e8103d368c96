"""Which header cell is which canonical column: by the names other formats use, by parts of names, by the values.

Every guess carries its reason and how strong it is; a name that its values contradict is no guess.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from recon.draft.profile import Profile
from recon.reading.format import HELPERS, Format
from recon.reading.lines import REQUIRED
from recon.reading.values import fold
from recon.tables import INPUT_TABLES

NAME, PART, VALUES = 3, 2, 1  # how strong a guess is
PERSON = ("person_id", "psn_no", "person_name", "employee_no")
# Tables a file of an office, a bank or an employer can hold, in the order in which equals are decided.
TABLES = ("contribution", "flow", "payroll", "person", "payment", "reading", "enrolment")

# Parts of header names, folded: the first that is found and that the values do not contradict.
_PARTS: tuple[tuple[str, str, str], ...] = (
    ("*", "身份证|证件号|公民身份|社会保障号", "person_id"),
    ("*", "工号|员工编号|职工编号", "employee_no"),
    ("*", "个人编号|人员编号|个人代码|参保号|医保号|医保编号", "psn_no"),
    ("*", "信用代码|税号|纳税人识别号|单位编号|单位代码|单位社保号", "payer"),
    ("*", "姓名|参保人$", "person_name"),
    ("*", "参保地|统筹区|区划|缴费地", "region"),
    ("*", "险种", "scheme"), ("*", "档次|缴费档", "tier"), ("*", "币种|币别", "currency"),
    ("*", "部门", "department"), ("*", "成本中心", "cost_centre"),
    ("person", "退休.*(?:年月|时间|日期)", "retired_from"),
    ("person", "(?:入职|入司|到岗)", "employed_from"), ("person", "(?:离职|离司|减员)", "employed_to"),
    ("person", "出生", "birth_date"), ("person", "证件类", "id_type"),
    ("*", "人员类别|参保身份|在职|退休|人员状态", "insured_status"),
    ("contribution", "所属.*(?:止|结束|终)|(?:结束|终止)(?:年月|月)", "accrual_to_month"),
    ("contribution", "归属|对应.*(?:期|月)|属期", "accrual_month"),
    ("contribution", "做账|台账|建账|记账年月", "booked_month"),
    ("contribution", "入库|入国库", "treasury_on"), ("contribution", "划拨(?:时间|日期)|分账", "allocated_on"),
    ("contribution", "到账|到帐|实收|实缴(?:时间|日期)|缴款|缴费(?:时间|日期)|扣款日", "paid_on"),
    ("contribution", "个人.*(?:划入|计入|记入)", "employee_into_fen"),
    ("contribution", "单位.*(?:划入|计入|记入)", "employer_into_fen"),
    ("contribution", "划入(?!.*统筹)|计入|记入|入账户|个账|进账户|划账", "into_account_fen"),
    ("contribution", "基数", "base_fen"), ("contribution", "滞纳金", "late_fee_fen"),
    ("contribution", "(?:个人|职工|员工).*(?:缴|部分|承担|扣|金额|额)|个缴|个人$", "employee_fen"),
    ("contribution", "(?:单位|公司|企业).*(?:缴|部分|承担|金额|额)|单缴|单位$", "employer_fen"),
    ("contribution", "合计|总额|总金额|小计", "total_fen"),
    ("contribution", "工资", "wage_fen"),
    ("contribution", "所属|费款|缴费.*月|年月|月份|期间$", "accrual_month"),
    ("contribution", "(?:缴费|应缴|征缴|业务).*(?:类型|类别|方式)", "payment_kind"),
    ("contribution", "标志|标识|状态|是否", "paid"),
    ("flow", "有效", "void"), ("flow", "借贷|收支方向|收/支$", "direction"),
    ("flow", "所属|费款|年月$", "accrual_month"),
    ("flow", "余额|结余", "balance_fen"),
    ("flow", "收入|存入|转入金额|贷方|入账金额|划入金额|增加", "in_fen"),
    ("flow", "支出|取出|转出金额|借方|支取|减少", "out_fen"),
    ("flow", "金额|发生额|收支", "amount_fen"),
    ("flow", "日期|时间|日$", "posted_on"),
    ("flow", "类型|类别|摘要|业务|项目|交易名称", "kind_text"),
    ("flow", "备注|附言|机构(?!.*(?:编号|编码|代码))|医院|药店|地点|对方|商户|渠道", "memo"),
    ("payroll", "(?:发放|发薪|支付|薪资|工资).*(?:月|期)|^月份$", "pay_month"),
    ("payroll", "所属|费款", "for_month"),
    ("payroll", "(?:医保|医疗|社保|保险).*(?:个人|扣)|(?:代扣|扣款|扣除|扣缴|补扣)", "deducted_fen"),
    ("payroll", "(?:扣款|扣缴)?项目", "item"), ("payroll", "基数", "base_fen"),
    ("payroll", "应发|工资|月薪", "wage_fen"),
    ("payment", "(?:付款|交易|记账|支付|扣款).*(?:日期|时间)|日期$", "paid_on"),
    ("payment", "金额|支出|借方", "amount_fen"), ("payment", "摘要|附言|备注|用途|对方", "memo"),
    ("payment", "户名|账号", "payer"),
    ("reading", "日期|时间", "read_on"), ("reading", "余额|金额|合计", "amount_fen"),
    ("reading", "类型|类别|项目", "kind"),
    ("enrolment", "(?:开始|起始|参保).*(?:年月|月|时间|日期)", "from_month"),
    ("enrolment", "(?:结束|终止|停保|截止).*(?:年月|月|时间|日期)", "to_month"),
    ("*", "单位名称|公司|用人单位|用工单位|单位$|分支机构", "employer"),
)
_PARTS_FOUND = tuple((table, re.compile(part), column) for table, part, column in _PARTS)
# What a title says of the table below it.
_TITLES = (
    ("flow", re.compile("账户.*(?:收支|明细|流水)|收支|流水|对账单|交易明细")),
    ("contribution", re.compile("缴费|申报|账单|应缴|征集|参保证明|权益")),
    ("payroll", re.compile("工资|薪")), ("person", re.compile("花名册|名单|名册|员工信息|在册")),
    ("payment", re.compile("付款|回单|支付")), ("reading", re.compile("余额")),
)


@dataclass(frozen=True)
class Guess:
    """One header cell and the column it is taken for; ``reason`` is "name", "part" or "values" and what told it."""

    at: int
    header: str
    column: str
    strength: int
    told_by: str


@dataclass(frozen=True)
class TableGuess:
    """One table a grid may hold: the columns guessed, and what it still lacks."""

    table: str
    guesses: tuple[Guess, ...]
    missing: tuple[tuple[str, ...], ...]
    score: int

    def column(self, name: str) -> Guess | None:
        """The guess for a column, if there is one."""
        return next((guess for guess in self.guesses if guess.column == name), None)


def lexicon(formats: Iterable[Format], table: str) -> dict[str, str]:
    """Folded header name -> column of ``table``: what most of the known formats mean by the name.

    Formats of the same table have the first say; one layout's odd use of a name loses against the usual one.
    """
    allowed = columns_of(table)
    votes: dict[str, Counter[tuple[bool, str]]] = defaultdict(Counter)
    for known in formats:
        for word, (column, _) in known.aliases.items():
            if column in allowed:
                votes[word][known.table == table, column] += 1
    return {word: max(found, key=lambda hit: (hit[0], found[hit], hit[1]))[1] for word, found in votes.items()}


def columns_of(table: str) -> frozenset[str]:
    """Every column a format of ``table`` may read, less what only recon itself writes."""
    own = frozenset(INPUT_TABLES[table]) | HELPERS["*"] | HELPERS.get(table, frozenset())
    return own - {"row_id", "duplicate_of", "flow_kind", "proof", "ledger", "confirmed_by", "confirmed_on"}


def is_name(cell: str, words: Mapping[str, str]) -> bool:
    """Whether a cell reads as the name of a column."""
    folded = _bare(fold(cell))
    return folded in words or any(part.search(folded) for _, part, _ in _PARTS_FOUND)


def _bare(folded: str) -> str:
    return re.sub(r"(?:单位)?(?:人民币)?万?元$", "", folded) or folded


def guess_table(
    table: str, header: Sequence[str], profiles: Sequence[Profile], words: Mapping[str, str], title: str,
    facts: Iterable[str],
) -> TableGuess:
    """The columns of ``table`` in a header, strongest guesses first, each column and cell used once."""
    allowed = columns_of(table)
    options: list[Guess] = []
    both_months = any(fold(cell).startswith("对应费款所属期") for cell in header)
    for at, cell in enumerate(header):
        folded = fold(cell)
        if not folded:
            continue
        if both_months and folded == "费款所属期" and "booked_month" in allowed:
            # Beside 对应费款所属期, the month paid for, this is the month of booking (DESIGN section 2).
            options.append(Guess(at, cell, "booked_month", NAME, "对应费款所属期"))
            continue
        name = words.get(folded) or words.get(_bare(folded))
        if name:
            options.append(Guess(at, cell, name, NAME, cell))
        for of, part, column in _PARTS_FOUND:
            hit = part.search(_bare(folded))
            if hit and of in ("*", table) and column in allowed:
                options.append(Guess(at, cell, column, PART, hit.group()))
        if profiles[at].mostly("ids"):
            options.append(Guess(at, cell, "person_id", VALUES, "ids"))
        for column, kind in _BY_VALUES.get(table, ()):
            if profiles[at].mostly(kind):
                options.append(Guess(at, cell, column, VALUES, kind))
    options = [option for option in options if _fits(option.column, profiles[option.at])]
    taken: dict[int, Guess] = {}
    used: set[str] = set()
    for option in sorted(options, key=lambda each: -each.strength):
        if option.at not in taken and option.column not in used:
            taken[option.at] = option
            used.add(option.column)
    if {"in_fen", "out_fen"} <= used and "amount_fen" in used:
        taken = {at: guess for at, guess in taken.items() if guess.column != "amount_fen"}
        used.discard("amount_fen")
    guesses = tuple(taken[at] for at in sorted(taken))
    missing = tuple(group for group in _needed(table) if not used.intersection(_ways(group)))
    if table not in ("payment",) and not used.intersection(PERSON) and not set(PERSON).intersection(facts):
        missing = (*missing, PERSON[:3])
    unread = sum(profiles[at].filled > 0 and (profiles[at].mostly("amounts") or profiles[at].mostly("months"))
                 for at in range(len(header)) if at not in taken)
    hint = any(of == table and part.search(title) for of, part in _TITLES)
    score = sum(guess.strength for guess in guesses) - 6 * len(missing) - unread + 4 * hint
    return TableGuess(table, guesses, missing, score)


# What values alone suggest, where no name does: each only for a column the table cannot do without.
_BY_VALUES: dict[str, tuple[tuple[str, str], ...]] = {
    "contribution": (("accrual_month", "months"),), "flow": (("posted_on", "days"), ("person_name", "names")),
    "payment": (("paid_on", "days"),), "reading": (("read_on", "days"),),
}


def _fits(column: str, values: Profile) -> bool:
    """Whether the values of a cell's column may be those of ``column``; an empty column contradicts nothing."""
    if not values.filled:
        return True
    if column.endswith("_fen"):
        return values.amounts * 10 >= values.filled * 8
    if column.endswith("_month"):
        return values.months * 10 >= values.filled * 8
    if column.endswith("_on") or column in ("birth_date", "employed_from", "employed_to", "retired_from"):
        return max(values.days, values.months) * 10 >= values.filled * 8
    if column == "person_id":
        return values.ids * 10 >= values.filled * 5
    if column in ("employer", "person_name", "kind_text"):
        return not (values.mostly("amounts") and not values.has_words)
    return True


def _needed(table: str) -> tuple[tuple[str, ...], ...]:
    return (("amount_fen",), ("posted_on",), ("kind_text", "memo", "in_fen")) if table == "flow" else REQUIRED[table]


def _ways(group: tuple[str, ...]) -> set[str]:
    """The columns any of which satisfies a required group, pieces included."""
    also = {"amount_fen": {"in_fen", "out_fen"}, "employee_fen": {"total_fen"},
            "into_account_fen": {"employee_into_fen", "employer_into_fen"}}
    return set(group).union(*(also.get(name, set()) for name in group))
