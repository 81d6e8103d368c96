"""Which lines of a bank statement or wallet bill concern the medical insurance, and as what.

A statement shows a whole life or a whole firm. Only two kinds of lines matter here: those of a person's medical
account that runs through the bank or is shown by a wallet (table flow), and premiums an organisation pays to the
collector (table payment). Everything else is other business: counted, never kept (docs/adr/0010).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

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
