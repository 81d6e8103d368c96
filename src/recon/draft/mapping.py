"""One unknown file -> the text of a format file: where its header stands, what its columns are, what is left to say."""

from __future__ import annotations

import json
import re
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from recon.draft.guess import (
    NAME,
    PART,
    PERSON,
    TABLES,
    VALUES,
    Guess,
    TableGuess,
    columns_of,
    guess_table,
    is_name,
    lexicon,
)
from recon.draft.profile import Profile, profile, shown, shown_values
from recon.reading import claim as claiming
from recon.reading.claim import HEAD_ROWS, Head, Header, read_facts
from recon.reading.containers import open_file
from recon.reading.format import Format, FormatError, Formats
from recon.reading.formats import load_formats, shared_words
from recon.reading.grid import Grid
from recon.reading.rows import read_rows
from recon.reading.values import fold, is_empty
from recon.tables import FLOW_KINDS, PAYMENT_KINDS

_SAMPLE_ROWS = 400
_WORD_COLUMNS = ("payment_kind", "paid", "insured_status", "scheme", "tier", "sub_account", "reversed", "void",
                 "kind_text")
_SHOWN_WORDS = frozenset({*_WORD_COLUMNS, "region", "currency", "id_type", "department"})
_TITLE = re.compile(
    r"[\u3400-\u9fff()]*(?:明细|账单|清单|查询|名册|名单|申报表|工资表|流水|台账|收支|汇总表|记录)[\u3400-\u9fff]*"
)
# One word for each canonical column, for the comment beside it.
_MEANING = {
    "person_id": ("证件号码", "ID"), "psn_no": ("个人编号", "personal number"), "person_name": ("姓名", "name"),
    "employee_no": ("工号", "employee number"), "region": ("统筹区", "region"), "scheme": ("险种", "scheme"),
    "tier": ("档次", "tier"), "employer": ("用工单位", "employer"), "payer": ("缴费主体", "payer"),
    "accrual_month": ("对应费款所属期", "month paid for"), "accrual_to_month": ("所属期止", "last month paid for"),
    "booked_month": ("做账月", "month booked"), "paid_on": ("到账日", "day the premium arrived"),
    "treasury_on": ("入国库日", "day in the treasury"), "allocated_on": ("划拨日", "day split to people"),
    "base_fen": ("缴费基数", "base"), "employer_base_fen": ("单位缴费基数", "employer's base"),
    "wage_fen": ("工资", "wage"), "employee_fen": ("个人缴费", "employee's part"),
    "employer_fen": ("单位缴费", "employer's part"), "total_fen": ("缴费合计", "sum of both parts"),
    "into_account_fen": ("划入个人账户", "part credited to the account"),
    "employee_into_fen": ("个人缴费划入", "credited out of the employee's part"),
    "employer_into_fen": ("单位缴费划入", "credited out of the employer's part"),
    "late_fee_fen": ("滞纳金", "late fee"), "payment_kind": ("缴费类型", "kind of payment"),
    "paid": ("是否到账", "arrived or not"), "insured_status": ("在职或退休", "in service or retired"),
    "posted_on": ("入账日", "day posted"), "kind_text": ("收支类型", "kind of line"), "memo": ("摘要", "memo"),
    "amount_fen": ("金额", "amount"), "in_fen": ("收入", "money in"), "out_fen": ("支出", "money out"),
    "balance_fen": ("余额", "running balance"), "sub_account": ("当年或历年", "sub-account"),
    "pay_month": ("发薪月", "month paid out"), "for_month": ("扣的是哪个月", "month deducted for"),
    "deducted_fen": ("扣款", "deducted"), "item": ("扣款项目", "item"), "kind": ("哪一种余额", "kind of balance"),
    "read_on": ("查看日", "day it was read"), "from_month": ("参保起", "first month"),
    "to_month": ("参保止", "last month"), "department": ("部门", "department"),
    "cost_centre": ("成本中心", "cost centre"), "id_type": ("证件类型", "kind of ID"),
    "birth_date": ("出生日期", "birth date"), "retired_from": ("退休年月", "retired from"),
    "employed_from": ("入职", "employed from"), "employed_to": ("离职", "employed to"),
    "currency": ("币种", "currency"),
    "aliases": ("曾用名、旧证件号", "earlier names and numbers"),
    "other_fen": ("其他缴费", "other parts"), "employee_rate": ("个人比例", "rate"),
    "other_into_fen": ("其他划入", "credited out of other parts"), "subsidy_fen": ("财政补助", "subsidy"),
    "employee_total_fen": ("个人合计", "employee's sum"), "employer_total_fen": ("单位合计", "employer's sum"),
    "party": ("谁的部分", "whose share"), "party_fen": ("这一部分的金额", "amount of that share"),
    "rate": ("费率", "rate"), "people_count": ("人数", "number of people"), "direction": ("收支方向", "in or out"),
    "fee_fen": ("手续费", "fee"), "fund_fen": ("统筹支付", "paid by the fund"), "own_fen": ("自付", "paid by oneself"),
    "bank_account": ("银行账号", "bank account"), "year": ("年度", "year"),
    "opening_fen": ("期初余额", "opening balance"),
    "interest_fen": ("利息", "interest"), "net_fen": ("实发", "net pay"), "deferred": ("缓缴", "deferred"),
    "reversed": ("冲销标志", "reversed or not"), "void": ("有效标志", "void or not"),
}


class DraftError(ValueError):
    """No draft can be made of the file; the message says why and what to do, in both languages."""


@dataclass(frozen=True)
class Draft:
    """A drafted format: ``text`` is TOML; ``rows`` and ``rejected`` say what it would read if it were used now."""

    id: str
    table: str
    text: str
    sheet: str
    columns: int
    unused: int
    missing: tuple[str, ...]  # required columns nobody found: the draft is not valid before they are filled in
    claimed_by: tuple[str, ...]
    rows: int | None = None
    rejected: int | None = None
    mistake: str | None = None  # what recon check would say now


@dataclass
class _Seen:
    """A grid with its header found and its columns guessed."""

    grid: Grid
    at: int
    header: list[str]
    profiles: list[Profile]
    above: list[list[str]]
    facts: dict[str, str]
    guess: TableGuess
    claimed_by: tuple[str, ...] = ()
    words: dict[str, list[tuple[str, int]]] = field(default_factory=dict)  # code column -> words nobody knows


def draft_mapping(
    path: Path, mappings: Sequence[Path], *, new_id: str, table: str | None = None, sheet: str | None = None,
    lang: str = "zh",
) -> Draft:
    """A format for ``path`` as far as its header and values tell; DraftError where there is no table in it.

    ``table`` and ``sheet`` overrule the guess. ``new_id`` becomes the format's id. Raises FormatError for a mistake
    in ``mappings``.
    """
    formats = load_formats(mappings)
    shared = shared_words(mappings)
    opened = open_file(path, formats.header_words)
    grids = [grid for grid in opened.grids if any(grid.rows) and (sheet is None or grid.name == sheet)]
    if not grids:
        codes = ", ".join(sorted({problem.code for problem in opened.problems})) or "empty-file"
        raise DraftError(f"文件里没有可读的表（{codes}） / no table can be read from the file ({codes})")
    seen = [found for grid in grids if (found := _look(grid, formats, table))]
    if not seen:
        raise DraftError("没有找到表头：前 80 行里没有一行像列名 / no row among the first 80 reads like column names")
    best = max(seen, key=lambda each: each.guess.score)
    best.claimed_by = _claimed_by(best.grid, formats)
    best.words = _unknown_words(best, shared)
    text = _text(best, new_id, lang)
    return _tried(best, text, new_id, mappings)


# --------------------------------------------------------------------------------------------------- finding the header


def _look(grid: Grid, formats: Formats, table: str | None) -> _Seen | None:
    """The grid's header and the table its columns fit best; None where no row reads like a header."""
    tables = (table,) if table else TABLES
    words = {name: lexicon(formats, name) for name in tables}
    every = {word: column for each in words.values() for word, column in each.items()}
    at = _header_row(grid, every)
    if at is None:
        return None
    header = grid.rows[at]
    body = [row for row in grid.rows[at + 1: at + 1 + _SAMPLE_ROWS]
            if sum(map(bool, row)) * 2 >= sum(map(bool, header)) and not _is_sum(row)]
    profiles = [profile([row[index] if len(row) > index else "" for row in body]) for index in range(len(header))]
    above = [row for row in grid.rows[:at] if any(row)]
    labels = next((known for known in formats if known.labels), None)
    facts = read_facts(above, labels) if labels else {}
    title = fold(" ".join([grid.name, *(cell for row in above for cell in row)]))
    guesses = [guess_table(name, header, profiles, words[name], title, facts) for name in tables]
    best = max(guesses, key=lambda guess: guess.score)
    return _Seen(grid, at, header, profiles, above, facts, best)


def _header_row(grid: Grid, words: Mapping[str, str]) -> int | None:
    """The row that reads most like column names: known or telling names, no values, and values below it."""
    best: tuple[int, int] | None = None
    for at, row in enumerate(grid.rows[:HEAD_ROWS]):
        cells = [cell for cell in row if cell]
        if len(cells) < 2 or len(set(cells)) * 10 < len(cells) * 7:
            continue
        names = sum(is_name(cell, words) for cell in cells)
        plain = sum(profile([cell]).amounts + profile([cell]).ids > 0 or "：" in cell for cell in cells)
        below = [other for other in grid.rows[at + 1: at + 6] if sum(map(bool, other)) * 2 >= len(cells)]
        if not names or plain * 3 > len(cells) or not below:
            continue
        values = sum(any(char.isdigit() for char in cell) for other in below for cell in other) > 0
        score = 3 * names + len(cells) - 4 * plain + 3 * values
        if best is None or score > best[0]:
            best = (score, at)
    return None if best is None else best[1]


def _is_sum(row: Sequence[str]) -> bool:
    return any(fold(cell) in ("合计", "小计", "总计", "共计", "本页合计") for cell in row[:4])


def _claimed_by(grid: Grid, formats: Formats) -> tuple[str, ...]:
    """The formats that claim the grid already."""
    head = Head.of(grid)
    found = [header for known in formats if isinstance(header := claiming.claim(head, known), Header)]
    return tuple(header.format.id for header in claiming.decide(found))


def _unknown_words(seen: _Seen, shared: Mapping[str, Mapping[str, Any]]) -> dict[str, list[tuple[str, int]]]:
    """Code words of the columns guessed that no shared list knows, with how often each stands there."""
    found: dict[str, list[tuple[str, int]]] = {}
    for guess in seen.guess.guesses:
        if guess.column not in _WORD_COLUMNS:
            continue
        column = "flow_kind" if guess.column == "kind_text" else guess.column
        whole = {fold(text) for texts in shared.get("values", {}).get(column, {}).values() for text in texts}
        parts = {fold(text) for texts in shared.get("contains", {}).get(column, {}).values() for text in texts}
        strange = [
            (text, many) for text, many in seen.profiles[guess.at].values
            if not is_empty(text) and fold(text) not in whole and not any(part in fold(text) for part in parts)
        ]
        if strange:
            found[column] = strange
    return found


# ------------------------------------------------------------------------------------------------------ writing it out


def _text(seen: _Seen, new_id: str, lang: str) -> str:
    """The draft as TOML with comments in ``lang``."""
    chinese = lang == "zh"

    def say(zh: str, en: str) -> str:
        return zh if chinese else en

    guess = seen.guess
    title = _title(seen)
    lines = [
        say("# 由 recon mapping new 起草：请核对每一列，删去不对的，补上缺的，然后运行 recon check --mappings 目录。",
            "# Drafted by recon mapping new: check each column, remove what is wrong, add what is missing; then run"
            " recon check --mappings DIR."),
        say("# 注释里的值已遮住个人信息。写法见 mappings/formats/README.md。",
            "# Values in comments are masked. Grammar: mappings/formats/README.md."),
        say(f"# 表头在 {seen.grid.places[seen.at]}，共 {sum(map(bool, seen.header))} 列；"
            f"下面是 {guess.table} 表的写法。",
            f"# The header stands at {seen.grid.places[seen.at]} with {sum(map(bool, seen.header))} columns; it is read"
            f" as table {guess.table}."),
    ]
    if seen.claimed_by:
        lines.append(say(f"# 已有格式认领此文件：{', '.join(seen.claimed_by)}；本格式会取代它。",
                         f"# Already claimed by: {', '.join(seen.claimed_by)}; this format would replace it."))
    name = title or say("未命名的版式", "unnamed layout")
    lines += [f"id = {_quoted(new_id)}", f"zh = {_quoted(name)}", f"en = {_quoted(new_id.replace('_', ' '))}",
              f"table = {_quoted(guess.table)}"]
    if guess.table == "flow":
        lines += _amount_lines(seen, say)
    lines += ["", "[claim]", *_claim_lines(seen, title, say), "", "[columns]"]
    lines += [_column_line(seen, each, say) for each in guess.guesses]
    for group in guess.missing:
        meaning = "/".join(f"{name}（{_MEANING.get(name, (name, name))[0]}）" if chinese else name for name in group)
        lines.append(say(f"# 必需而没有认出：{meaning}。请在下面填上列名，例如：",
                         f"# Required and not found: {meaning}. Give its header name, for example:"))
        lines.append(f"# {group[0]} = [{_quoted(say('列名', 'header name'))}]")
    unused = [at for at, cell in enumerate(seen.header) if cell and all(at != each.at for each in guess.guesses)]
    if unused:
        lines.append(say("# 没有用到的列（多半不需要）：", "# Columns that are not used (most are not needed):"))
        lines += [f"#   {_one_line(seen.header[at])}: {_shown(seen, at, None)}" for at in unused]
        lines.append(say(f"# 可用的列：{', '.join(sorted(columns_of(guess.table)))}",
                         f"# Columns there are: {', '.join(sorted(columns_of(guess.table)))}"))
    lines += _word_lines(seen, say)
    lines += _derive_lines(guess)
    lines += _default_lines(seen, title, say)
    if seen.above:
        lines += ["", say("# 表头以上的行（标签在冒号前；写进 [labels] 可被读取）：",
                          "# Lines above the header (labels stand before a colon; name them in [labels]):")]
        lines += [f"#   {_masked_line(row)}" for row in seen.above[:8]]
    return "\n".join(lines) + "\n"


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


def _one_line(text: str) -> str:
    return " ".join(text.split())


def _title(seen: _Seen) -> str:
    """What the sheet or the lines above call the table, without names, numbers or dates."""
    people = {seen.facts[name] for name in ("person_name", "employer") if name in seen.facts}
    for text in (*(cell for row in seen.above for cell in row if sum(map(bool, row)) == 1), seen.grid.name):
        bare = text
        for name in people:
            bare = bare.replace(name, "")
        if "：" in text or ":" in text:
            continue
        found = _TITLE.search(re.sub(r"[\d年月日\-—/.\s]+", " ", bare))
        if found and 3 < len(found.group()) <= 24:
            return found.group()
    return ""


def _amount_lines(seen: _Seen, say: Any) -> list[str]:
    guess = seen.guess
    if guess.column("in_fen") and guess.column("out_fen"):
        return ['amount = "in_out"  ' + say("# 收入、支出分两列", "# money in and out in two columns")]
    if guess.column("direction"):
        return ['amount = "direction"  ' + say("# 方向写在另一列", "# another column says which way")]
    amount = guess.column("amount_fen")
    if amount is None or seen.profiles[amount.at].negative or guess.column("kind_text") is None:
        return ['amount = "signed"  ' + say("# 金额自带正负号", "# the amount carries its sign")]
    return ['amount = "by_kind"  ' + say("# 金额都是正数，方向看类型", "# all positive: the kind says which way")]


def _claim_lines(seen: _Seen, title: str, say: Any) -> list[str]:
    guess = seen.guess
    have = {each.column for each in guess.guesses}
    who = [name for name in PERSON[:3] if name in have]
    header = ["|".join(name for name in ("person_id", "psn_no") if name in have) or who[0]] if who else []
    telling: list[str] = [name for name in (
        "accrual_month", "accrual_to_month", "posted_on", "in_fen", "out_fen", "amount_fen", "kind_text", "pay_month",
        "for_month", "deducted_fen", "read_on", "base_fen", "payment_kind", "employee_fen", "into_account_fen",
        "balance_fen", "from_month",
    ) if name in have]
    if guess.table == "person":
        telling = ["person_name"] if "person_name" in have and header != ["person_name"] else []
        telling += [name for name in ("employee_no", "department", "insured_status", "employed_from", "birth_date",
                                      "retired_from") if name in have][:2]
    elif guess.table == "payment":
        telling = [name for name in ("paid_on", "amount_fen", "payer") if name in have]
    header += telling + [group[0] for group in guess.missing if group != PERSON[:3]]
    lines = [f"header = {_list(header)}  " + say("# 表头里必须有的列；“a|b”是二者之一",
                                                 "# columns that must be there; a|b: either")]
    if title and fold(title) in fold("".join([seen.grid.name, *("".join(row) for row in seen.above)])):
        mark = "" if guess.table in ("flow", "payment") else "# "
        lines.append(f"{mark}titles = {_list([title])}  " + say("# 表上方必须有的标题", "# must stand above the table"))
    facts = [name for name in PERSON[:3] if name in seen.facts]
    if not who and guess.table != "payment":
        lines.append(f"facts = {_list(['|'.join(facts or PERSON[:3])])}  " + say(
            "# 人写在表的上方" if facts else "# 没有认出是谁的：表里和表上方都没有姓名或证件号",
            "# the person stands above the table" if facts else "# whose it is was not found"))
    if seen.claimed_by:
        lines.append(f"replaces = {_list(seen.claimed_by)}")
    return lines


def _list(texts: Sequence[str]) -> str:
    return f"[{', '.join(map(_quoted, texts))}]"


def _column_line(seen: _Seen, guess: Guess, say: Any) -> str:
    zh, en = _MEANING.get(guess.column, (guess.column, guess.column))
    why = {
        "name": say("列名已知", "known name"),
        "part": say(f"列名含“{guess.told_by}”", f"its name holds “{guess.told_by}”"),
        "values": say("仅凭值，请核对", "by its values alone: check"),
    }[{NAME: "name", PART: "part", VALUES: "values"}[guess.strength]]
    return (f"{guess.column} = {_list([_one_line(guess.header)])}  "
            f"# {say(zh, en)} · {why} · {_shown(seen, guess.at, guess.column)}")


def _shown(seen: _Seen, at: int, column: str | None) -> str:
    """A few values of a column, masked where they may be personal."""
    values = seen.profiles[at]
    if not values.filled:
        return "—"
    if column == "birth_date":
        return "****"
    word = column in _SHOWN_WORDS and (values.has_words or values.filled < 20)
    return _one_line("、".join(dict.fromkeys(shown_values(values, words=word))))


def _word_lines(seen: _Seen, say: Any) -> list[str]:
    """For each code column the words no list knows, as comments to be turned into values."""
    lines: list[str] = []
    kinds = {"flow_kind": FLOW_KINDS, "payment_kind": PAYMENT_KINDS, "paid": ("true", "false"),
             "insured_status": ("in_service", "retired", "flexible", "other")}
    for column, words in seen.words.items():
        lines += ["", f"[values.{column}]"]
        if column in kinds:
            lines.append(say(f"# 把下面的词归到：{', '.join(kinds[column])}", f"# sort these words under: "
                             f"{', '.join(kinds[column])}"))
        lines += [f"# = [{_quoted(shown(text, word=True))}]  # ×{many}" for text, many in words[:20]]
    return lines


def _derive_lines(guess: TableGuess) -> list[str]:
    have = {each.column for each in guess.guesses}
    lines = []
    if guess.table == "contribution":
        if {"total_fen", "employee_fen"} <= have and "employer_fen" not in have:
            lines.append('employer_fen = ["total_fen", "-employee_fen"]')
        if "employee_into_fen" in have:
            terms = ["employee_into_fen", *(["employer_into_fen?"] if "employer_into_fen" in have else [])]
            lines.append(f"into_account_fen = {_list(terms)}")
    return ["", "[derive]", *lines] if lines else []


def _default_lines(seen: _Seen, title: str, say: Any) -> list[str]:
    guess = seen.guess
    have = {each.column for each in guess.guesses}
    if guess.table == "flow":
        ledger = "bank" if "银行" in title or "流水" in title else "app"
        return ["", "[defaults]", 'scheme = "310"', f'ledger = "{ledger}"  ' + say(
            "# app：医保账户自己的明细；bank：银行卡流水", "# app: the account's own detail; bank: a bank card's")]
    if guess.table != "contribution":
        return []
    lines = ["", "[defaults]", 'scheme = "310"', 'payment_kind = "normal"']
    proof = "declared" if "申报" in title else "billed" if re.search("账单|应缴|应收", title) else (
        "fund_record" if have & {"paid", "paid_on", "into_account_fen"} or "缴费明细" in title else "billed")
    lines.append(f'proof = "{proof}"  ' + say(
        "# 谁说的：fund_record 医保的记录；declared 申报；billed 账单；tax_receipt 完税证明。申报和账单不说明已缴",
        "# who says so: fund_record, declared, billed or tax_receipt; a bill or declaration proves no payment"))
    if "paid" not in have and proof == "fund_record":
        lines.append('paid = "paid_on"  ' + say("# 有到账日就算已到账", "# arrived where it has a day of arrival")
                     if "paid_on" in have else
                     "# paid = true  " + say("# 如果列出的都已到账", "# if every line listed has arrived"))
    return lines


def _masked_line(row: Sequence[str]) -> str:
    parts = []
    for cell in filter(None, row):
        label, colon, value = cell.partition("：")
        parts.append(f"{label}{colon}{shown(value)}" if colon else cell if _TITLE.search(cell) and not any(
            char.isdigit() for char in cell) else shown(cell))
    return _one_line("  ".join(parts))


# ------------------------------------------------------------------------------------------------------------ trying it


def _tried(seen: _Seen, text: str, new_id: str, mappings: Sequence[Path]) -> Draft:
    """The draft with what it would read now, or the mistake that ``recon check`` would name."""
    rows = rejected = mistake = None
    with tempfile.TemporaryDirectory(prefix="recon-draft-") as place:
        Path(place, f"{new_id}.toml").write_text(text, encoding="utf-8")
        try:
            known: Format | None = load_formats([*mappings, Path(place)]).by_id[new_id]
        except FormatError as error:
            known, mistake = None, str(error)
    if known is not None:
        header = claiming.claim(Head.of(seen.grid), known)
        if isinstance(header, Header):
            read = read_rows(seen.grid, header)
            rows, rejected = read.rows_read - read.skipped, read.rejected
        else:
            mistake = header
    missing = tuple("/".join(group) for group in seen.guess.missing)
    return Draft(new_id, seen.guess.table, text, seen.grid.name, len(seen.guess.guesses),
                 sum(map(bool, seen.header)) - len(seen.guess.guesses), missing, seen.claimed_by, rows, rejected,
                 mistake)
