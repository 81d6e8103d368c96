"""Which lines of a bank statement or wallet bill concern the medical insurance, and as what.

A statement shows a whole life or a whole firm. Only two kinds of lines matter here: those of a person's medical
account that runs through the bank or is shown by a wallet (table flow), and premiums an organisation pays to the
collector (table payment). Everything else is other business: counted, never kept (docs/adr/0010).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import polars as pl

from recon.problems import Problem
from recon.reading import columns, values
from recon.reading.lines import GridRows, Reading, Sorted, accepted_rows, word
from recon.reading.named_months import with_named_months
from recon.reading.values import fold

FLOW, PAYMENT, OTHER = "flow", "payment", "other"
_TOLD = ("kind_text", "memo", "counterparty")  # what a line says of itself

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


def _kind_told(
    texts: Sequence[str], amount: int, exact: Mapping[str, str], parts: Sequence[tuple[str, str]]
) -> str | None:
    """The kind that a line's words name; of parts of words only what was taken or given back, as the money went."""
    whole = next((value for text in texts if (value := exact.get(text, ""))), None)
    way = "reversal+" if amount > 0 else "reversal-"
    return whole or next((value for part, value in parts if value == way and any(part in text for text in texts)), None)


def _has(text: str, words: Sequence[str]) -> bool:
    return any(word in text for word in words)


def picked_rows(reading: Reading, rows: Sorted, facts: dict[str, str]) -> GridRows:
    """The lines of a statement that concern the medical insurance; all others are counted as other business."""
    known, words = reading.format, reading.format.pick
    wallet = known.defaults.get("ledger") == "wallet"
    told = [reading.texts(name) for name in _TOLD]
    amounts, names, days = (reading.column(name) for name in ("amount_fen", "person_name", "posted_on"))
    holders: dict[str | None, str] = {name: holder_of(name, known.holder, words) for name in columns.distinct(names)}
    picks = _picks(reading, holders)
    others = set(picks[OTHER])
    usable = {at: _usable_line(reading, at) for at in picks[FLOW]}
    others.update(at for at, as_what in usable.items() if as_what == OTHER)
    found = [at for at, as_what in usable.items() if as_what == FLOW]
    clues = [reading.column(name) for name in ("person_id", "_number", "_psn", "_name")]
    nobody = {at for at in found if not any(clue[at] for clue in clues)}
    if nobody and wallet:
        others.update(nobody)
        reading.problems.append(Problem("wallet-without-name", value=str(len(nobody))))
    elif nobody:
        reading.reject.update(nobody)
        reading.problems.append(Problem("holder-unknown", place=reading.grid.places[reading.at[min(nobody)]],
                                        value=str(len(nobody))))
    lines, payments = [at for at in found if at not in nobody], picks[PAYMENT]
    _say_of_lines(reading, nobody.union(lines, payments))
    whole = not others and not payments and not reading.chain.breaks
    exact = known.words.get("flow_kind", {})
    parts = [part for part in known.contains.get("flow_kind", ()) if part[1].startswith("reversal")]
    own_words = (_kind_told([fold(text[at]) for text in told[:2]], amounts[at] or 0, exact, parts) for at in lines)
    made: dict[str, Sequence[Any]] = {
        "flow_kind": [kind_of(word and word.rstrip("+-"), amounts[at] or 0, wallet)
                      for at, word in zip(lines, own_words, strict=True)],
        "memo": _memos(told, lines),
    }
    if not whole:
        made["balance_fen"] = [None] * len(lines)  # the bank's balance, not the account's
    flow = with_named_months(accepted_rows(reading, "flow", lines, made))
    span = [days[at] for at in lines]
    result = GridRows(
        "flow", known.id, flow, len(rows.data) + rows.skipped - len(payments),
        rows.skipped + len(reading.drop - reading.reject) + len(others - reading.reject), len(reading.reject),
        reading.problems, facts, min(span, default=None), max(span, default=None), reading.grid.name,
        others=len(others), covers="nothing" if wallet or not lines else "lines",
    )
    if payments:
        paid = [days[at] for at in payments]
        payers = reading.column("payer")
        made = {
            "paid_on": paid, "memo": _memos(told, payments),
            "payer": [payers[at] or (names[at] if holders[names[at]] == "organisation" else None) for at in payments],
            "amount_fen": [None if amounts[at] is None else -amounts[at] for at in payments],
        }
        result.also = [GridRows("payment", known.id, accepted_rows(reading, "payment", payments, made), len(payments),
                                facts=facts, first=min(paid), last=max(paid), sheet=reading.grid.name)]
    return result


def _memos(told: Sequence[Sequence[str]], lines: list[int]) -> list[str | None]:
    """All that each line says of itself, as one text."""
    return [" ".join(dict.fromkeys(filter(None, (values.clean(text[at]) for text in told)))) or None for at in lines]


def _picks(reading: Reading, holders: Mapping[str | None, str]) -> dict[str, list[int]]:
    """What each line is, each in ascending order; lines that differ in nothing that decides are asked once."""
    words = reading.format.pick
    names = [*_TOLD, "method"] if words["method"] else list(_TOLD)
    left_out = reading.reject | reading.drop
    found: dict[str, list[int]] = {FLOW: [], PAYMENT: [], OTHER: []}

    def ask(name: str | None, moves: bool, *cells: str) -> str:
        return pick(fold("".join(cells)), int(moves), fold(cells[-1]) if words["method"] else "", holders[name], words)

    if reading.wide:
        frame = pl.DataFrame([
            reading.series("person_name", pl.String()).alias("name"),
            (reading.series("amount_fen", pl.Int64()).fill_null(0) != 0).alias("moves"),
            *(columns.series(reading.texts(name), pl.String()).alias(name) for name in names),
        ])
        once = frame.unique(maintain_order=True)
        told = once.with_columns(pl.Series("what", [ask(*row) for row in once.iter_rows()], dtype=pl.String))
        what = frame.join(told, on=frame.columns, how="left", maintain_order="left", nulls_equal=True)["what"]
        kept = ~pl.int_range(len(what), eager=True).is_in(sorted(left_out))
        return {one: ((what == one) & kept).arg_true().to_list() for one in found}
    known: dict[tuple[Any, ...], str] = {}
    people, amounts = reading.column("person_name"), reading.column("amount_fen")
    for position, cells in enumerate(zip(*(reading.texts(name) for name in names), strict=True)):
        if position in left_out:
            continue
        key = (people[position], bool(amounts[position]), *cells)
        if key not in known:
            known[key] = ask(*key)
        found[known[key]].append(position)
    return found


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
