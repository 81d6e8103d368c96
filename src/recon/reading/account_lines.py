"""Account lines: which way the money went, and what kind of line it is."""

from __future__ import annotations

from itertools import pairwise

from recon.reading import checks
from recon.reading.cells import read_words
from recon.reading.formats import STATEMENT, Format
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
    blank = [""] * len(reading.at)
    texts = list(zip(reading.cells.get("kind_text", blank), reading.cells.get("memo", blank), strict=True))
    meaning = {pair: _flow_kind(pair, reading.format) for pair in set(texts)}
    amounts = list(reading.column("amount_fen"))
    by_kind = reading.format.amount == "by_kind"
    out = [amount for pair, amount in zip(texts, amounts, strict=True) if amount and meaning[pair][1] < 0]
    # A file that prints minus signs throughout has said it; one that prints them here and there means reversals.
    turn = by_kind and not (out and all(amount < 0 for amount in out))
    kinds: list[str] = []
    said: set[tuple[str, str]] = set()
    for position, pair in enumerate(texts):
        kind, sign, known = meaning[pair]
        if turn and sign < 0 and amounts[position] is not None:
            amounts[position] = -amounts[position]
        if not known and (by_kind or (any(pair) and pair not in said)):
            said.add(pair)
            column = "kind_text" if pair[0] else "memo"
            if by_kind:
                reading.refuse("unknown-code", position, column, pair[0] or pair[1])
            else:
                reading.note("unknown-word", position, column, pair[0] or pair[1])
        if kind in _TURNS_TO_REVERSAL and (amounts[position] or 0) * SIGNS[kind] < 0:
            kind = "reversal"
        kinds.append(kind)
    reading.read |= {"amount_fen": amounts, "flow_kind": kinds}
    if "kind_text" in reading.read:
        reading.read["memo"] = [
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
        printed = [text for text in reading.cells.get("amount_fen", []) if text]
        signed = any(text.lstrip().startswith(("-", "+", "(", "−", "（")) for text in printed)
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
    ways = reading.column("direction")
    amounts = list(reading.column("amount_fen"))
    absolute = reading.format.checks.get("sign") == "absolute"
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
    came, went = reading.column("in_fen"), reading.column("out_fen")
    for position, (one, other) in enumerate(zip(came, went, strict=True)):
        if one and other:
            reading.refuse("unreadable-amount", position, "in_fen",
                           f"{reading.cells['in_fen'][position]} / {reading.cells['out_fen'][position]}")
    reading.read["amount_fen"] = [
        None if one is other is None else (one or 0) - (other or 0) for one, other in zip(came, went, strict=True)
    ]
    reading.unreadable["amount_fen"] = {
        position for column in ("in_fen", "out_fen") for position in reading.unreadable.get(column, ())
    }
