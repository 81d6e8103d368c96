"""From paid to balance as bars: the parts of the table ``bridge`` added up over any accounts, named and in order."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl

from recon.labels import LABEL
from recon.tables import ACCOUNT_PARTS, PAID_PARTS

# Parts that are no label of their own: Chinese and English. Their order here and in LABEL is not the order of bars.
_NAMES: dict[str, tuple[str, str]] = {
    "contributed": ("缴费合计（单位＋个人）", "paid in (employer and person)"),
    "pooled_share": ("进公共基金（依规定）", "to the common fund (by rule)"),
    "for_account": ("应进个人账户的", "meant for the account"),
    "pending": ("还在等", "still to come"),
    "unexplained_credit": ("未解释的划入差", "unexplained on the paid side"),
    "credit_without_record": ("没有缴费记录的划入", "credited without a record of payment"),
    "credit_outside": ("所给缴费记录以外的划入", "credited for months outside the record"),
    "other_ledger": ("只在银行明细里的划入", "credited in the bank's ledger only"),
    "other": ("其他", "other"),
    "credited": ("＝ 划入个人账户", "= credited to the account"),
    "opening": ("期初余额", "opening balance"),
    "change": ("＝ 余额变动", "= change of the balance"),
    "closing": ("＝ 期末余额", "= closing balance"),
}
# What by rule never reaches an account: it dwarfs the rest of a drawing.
_BY_RULE = ("pooled_share", "flat_fee", "no_account")


@dataclass(frozen=True)
class Bar:
    """One bar of a waterfall: it runs from ``start`` to ``end`` (fen); a total stands on zero."""

    part: str
    fen: int
    start: int
    end: int
    is_total: bool


def part_name(part: str, lang: str) -> str:
    """What a part is called."""
    names = _NAMES.get(part) or ((LABEL[part].zh, LABEL[part].en) if part in LABEL else (part, part))
    return names[1] if lang == "en" else names[0]


def bars(bridge: pl.DataFrame) -> list[Bar]:
    """The bars from what was paid to what the balance is (or changed by), for the rows of ``bridge`` given.

    The closing balance ends them where it is known for every account with a change; else the change does.
    """
    sums = bridge.group_by("side", "part", maintain_order=True).agg(pl.col("amount_fen").sum())
    by_side = {side: dict(sums.filter(pl.col("side") == side).select("part", "amount_fen").iter_rows())
               for side in ("paid", "account", "total")}
    total = by_side["total"]
    found: list[Bar] = []
    level = 0

    def step(part: str, fen: int) -> None:
        nonlocal level
        found.append(Bar(part, fen, level, level + fen, is_total=False))
        level += fen

    def stand(part: str, fen: int) -> None:
        found.append(Bar(part, fen, 0, fen, is_total=True))

    paid = by_side["paid"]
    if paid.get("contributed"):
        stand("contributed", paid["contributed"])
        level = paid["contributed"]
    for part in PAID_PARTS[1:]:
        if paid.get(part):
            step(part, paid[part])
    stand("credited", total.get("credited", 0))
    if "change" not in total:
        return found
    changed = bridge.filter(pl.col("part") == "change").height
    known = bridge.filter(pl.col("part") == "closing").height == changed
    if known and total.get("opening"):
        step("opening", total["opening"])
    for part in ACCOUNT_PARTS:
        if by_side["account"].get(part):
            step(part, by_side["account"][part])
    stand("closing" if known else "change", total["closing"] if known else total["change"])
    return found


def close_up(found: Sequence[Bar]) -> list[Bar]:
    """The bars without what goes elsewhere by rule: they start with what was meant for the account."""
    if not found or found[0].part != "contributed":
        return list(found)
    skipped = [bar for bar in found if bar.part in _BY_RULE]
    meant = found[0].fen + sum(bar.fen for bar in skipped)
    return [Bar("for_account", meant, 0, meant, is_total=True),
            *(bar for bar in found[1:] if bar.part not in _BY_RULE)]
