"""Which account lines a running balance proves, and what of the ends of a file nothing proves.

Between two printed balances no line can be lost or changed unseen. Before the oldest and after the newest line of an
account nothing is printed: whether lines are missing there, and the amount of the oldest, only a total, a number of
lines, row numbers or the balance brought forward or carried down can tell, or another file that shows the same line
between two others, goes on from the same balance, or reads the same balance that day.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from itertools import groupby
from typing import Any

import polars as pl

from recon.reading.checks import Chain
from recon.tables import UNPROVED

WHOSE = ("person_id", "_number", "_psn", "_name", "account_no")  # any one of them tells an account from others
MOST_NAMED = 200  # places of a file that are named; the rest is counted
_LINE = ("amount", "balance", "day")
_WEIGHTS = (0x2545F4914F6CDD1D, 0x5851F42D4C957F2D, 0x14057B7EF767814F)  # odd and large: marks are well spread
_EPOCH = date(1970, 1, 1).toordinal()
ENDS = {"place": pl.String, "is_oldest": pl.Boolean, "day": pl.Date, "balance": pl.Int64, "line": pl.Int64,
         "open_amount": pl.Boolean, "open_beyond": pl.Boolean}
MARKS = {"line": pl.Int64, "backed": pl.Boolean, "followed": pl.Boolean}


@dataclass
class Proof:
    """What the running balance of one grid proves.

    rows: lines whose amount is proved. places: of lines inside a chain of which only the sum is proved. ends: two rows
    per account, its oldest and its newest line: place, is_oldest, day, balance (before the oldest, after the newest, in
    fen), line (mark of the line), the columns of :data:`WHOSE` and sub_account, open_amount and open_beyond (whether
    the amount of the line is proved by nothing, and whether lines may be missing beyond it). lines: marks of the lines
    that have a proved line before them (``backed``) or after them (``followed``). A mark is a number made of a line's
    day, amount and balance: nothing of other business is kept (docs/adr/0010). named: of a file whose ends are not held
    here the places that :func:`unproved` names, by kind, and how many more there are.
    """

    rows: int
    places: list[str]
    ends: pl.DataFrame
    lines: pl.DataFrame
    named: dict[str, tuple[list[str], int]] | None = None


@dataclass(frozen=True)
class Printed:
    """What a file prints besides its running balance.

    agreed: what its lines bear out (``Reading.agreed``); numbered: the line that has number 1, where all are numbered;
    pages: all pages of the file are known to be here.
    """

    agreed: frozenset[str] = frozenset()
    numbered: int | None = None
    pages: bool = False

    @property
    def summed(self) -> frozenset[str]:
        """The ways (in, out) all of whose lines are summed up, in one sum or page by page."""
        return frozenset(name.removeprefix("page_") for name in self.agreed) & {"in", "out"}

    @property
    def is_whole(self) -> bool:
        """Whether no line can be missing anywhere: sums both ways or numbers of lines, of all that was printed."""
        on_pages = {name.removeprefix("page_") for name in self.agreed} if self.pages else self.agreed
        return any(names <= on_pages for names in ({"in", "out"}, {"count"}, {"count_in", "count_out"}))


def prove(
    amounts: Sequence[int | None], balances: Sequence[int | None], days: Sequence[date | None], places: Sequence[str],
    whose: Mapping[str, Sequence[Any]], account: Mapping[str, Sequence[Any]], left_out: set[int], chain: Chain,
    printed: Printed, *, marked: bool,
) -> Proof:
    """What is proved and what is not of lines with amounts and balances in fen, whose chain of balances is known.

    whose: columns that tell whose a line is; account: those by which the chain tells accounts apart; marked: whether
    lines are marked, so that other files can prove ends. :func:`prove_by_column` does the same for large grids.
    """
    told_by = list(zip(*account.values(), strict=True)) if account else []
    by_account: dict[Any, list[int]] = {}
    for at in _in_order(days, left_out, chain.order):
        by_account.setdefault(told_by[at] if told_by else (), []).append(at)
    refuted = chain.refuted
    broken = {at for at, _ in chain.breaks}
    told: set[int] = set()  # of these a problem tells already
    proved: set[int] = set()
    linked: set[int] = set()
    for lines in by_account.values():
        run: list[int] = []
        for number, at in enumerate(lines):
            run.append(at)
            if balances[at] is None:
                continue
            is_head = len(run) == number + 1
            if not is_head and (refuted or at in broken or any(amounts[each] is None for each in run)):
                told.update(run)
            elif len(run) == 1 and (not is_head or ("opening" in printed.agreed and not refuted)):
                proved.add(at)
                linked.update(() if is_head else run)
            run = []
    doubtful = {at for lines in by_account.values() for at in lines} - told - proved
    for way, sign in (("in", 1), ("out", -1)):
        alone = [at for at in doubtful if (amounts[at] or 0) * sign > 0]
        if way in printed.summed and not told and len(alone) == 1:  # a sum proves the one amount nothing else does
            doubtful.remove(alone[0])
            proved.add(alone[0])
    whole, agreed = printed.is_whole, printed.agreed
    ends: list[tuple[Any, ...]] = []
    oldest = sorted(lines[0] for lines in by_account.values())
    newest = sorted(lines[-1] for lines in by_account.values())
    for at, side, stated in [*((at, True, "opening") for at in oldest), *((at, False, "closing") for at in newest)]:
        balance, amount = balances[at], amounts[at]
        before = None if balance is None or amount is None else balance - amount
        ends.append((
            places[at], side, days[at], before if side else balance, _mark(days[at], amount, balance),
            side and at in doubtful, at != printed.numbered and not whole and stated not in agreed,
            *(each[at] or None for each in whose.values())))
    marks = [
        (_mark(days[at], amounts[at], balances[at]), at in linked, after in linked)
        for lines in by_account.values() for at, after in zip(lines, [*lines[1:], -1], strict=True)
        if balances[at] is not None and (at in linked or after in linked)
    ] if marked and not refuted else []
    return Proof(
        len(proved), [places[at] for at in sorted(doubtful.difference(oldest))],
        pl.DataFrame(ends, orient="row", schema=ENDS | dict.fromkeys(whose, pl.String())),
        pl.DataFrame(marks, schema=MARKS, orient="row"))


def _in_order(days: Sequence[date | None], left_out: set[int], order: str) -> list[int]:
    """The lines that count, from the oldest to the newest (:func:`checks.in_chain_order`)."""
    kept = [at for at in range(len(days)) if at not in left_out]
    if order != "days_reversed":
        return kept if order == "oldest_first" else kept[::-1]
    known = [day for at in kept if (day := days[at]) is not None]
    stretches = [list(stretch) for _, stretch in groupby(kept, key=days.__getitem__)]
    mixed = [at for stretch in stretches for at in reversed(stretch)]
    return mixed if known == sorted(known) else mixed[::-1]


def prove_by_column(
    lines: pl.DataFrame, whose: pl.DataFrame, chain: Chain, printed: Printed, *, marked: bool,
    refuted: bool | None = None,
) -> Proof:
    """The same of at, amount, balance, day and account in the order of the chain (:func:`checks.in_chain_order`).

    whose: place of every line by its position, and then whose it is. refuted: what the chain of the whole file says,
    of which these are some accounts.
    """
    refuted = chain.refuted if refuted is None else refuted
    lines = lines.sort("account", maintain_order=True) if lines["account"].n_unique() > 1 else lines
    at, amount, balance, account = (lines[name] for name in ("at", "amount", "balance", "account"))
    has_balance = balance.is_not_null()
    starts = (account != account.shift(1)).fill_null(value=True)
    stops = starts.shift(-1).fill_null(value=True)
    # A run is what stands between two printed balances: one line, or several of which only the sum is known.
    run = ((has_balance.shift(1).fill_null(value=False) | starts).cum_sum() - 1).cast(pl.UInt32)
    ran = run.rle().struct.unnest()["len"].cast(pl.Int64)
    last = ran.cum_sum() - 1
    first = last - ran + 1
    nulls = amount.is_null().cast(pl.Int64).cum_sum()
    head, tail = starts.gather(first), ~has_balance.gather(last)
    unread = nulls.gather(last) - nulls.gather(first) + amount.gather(first).is_null().cast(pl.Int64) > 0
    broken = at.gather(last).is_in([place for place, _ in chain.breaks])
    inner = ~head & ~tail
    told = inner & (broken | unread | refuted)
    known = inner | (head & ~tail & ("opening" in printed.agreed and not refuted))
    proved, told, linked = (each.gather(run) for each in ((ran == 1) & known & ~told, told, inner & ~told & (ran == 1)))
    doubtful = ~told & ~proved
    for way, moved in (("in", amount > 0), ("out", amount < 0)):
        alone = doubtful & moved.fill_null(value=False)
        if way in printed.summed and not told.any() and alone.sum() == 1:
            doubtful, proved = doubtful & ~alone, proved | alone
    others = at != (-1 if printed.numbered is None else printed.numbered)
    lines = lines.select("at", *_LINE).with_columns(
        *whose[at].get_columns(), doubtful.alias("open_amount"), has_balance.alias("has_balance"),
        linked.alias("backed"), (linked.shift(-1).fill_null(value=False) & ~stops).alias("followed"),
        (others & (not printed.is_whole and "opening" not in printed.agreed)).alias("open_before"),
        (others & (not printed.is_whole and "closing" not in printed.agreed)).alias("open_after"))
    own = whose.columns[1:]
    mark = (pl.col("day").cast(pl.Int32).cast(pl.Int64) * _WEIGHTS[0] + pl.col("amount") * _WEIGHTS[1]
            + pl.col("balance") * _WEIGHTS[2]).alias("line")
    ends = [
        lines.filter(mask).sort("at").select(
            "place", pl.lit(value=side).alias("is_oldest"), "day", balance, mark,
            pl.col("open_amount") if side else pl.lit(value=False).alias("open_amount"),
            pl.col(beyond).alias("open_beyond"), *(pl.col(name).replace({"": None}) for name in own))
        for side, mask, balance, beyond in (
            (True, starts, (pl.col("balance") - pl.col("amount")).alias("balance"), "open_before"),
            (False, stops, pl.col("balance"), "open_after"))]
    return Proof(
        int(proved.sum()), whose["place"].gather(at.filter(doubtful & ~starts).sort()).to_list(), pl.concat(ends),
        lines.filter(pl.col("has_balance") & (pl.col("backed") | pl.col("followed"))).select(mark, "backed", "followed")
        if marked and not refuted else pl.DataFrame(schema=MARKS))


def _mark(day: date | None, amount: int | None, balance: int | None) -> int | None:
    """A number of 64 bits that two lines share only if they agree in all three; None where one is not known."""
    if day is None or amount is None or balance is None:
        return None
    since = day.toordinal() - _EPOCH
    mixed = since * _WEIGHTS[0] + amount * _WEIGHTS[1] + balance * _WEIGHTS[2]
    return (mixed + (1 << 63)) % (1 << 64) - (1 << 63)  # as polars wraps around


# ------------------------------------------------------------------------------------------------------ several files


def proved_by_others(proofs: Sequence[Proof], figures: pl.DataFrame | None = None) -> list[Proof]:
    """The same with the ends closed that another of them, or a figure read on some day, proves.

    figures: person_id, _number, _psn and _name as far as known, day, balance. A balance of zero joins nothing: an
    account that is emptied each month is at zero again and again.
    """
    if not proofs or (len(proofs) == 1 and figures is None):
        return list(proofs)
    schema = {**dict.fromkeys((*WHOSE, "sub_account"), pl.String())}
    frames = []
    for part, proof in enumerate(proofs):
        lacking = [pl.lit(None, dtype=kind).alias(name) for name, kind in schema.items()
                   if name not in proof.ends.columns]
        frames.append(proof.ends.with_columns(*lacking, pl.lit(part).alias("part")).select(
            *ENDS, *schema, "part").with_row_index("end"))
    ends = pl.concat(frames)
    needy = ends.filter(pl.col("open_amount") | pl.col("open_beyond"))
    if needy.is_empty():
        return list(proofs)
    shut = [_joined(needy, ends), _shown_inside(needy, ends, proofs)]
    if figures is not None and figures.height and not set(WHOSE).isdisjoint(figures.columns):
        shut.append(_read_elsewhere(needy, figures))
    found = pl.concat(shut).unique()
    if found.is_empty():
        return list(proofs)
    by_part = {key[0]: own["end"] for key, own in found.partition_by("part", as_dict=True).items()}
    settled = []
    for part, proof in enumerate(proofs):
        own = by_part.get(part)
        if own is None:
            settled.append(proof)
            continue
        settled.append(closed(proof, own))
    return settled


def closed(proof: Proof, which: pl.Series) -> Proof:
    """The same with some of its ends (by their place among them) closed."""
    mine = pl.int_range(pl.len()).is_in(which.implode())
    amounts = proof.ends.filter(mine & pl.col("open_amount")).height
    return replace(proof, rows=proof.rows + amounts, ends=proof.ends.with_columns(
        *((pl.col(name) & ~mine).alias(name) for name in ("open_amount", "open_beyond"))))


def _pairs(needy: pl.DataFrame, others: pl.DataFrame, on: Sequence[str]) -> pl.DataFrame:
    """Ends beside what the others have, where ``on`` and one of the columns that tell whose agree and none differs."""
    found = []
    for name in WHOSE:
        if name not in others.columns:
            continue
        found.append(needy.filter(pl.col(name).is_not_null()).join(
            others.with_columns(pl.col(name).alias("_same")).filter(pl.col(name).is_not_null()),
            left_on=[*on, name], right_on=[*on, "_same"], suffix="_other").with_columns(
                pl.lit(name).alias("by")))
    every = pl.concat(found, how="diagonal_relaxed")
    shared = [name for name in (*WHOSE, "sub_account") if f"{name}_other" in every.columns]
    differ = pl.any_horizontal([(pl.col(name) != pl.col(f"{name}_other")).fill_null(value=False) for name in shared])
    return every.filter(~differ)


def _joined(needy: pl.DataFrame, ends: pl.DataFrame) -> pl.DataFrame:
    """Ends (end, part) at which another file ends or begins with the same balance."""
    moving = ends.filter(pl.col("balance") != 0).select("is_oldest", "day", "balance", "part", *WHOSE, "sub_account")
    turned = moving.with_columns(~pl.col("is_oldest"))
    pairs = _pairs(needy.filter(pl.col("balance") != 0), turned, ["balance", "is_oldest"])
    in_time = pl.when("is_oldest").then(pl.col("day_other") <= pl.col("day")).otherwise(
        pl.col("day_other") >= pl.col("day"))
    return pairs.filter((pl.col("part") != pl.col("part_other")) & in_time).select("end", "part")


def _shown_inside(needy: pl.DataFrame, ends: pl.DataFrame, proofs: Sequence[Proof]) -> pl.DataFrame:
    """Ends (end, part) whose line another file of the account shows between two others."""
    accounts = ends.select(pl.col("part").alias("shown_in"), *WHOSE, "sub_account").unique()
    lines = pl.concat([proof.lines.with_columns(pl.lit(part).alias("shown_in")) for part, proof in enumerate(proofs)])
    shown = needy.join(lines, on="line").filter(
        (pl.col("part") != pl.col("shown_in")) & pl.when("is_oldest").then("backed").otherwise("followed"))
    return _pairs(shown, accounts, ["shown_in"]).select("end", "part")


def _read_elsewhere(needy: pl.DataFrame, figures: pl.DataFrame) -> pl.DataFrame:
    """Ends (end, part) whose balance somebody read off that day or beyond it."""
    pairs = _pairs(needy.filter(pl.col("balance") != 0), figures, ["balance"])
    in_time = pl.when("is_oldest").then(pl.col("day_other") <= pl.col("day")).otherwise(
        pl.col("day_other") >= pl.col("day"))
    return pairs.filter(in_time).select("end", "part")


# ---------------------------------------------------------------------------------------------------------- in words


def unproved(proofs: Iterable[Proof]) -> str | None:
    """What nothing proves, as table ``source`` says it: ``before R5; amount R5; after R40``; None: nothing is left."""
    told = [each.named or open_places(each) for each in proofs]
    found = {what: [place for each in told for place in each[what][0]] for what in UNPROVED}
    more = {what: sum(each[what][1] for each in told) for what in UNPROVED}
    return "; ".join(f"{what} {_some(found[what], more[what])}" for what in UNPROVED if found[what]) or None


def open_places(proof: Proof) -> dict[str, tuple[list[str], int]]:
    """What nothing proves, by kind: all places, and no more."""
    return {
        "before": (_open(proof, "open_beyond", oldest=True), 0),
        "amount": ([*_open(proof, "open_amount", oldest=True), *proof.places], 0),
        "after": (_open(proof, "open_beyond", oldest=False), 0),
    }


def _open(proof: Proof, column: str, *, oldest: bool) -> list[str]:
    return proof.ends.filter(pl.col(column) & (pl.col("is_oldest") == oldest))["place"].to_list()


def _some(places: Sequence[str], more: int) -> str:
    left = len(places) + more - len(places[:MOST_NAMED])
    return ", ".join(places[:MOST_NAMED]) + (f", +{left}" if left else "")
