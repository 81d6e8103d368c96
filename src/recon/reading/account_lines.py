"""Account lines: which way the money went, and what kind of line it is."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import pairwise

import polars as pl

from recon.reading import checks, columns
from recon.reading.cells import read_words
from recon.reading.columns import Column
from recon.reading.format import STATEMENT, Format
from recon.reading.lines import SIGNS, Reading, word
from recon.reading.values import fold

_TURNS_TO_REVERSAL = ("credit", "spend", "premium", "mutual_aid")


def finish_flow(reading: Reading) -> None:
    """Sign and kind of each account line; of a statement only the sign: most of its lines are other business."""
    if reading.format.native:
        read_words(reading, "flow_kind") if "flow_kind" in reading.cells else None
        return
    _sign_amounts(reading)
    if reading.format.table == STATEMENT:
        return
    (_read_kinds_by_column if reading.wide else _read_kinds)(reading)
    if "kind_text" in reading.read:
        reading.read["memo"] = _joined(reading)


def _read_kinds(reading: Reading) -> None:
    """The kind of each line by its type and memo, and the sign where the type alone tells it."""
    texts = list(zip(reading.texts("kind_text"), reading.texts("memo"), strict=True))
    meaning = {pair: _flow_kind(pair, reading.format) for pair in set(texts)}
    amounts = list(reading.column("amount_fen"))
    by_kind = reading.format.amount == "by_kind"
    out = [amount for pair, amount in zip(texts, amounts, strict=True) if amount and meaning[pair][1] < 0]
    # A file that prints minus signs throughout has said it; one that prints them here and there means reversals.
    turn = by_kind and not (out and all(amount < 0 for amount in out))
    back = _taken_back(reading, ((meaning[pair], amount) for pair, amount in zip(texts, amounts, strict=True)))
    kinds: list[str] = []
    _say_unknown(reading, ((position, *pair) for position, pair in enumerate(texts) if not meaning[pair][2]))
    for position, pair in enumerate(texts):
        kind, sign, _ = meaning[pair]
        amount = amounts[position]
        if amount and ((turn and sign < 0) or (back and kind == "reversal" and amount * sign < 0)):
            amounts[position] = -amount
        if kind in _TURNS_TO_REVERSAL and (amounts[position] or 0) * SIGNS[kind] < 0:
            kind = "reversal"
        kinds.append(kind)
    reading.read |= {"amount_fen": amounts, "flow_kind": kinds}


def _read_kinds_by_column(reading: Reading) -> None:
    """The same for columns."""
    frame = pl.DataFrame({
        **{name: columns.series(reading.texts(name), pl.String()) for name in ("kind_text", "memo")},
        "amount": reading.series("amount_fen", pl.Int64()),
    })
    pairs = frame.select("kind_text", "memo").unique(maintain_order=True)
    meaning = [_flow_kind(pair, reading.format) for pair in pairs.iter_rows()]
    told = pl.DataFrame(meaning, schema={"kind": pl.String, "sign": pl.Int64, "known": pl.Boolean}, orient="row")
    frame = frame.join(pl.concat([pairs, told], how="horizontal"), on=("kind_text", "memo"), how="left",
                       maintain_order="left")
    by_kind = reading.format.amount == "by_kind"
    out = frame.filter((pl.col("sign") < 0) & (pl.col("amount") != 0))["amount"]
    amount = pl.col("amount")
    if by_kind and not (len(out) and bool((out < 0).all())):
        amount = pl.when(pl.col("sign") < 0).then(-amount).otherwise(amount)
    told_back = frame.filter(pl.col("kind") == "reversal").select("kind", "sign", "known", "amount").iter_rows()
    if _taken_back(reading, (((kind, sign, known), fen) for kind, sign, known, fen in told_back)):
        against = (pl.col("kind") == "reversal") & (amount * pl.col("sign") < 0)
        amount = pl.when(against).then(-amount).otherwise(amount)
    unknown = frame.select(pl.int_range(pl.len()).alias("at"), "kind_text", "memo", "known").filter(~pl.col("known"))
    _say_unknown(reading, unknown.drop("known").iter_rows())
    frame = frame.select(amount.alias("amount_fen"), "kind")
    signs = pl.col("kind").replace_strict({kind: SIGNS[kind] for kind in _TURNS_TO_REVERSAL}, default=0)
    turned = (pl.col("amount_fen") * signs < 0).fill_null(value=False)
    kinds = frame.select(pl.when(turned).then(pl.lit("reversal")).otherwise("kind")).to_series()
    reading.read |= {"amount_fen": Column(frame["amount_fen"]), "flow_kind": Column(kinds)}


def _taken_back(reading: Reading, lines: Iterable[tuple[tuple[str, int, bool], int | None]]) -> bool:
    """Whether reversals in a list of one direction (income alone, or spending alone) stand there without their sign.

    Such a list has one column of money, so that what was taken back of it (退收, 退费) differs from the rest only by
    its type; a file that prints one of them with a minus has said the sign itself. ``lines``: (kind, sign, known), fen.
    """
    if reading.format.amount != "in_out" or {"in_fen", "out_fen"} <= reading.cells.keys():
        return False
    told = [amount * sign for (kind, sign, _), amount in lines if kind == "reversal" and sign and amount]
    return bool(told) and all(way < 0 for way in told)


def _say_unknown(reading: Reading, rows: Iterable[tuple[int, str, str]]) -> None:
    """Lines whose kind no list knows: refused where it alone tells the sign, else each pair of words said once."""
    by_kind = reading.format.amount == "by_kind"
    said: set[tuple[str, str]] = set()
    for position, kind, memo in rows:
        column, value = ("kind_text", kind) if kind else ("memo", memo)
        if by_kind:
            reading.refuse("unknown-code", position, column, value)
        elif value and (kind, memo) not in said:
            said.add((kind, memo))
            reading.note("unknown-word", position, column, value)


def _joined(reading: Reading) -> Sequence[str | None]:
    """Type and memo as one text."""
    if reading.wide:
        kind, memo = (reading.series(name, pl.String()) for name in ("kind_text", "memo"))
        return Column(pl.select(
            pl.when(kind.is_null()).then(memo).when(memo.is_null() | (memo == kind)).then(kind)
            .otherwise(kind + " " + memo)).to_series())
    return [
        kind if memo is None or memo == kind else memo if kind is None else f"{kind} {memo}"
        for kind, memo in zip(reading.read["kind_text"], reading.column("memo"), strict=True)
    ]


def _flow_kind(texts: tuple[str, str], known: Format) -> tuple[str, int, bool]:
    """(kind, sign: 0 as printed, whether a list knows it): whole words of type and memo first, then parts of them."""
    exact = known.words.get("flow_kind", {})
    found = next((value for text in texts if text and (value := exact.get(fold(text)))), None) or next(
        (value for text in texts if text and (value := word(text, known, "flow_kind"))), None
    )
    if found is None:
        return "other", 0, False
    kind = found.rstrip("+-")
    return kind, {"+": 1, "-": -1}.get(found[-1], SIGNS[kind]), True


def _sign_amounts(reading: Reading) -> None:
    """Signed amounts by the rule of the format; ``proved`` takes the way the file itself shows."""
    rule = reading.format.amount
    if rule == "proved":
        signed = any(text.lstrip().startswith(("-", "+", "(", "−", "（"))
                     for text in columns.distinct(reading.cells.get("amount_fen", [])))
        rule = ("in_out" if reading.cells.keys() & {"in_fen", "out_fen"} else
                "direction" if "direction" in reading.cells else "signed" if signed else "by_balance")
    if rule == "in_out":
        _net_in_out(reading)
    elif rule == "direction":
        _turn_by_direction(reading)
    elif rule == "by_balance":
        _turn_by_balance(reading)


def _turn_by_direction(reading: Reading) -> None:
    """Amounts whose sign stands in a word beside them; a word that says neither leaves it open."""
    absolute = reading.format.checks.get("sign") == "absolute"
    if reading.wide:
        way, amount = reading.series("direction", pl.String()), reading.series("amount_fen", pl.Int64())
        amount = amount.abs() if absolute else amount
        neutral = (way.is_null() | (way == "none")) & amount.is_not_null()
        reading.neutral.update(neutral.fill_null(value=False).arg_true())
        reading.read["amount_fen"] = Column(pl.select(
            pl.when(way.eq_missing("out")).then(-amount).otherwise(amount)).to_series())
        return
    ways = reading.column("direction")
    amounts = list(reading.column("amount_fen"))
    for position, (way, amount) in enumerate(zip(ways, amounts, strict=True)):
        if amount is None:
            continue
        if absolute:  # 支出 -20.00: the sign repeats the word
            amount = abs(amount)
        if way in ("none", None):
            reading.neutral.add(position)
        amounts[position] = -amount if way == "out" else amount
    reading.read["amount_fen"] = amounts


def _turn_by_balance(reading: Reading) -> None:
    """Unsigned amounts, the balance alone telling which way each went; where it does not, the sign stays unproved.

    An amount that is not what the balance moved is a break like any other.
    """
    amounts, balances = reading.column("amount_fen"), reading.column("balance_fen")
    best: dict[int, int] = {}
    kept = [at for at in range(len(amounts)) if at not in reading.drop]
    for name, order in (("oldest_first", kept), ("newest_first", kept[::-1])):
        signed: dict[int, int] = {}
        breaks: list[tuple[int, int]] = []
        for before, at in pairwise(order):
            if None in (amounts[at], balances[at], balances[before]):
                continue
            moved = balances[at] - balances[before]
            if abs(moved) == abs(amounts[at]):
                signed[at] = moved
            else:
                breaks.append((at, moved - (abs(amounts[at]) if moved > 0 else -abs(amounts[at]))))
        if not reading.chain.order or len(signed) > len(best):
            best = signed
            reading.chain = checks.Chain(len(signed) + len(breaks), tuple(sorted(breaks)), name)
    reading.unproved = {at for at in kept if amounts[at] and at not in best}
    reading.read["amount_fen"] = [best.get(at, amount) for at, amount in enumerate(amounts)]


def _net_in_out(reading: Reading) -> None:
    """Amount from a pair of columns; a row that moves money both ways is refused."""
    if reading.wide:
        _net_by_column(reading)
        return
    came, went = reading.column("in_fen"), reading.column("out_fen")
    for position, (one, other) in enumerate(zip(came, went, strict=True)):
        if one and other:
            _refuse_both(reading, position)
    reading.read["amount_fen"] = [
        None if one is other is None else (one or 0) - (other or 0) for one, other in zip(came, went, strict=True)
    ]
    _unreadable_both(reading)


def _net_by_column(reading: Reading) -> None:
    """The same for columns."""
    came, went = reading.series("in_fen", pl.Int64()), reading.series("out_fen", pl.Int64())
    for position in ((came != 0) & (went != 0)).fill_null(value=False).arg_true():
        _refuse_both(reading, position)
    net = came.fill_null(0) - went.fill_null(0)
    moved = came.is_not_null() | went.is_not_null()
    reading.read["amount_fen"] = Column(pl.select(pl.when(moved).then(net)).to_series())
    _unreadable_both(reading)


def _refuse_both(reading: Reading, position: int) -> None:
    reading.refuse("unreadable-amount", position, "in_fen",
                   f"{reading.cells['in_fen'][position]} / {reading.cells['out_fen'][position]}")


def _unreadable_both(reading: Reading) -> None:
    reading.unreadable["amount_fen"] = {
        position for column in ("in_fen", "out_fen") for position in reading.unreadable.get(column, ())
    }
