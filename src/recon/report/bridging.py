"""From paid to balance as bars: the parts of the table ``bridge`` added up over any accounts, named and in order."""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from recon.labels import LABEL

# Parts that are no label of their own: Chinese and English. Their order here and in LABEL is not the order of bars.
_NAMES: dict[str, tuple[str, str]] = {
    "contributed": ("缴费合计（单位＋个人）", "paid in (employer and person)"),
    "pooled_share": ("进公共基金（依规定）", "to the common fund (by rule)"),
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
_SUBTOTALS = ("credited", "change", "opening", "closing")


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
    for part, fen in paid.items():
        if part != "contributed" and fen:
            step(part, fen)
    stand("credited", total.get("credited", 0))
    if "change" not in total:
        return found
    changed = bridge.filter(pl.col("part") == "change").height
    known = bridge.filter(pl.col("part") == "closing").height == changed
    if known and total.get("opening"):
        step("opening", total["opening"])
    for part, fen in by_side["account"].items():
        if fen:
            step(part, fen)
    stand("closing" if known else "change", total["closing"] if known else total["change"])
    return found


def is_subtotal(part: str) -> bool:
    """Whether a part adds others up, and is none itself."""
    return part in _SUBTOTALS
