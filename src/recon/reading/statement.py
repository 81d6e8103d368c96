"""Which lines of a bank statement or wallet bill concern the medical insurance, and as what.

A statement shows a whole life or a whole firm. Only two kinds of lines matter here: those of a person's medical
account that runs through the bank or is shown by a wallet (table flow), and premiums an organisation pays to the
collector (table payment). Everything else is other business: counted, never kept (docs/adr/0010).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from recon.problems import Problem
from recon.reading import values
from recon.reading.lines import GridRows, Reading, Sorted, accepted_rows, word
from recon.reading.values import fold

FLOW, PAYMENT, OTHER = "flow", "payment", "other"

# Kinds that a line of the medical account may have in a bank's books, and the way each moves money.
_IN = ("credit", "interest", "reversal", "subsidy", "transfer_in")
_OUT = ("spend", "mutual_aid", "reversal", "transfer_out", "payout")


def holder_of(name: str | None, stated: str, words: Mapping[str, Sequence[str]]) -> str:
    """Person or organisation: what the name of the holder says, else what the format states; "" where neither does."""
    if not name:
        return stated
    folded = fold(name)
    if any(word in folded for word in words["organisation"]):
        return "organisation"
    return stated or ("person" if len(folded) <= 4 else "")


def pick(text: str, amount: int | None, method: str, holder: str, words: Mapping[str, Sequence[str]]) -> str:
    """What one line is: ``text`` is all it says of itself, folded; ``method`` how a wallet paid it.

    A person's premium is no account line, and a firm has no medical account; an unknown holder may be either.
    """
    if holder != "organisation" and _has(text, words["medical"]) and not _has(text, words["medical_not"]):
        # A wallet's own money moved unless nothing did, or the account itself paid.
        if not words["method"] or not amount or _has(method, words["method"]):
            return FLOW
        return OTHER
    if holder != "person" and amount and _has(text, words["premium"]) and not _has(text, words["premium_not"]):
        return PAYMENT
    return OTHER


def kind_of(known: str | None, amount: int, wallet: bool) -> str:
    """The kind of a picked account line: its word where that agrees with the way the money went, else the way alone."""
    if wallet:
        return "reversal" if amount > 0 else "spend"
    if known in (_IN if amount > 0 else _OUT):
        return "credit" if known == "transfer_in" else str(known)
    return "credit" if amount > 0 else "spend"


def _has(text: str, words: Sequence[str]) -> bool:
    return any(word in text for word in words)


def picked_rows(reading: Reading, rows: Sorted, facts: dict[str, str]) -> GridRows:
    """The lines of a statement that concern the medical insurance; all others are counted as other business."""
    known, words, read = reading.format, reading.format.pick, reading.read
    blank = [""] * len(reading.at)
    wallet = known.defaults.get("ledger") == "wallet"
    told = [reading.cells.get(name, blank) for name in ("kind_text", "memo", "counterparty")]
    method = reading.cells.get("method", blank)
    amounts = reading.column("amount_fen")
    names = reading.column("person_name")
    holders = {name: holder_of(name, known.holder, words) for name in set(names)}
    picks: dict[str, list[int]] = {FLOW: [], PAYMENT: []}
    others: set[int] = set()
    for position, cells in enumerate(zip(*told, strict=True)):
        if position in reading.reject or position in reading.drop:
            continue
        text = fold("".join([*cells, method[position]] if words["method"] else cells))
        as_what = pick(text, amounts[position], fold(method[position]),
                                 holders[names[position]], words)
        if as_what == FLOW:
            as_what = _usable_line(reading, position)
        if as_what == OTHER:
            others.add(position)
        elif as_what:
            picks[as_what].append(position)
    nobody = [at for at in picks[FLOW]
              if not any(reading.column(name)[at] for name in ("person_id", "_number", "_psn", "_name"))]
    if nobody and wallet:
        others.update(nobody)
        reading.problems.append(Problem("wallet-without-name", value=str(len(nobody))))
    elif nobody:
        reading.reject.update(nobody)
        reading.problems.append(Problem("holder-unknown", place=reading.grid.places[reading.at[nobody[0]]],
                                        value=str(len(nobody))))
    lines = [at for at in picks[FLOW] if at not in set(nobody)]
    payments = picks[PAYMENT]
    _say_of_lines(reading, set(lines) | set(payments) | set(nobody))
    whole = not others and not payments and not reading.chain.breaks
    exact = known.words.get("flow_kind", {})
    spoken = list(zip(*(told[:2]), strict=True))
    read["flow_kind"] = [
        kind_of(next((value.rstrip("+-") for text in texts if (value := exact.get(fold(text), ""))), None),
                          amounts[at] or 0, wallet)
        for at, texts in enumerate(spoken)
    ]
    read["memo"] = [" ".join(dict.fromkeys(filter(None, map(values.clean, each)))) or None
                    for each in zip(*told, strict=True)]
    if not whole:
        read["balance_fen"] = [None] * len(reading.at)  # the bank's balance, not the account's
    flow = accepted_rows(reading, "flow", lines)
    read["paid_on"] = read["posted_on"]
    read["payer"] = [
        own or (name if holders[name] == "organisation" else None)
        for own, name in zip(reading.column("payer"), names, strict=True)
    ]
    read["amount_fen"] = [None if amount is None else -amount for amount in amounts]
    days = read["posted_on"]
    span = [days[at] for at in lines]
    result = GridRows(
        "flow", known.id, flow, len(rows.data) + rows.skipped - len(payments),
        rows.skipped + len(reading.drop - reading.reject) + len(others - reading.reject), len(reading.reject),
        reading.problems, facts, min(span, default=None), max(span, default=None), reading.grid.name,
        others=len(others), covers="nothing" if wallet or not lines else "lines",
    )
    if payments:
        paid = [days[at] for at in payments]
        result.also = [GridRows("payment", known.id, accepted_rows(reading, "payment", payments), len(payments),
                                facts=facts, first=min(paid), last=max(paid), sheet=reading.grid.name)]
    return result


def _usable_line(reading: Reading, position: int) -> str:
    """Whether a picked account line may be used: its state, direction and sign are known; "" where it is rejected."""
    known = reading.format
    if "state" in reading.cells:
        text = reading.cells["state"][position]
        state = word(text, known, "state")
        if state == "void":
            return OTHER
        if state is None and not values.is_empty(text):
            reading.refuse("unknown-code", position, "state", text)
            return ""
    amount = reading.column("amount_fen")[position]
    if position in reading.neutral and amount:
        reading.refuse("unknown-code", position, "direction", reading.cells["direction"][position])
        return ""
    if position in reading.unproved:
        reading.refuse("sign-unproved", position, "amount_fen", reading.cells["amount_fen"][position])
        return ""
    return FLOW


def _say_of_lines(reading: Reading, kept: set[int]) -> None:
    """Keep the warnings about spelling only for the lines that are used: the others are nobody's business."""
    places = {reading.grid.places[reading.at[position]] for position in kept}
    reading.problems = [problem for problem in reading.problems
                        if problem.code != "unknown-word" or problem.place in places]
