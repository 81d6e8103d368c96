"""The third answer for one person: does the account add up, what explains the balance, whom to ask about the rest."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import polars as pl

from recon.report.mask import mask_files, mask_numbers
from recon.report.view import RunView, file_of, split_evidence
from recon.report.words import Words, yuan

_TEXTS: dict[str, tuple[str, str]] = {
    "adds_up": ("{place}{first}至{last}：期初{opening}元，{moves}，期末{closing}元，一分不差",
                "{place}{first} to {last}: opening {opening} yuan, {moves}, closing {closing} yuan; it adds up to the "
                "fen"),
    "does_not": ("{place}{first}至{last}：期初{opening}元，{moves}，期末{closing}元，其中{rest}元没有明细可以说明",
                 "{place}{first} to {last}: opening {opening} yuan, {moves}, closing {closing} yuan; no line explains "
                 "{rest} of it"),
    "income_only": ("{place}{first}至{last}：期初{opening}元，{moves}，期末{closing}元；"
                    "明细只列收入，余额因此少的{hidden}元是没有显示的支出",
                    "{place}{first} to {last}: opening {opening} yuan, {moves}, closing {closing} yuan; the export "
                    "shows income only, and {hidden} were used without being shown"),
    "no_balances": ("{place}{first}至{last}：{moves}；明细没有印余额，只能说变动。补一张有余额的页面就能核对到分",
                    "{place}{first} to {last}: {moves}; the export prints no balance, so only the movements are known. "
                    "One page with a balance settles it"),
    "place": ("{region}，", "{region}, "),
    "credit": ("划入{amount}元", "credited {amount}"), "interest": ("利息{amount}元", "interest {amount}"),
    "spend": ("支出{amount}元", "used {amount}"), "mutual_aid": ("家人共济{amount}元", "used by the family {amount}"),
    "premium": ("代缴保费{amount}元", "premiums {amount}"), "transfer": ("转移{amount}元", "transfers {amount}"),
    "adjustment": ("冲正与调整{amount}元", "reversals and adjustments {amount}"),
    "comma": ("，", ", "),
    "nothing_moved": ("没有收支", "nothing moved"),
    "readings": ("账面余额{ledger}元（{ledger_day}），可用余额{available}元（{available_day}），差{difference}元",
                 "ledger balance {ledger} yuan ({ledger_day}), available {available} yuan ({available_day}), "
                 "a difference of {difference} yuan"),
    "two_days": ("，两个日期不同", "; the dates differ"),
    "same": ("，两个数一样", "; they agree"),
    "again": ("账没有少；请同一天重新看两个数，若仍有差额，请拨区号+12393问“冻结/在途明细”",
              "nothing is lost; look at both on one day, and if they still differ ask area code + 12393 about frozen "
              "or pending sums"),
    "outside": ("划入的钱里有{amount}元属于所给缴费记录以外的月份",
                "{amount} yuan of the credits are for months outside the contribution record"),
    "no_account_data": ("没有个人账户明细，也没有余额，余额对不对无从核对",
                        "there is neither an export of the account nor a balance, so the balance cannot be checked"),
    "hr": ("消费明细已在读入时丢弃，余额不能由此核对",
           "spending was dropped at reading, so the balance cannot be checked"),
}
_MOVES = {
    "credit": "credit_fen", "interest": "interest_fen", "spend": "spend_fen", "mutual_aid": "mutual_aid_fen",
    "premium": "premium_fen", "transfer": "transfer_fen", "adjustment": "adjustment_fen",
}
_USED = ("spend", "mutual_aid", "premium")  # said without a sign
# Parts that say nothing beyond their column of the balance.
_PLAIN = ("spend", "mutual_aid", "interest", "subsidy", "reversal", "adjustment", "payout", "carry_over", "premium")


@dataclass(frozen=True)
class _Say:
    """The texts of this module in one language."""

    lang: str

    def __call__(self, key: str, **fields: object) -> str:
        return _TEXTS[key][self.lang == "en"].format(**fields)


@dataclass(frozen=True)
class Story:
    """The third answer: sentences, what to ask whom, and whether the account was seen at all."""

    lines: list[str] = field(default_factory=list)
    asks: list[str] = field(default_factory=list)
    places: list[str] = field(default_factory=list)  # row_ids behind the sentences
    adds_up: bool | None = None  # None: cannot be told
    unsettled: list[tuple[str, str]] = field(default_factory=list)  # what is not settled, and what to do about it


def story(view: RunView, person_id: str) -> Story:
    """The answer for one person, from the tables balance, gap (basis balance) and reading."""
    say = _Say(view.lang)
    whole = view.table("balance").filter((pl.col("person_id") == person_id) & pl.col("sub_account").is_null())
    reading = view.table("reading").filter(pl.col("person_id") == person_id)
    pair = _two_balances(say, reading)
    if view.edition == "hr":
        return Story([*([pair] if pair else []), say("hr")])
    lines: list[str] = []
    adds_up: bool | None = None
    regions = whole["region"].n_unique()
    for (region, _), rows in whole.sort("region", "scheme", "month").group_by("region", "scheme", maintain_order=True):
        name = view.region_names.get(str(region or ""), str(region or ""))
        text, fits = _account(say, rows, say("place", region=name) if regions > 1 else "", _hidden(view, rows))
        lines.append(text)
        adds_up = fits if adds_up is None or fits is None else adds_up and fits
    told, asks, places, unsettled = _parts(view, person_id)
    outside = view.table("bridge").filter(
        (pl.col("person_id") == person_id) & (pl.col("part") == "credit_outside"))["amount_fen"].sum()
    if outside and lines:
        lines.append(say("outside", amount=yuan(int(outside))))
    if pair:
        lines.append(pair)
    lines += told
    if pair and not told and not _same(reading):
        asks.append(say("again"))
    if not lines:
        lines = [say("no_account_data")]
    return Story(lines, asks, places, adds_up, unsettled)


def _hidden(view: RunView, rows: pl.DataFrame) -> int:
    """What an export of income only leaves out of an account's use."""
    account = rows.select("person_id", "region", "scheme").unique()
    parts = view.table("gap").filter((pl.col("basis") == "balance") & (pl.col("cause") == "use_hidden"))
    mine = parts.join(account, on=["person_id", "region", "scheme"], how="semi", nulls_equal=True)
    return int(mine["amount_fen"].sum())


def _account(say: _Say, rows: pl.DataFrame, place: str, hidden: int) -> tuple[str, bool | None]:
    """One account in a sentence, and whether it adds up (None without balances)."""
    sums = {key: int(rows[column].sum() or 0) for key, column in _MOVES.items()}
    moves = [say(key, amount=yuan(abs(fen) if key in _USED and fen < 0 else fen)) for key, fen in sums.items() if fen]
    joined = say("comma").join(moves) if moves else say("nothing_moved")
    first, last = (str(day)[:7] for day in (rows["month"].min(), rows["month"].max()))
    span = {"first": first, "last": last, "moves": joined, "place": place}
    opening, closing = rows["opening_fen"][0], rows["closing_fen"][-1]
    if opening is None or closing is None:
        return say("no_balances", **span), None
    rest = int(rows["unexplained_fen"].sum() or 0)
    known = {"opening": yuan(opening), "closing": yuan(closing)}
    if hidden and rest == -hidden:
        return say("income_only", **span, **known, hidden=yuan(hidden)), True
    if rest or rows["breaks"].sum():
        return say("does_not", **span, **known, rest=yuan(rest)), False
    return say("adds_up", **span, **known), True


def _parts(view: RunView, person_id: str) -> tuple[list[str], list[str], list[str], list[tuple[str, str]]]:
    """What is worth saying of the parts of basis balance, what to do, the rows behind it, and what is unsettled."""
    words = Words(view.lang)
    rows = view.table("gap").filter((pl.col("person_id") == person_id) & (pl.col("basis") == "balance")).sort(
        "accrual_month", "label", "cause", nulls_last=True)
    lines: dict[str, None] = {}
    asks: dict[str, None] = {}
    places: list[str] = []
    unsettled: list[tuple[str, str]] = []
    for row in rows.iter_rows(named=True):
        plain = row["status"] == "explained" and row["cause"] is None and row["label"] in _PLAIN
        if plain or row["cause"] == "use_hidden":
            continue
        text, named = split_evidence(row["evidence"])
        if view.lang == "en":
            text = row["evidence_en"] or words.cause(row["label"], row["cause"])
        text = named_regions(view, text)
        lines[text] = None
        if row["status"] == "explained":
            continue
        places += named
        if row["owner"] != "nobody":
            ask = row["action"] if view.lang == "zh" else words.action(
                row["label"], row["cause"], month=f"{row['accrual_month']:%Y-%m}",
                amount=yuan(abs(row["amount_fen"] or 0)), arrived="", due="", region="")
            ask = str(ask).rstrip("。.")
            asks[ask] = None
            unsettled.append((text, ask))
    return list(lines), list(asks), places, unsettled


def named_regions(view: RunView, text: str) -> str:
    """``text`` with the codes of regions replaced by their names."""
    codes = "|".join(re.escape(code) for code in sorted(view.region_names, key=len, reverse=True))
    if not codes:
        return text
    # The same digits may stand in an amount (110000.50元) or begin an ID.
    return re.sub(rf"(?<![0-9])(?:{codes})(?![0-9]|\.[0-9])", lambda found: view.region_names[found.group()], text)


def _same(reading: pl.DataFrame) -> bool:
    pair = _pair(reading)
    return pair is not None and pair[0]["amount_fen"] == pair[1]["amount_fen"]


def _pair(reading: pl.DataFrame) -> tuple[dict[str, Any], dict[str, Any]] | None:
    ledger, usable = (
        reading.filter(pl.col("kind") == kind).sort("read_on").tail(1) for kind in ("ledger", "available"))
    return (ledger.row(0, named=True), usable.row(0, named=True)) if ledger.height and usable.height else None


def _two_balances(say: _Say, reading: pl.DataFrame) -> str:
    """Ledger against available balance, where both were read."""
    pair = _pair(reading)
    if pair is None:
        return ""
    book, usable = pair
    difference = book["amount_fen"] - usable["amount_fen"]
    text = say("readings", ledger=yuan(book["amount_fen"]), ledger_day=book["read_on"],
               available=yuan(usable["amount_fen"]), available_day=usable["read_on"], difference=yuan(difference))
    if not difference:
        return text + say("same")
    return text + (say("two_days") if book["read_on"] != usable["read_on"] else "")


def shown_places(view: RunView, places: Sequence[str]) -> list[str]:
    """row_ids as they may be shown outside the workbook: files by number where their names tell who they are about."""
    files = _shown_files(view)
    found = []
    for place in dict.fromkeys(places):
        file = file_of(place, files)
        found.append(f"{files.get(file, mask_numbers(file))}{mask_numbers(place.removeprefix(file))}")
    return found


def _shown_files(view: RunView) -> Mapping[str, str]:
    person = view.table("person")
    names = {*person["person_name"].drop_nulls(), *view.table("contribution")["person_name"].drop_nulls()}
    ids = {*person["person_id"].drop_nulls(), *view.table("month")["person_id"].drop_nulls()}
    return mask_files(view.table("source")["file"].drop_nulls().to_list(), ids=ids, names=names)
