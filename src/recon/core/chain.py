"""An account's lines in the order in which their printed balances follow from each other, and where they do not.

A running balance proves more than its lines: between two lines whose balances do not follow, lines are missing whose
amounts add up to the jump. What looks like a jump but is only another order of the same lines (several a day, newest
first, two files, booked a day later) is put in order here, before anybody calls it a jump.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import pairwise

import polars as pl

KEY = ["person_id", "region", "scheme", "ledger", "chain"]
# Lines that take money for somebody's use: an export without any of them shows income only.
USE_KINDS = ("spend", "mutual_aid")
# So many days may lie between the day of a line and the place of its balance in the chain: a stay in hospital is
# dated by its days and booked when it is settled.
NEAR = timedelta(days=93)
# Of fewer printed balances nobody can say that they never chain; of more, half must follow from the one before.
FEWEST = 4
# Lines of two accounts in one export change over so often at least, and each has so many lines.
CHANGES_OVER, LINES_EACH = 3, 3
MOST_MIXED = 3

_PRINTED_ORDER = [*KEY, "posted_on", "_page", "_place", "row_id"]

Edge = tuple[int, int]  # balance before and after a line


def chained(flow: pl.DataFrame) -> pl.DataFrame:
    """The kept lines of ``flow`` in chain order, with what their balances say.

    Added: ledger (filled), chain (the sub-account whose balance is printed, ``*`` for the account's own, ``*1``, ``*2``
    for accounts mixed in one export), n (order), jump_fen (balance less what the line before leads to; 0 in a chain,
    null without a printed balance), after_fen (balance after the line, also of lines that print none; null where the
    chain prints none), last_row and last_day (of the line before a jump), fits (chains, never, mixed, income_only).
    """
    kept = counted(flow)
    page = pl.col("row_id").str.extract(r"#p(\d+):").cast(pl.Int64).fill_null(0)
    place = pl.col("row_id").str.extract(r"(\d+)$").cast(pl.Int64).fill_null(0)
    frame = kept.with_columns(
        pl.col("ledger").fill_null("app"), page.alias("_page"), place.alias("_place"),
        pl.col("sub_account").fill_null("*").alias("chain"),
    )
    several = ["person_id", "region", "scheme", "ledger"]
    # Where no line of a ledger prints a balance nothing can be said of its order: as printed, no jump is looked for.
    prints = pl.col("balance_fen").is_not_null().any().over(several)
    silent, frame = frame.filter(~prints), frame.filter(prints)
    if frame.is_empty():
        return _bare(silent).drop("_page", "_place")
    split = _ordered(frame)
    manifold = frame.group_by(several).agg(pl.col("chain").n_unique().alias("_n")).filter(pl.col("_n") > 1)
    if manifold.height:
        # Some exports print the whole account's balance on the lines of each sub-account.
        mine = frame.join(manifold, on=several, how="semi", nulls_equal=True)
        whole = _ordered(mine.with_columns(pl.lit("*").alias("chain")))
        breaks = [one.group_by(several).agg((pl.col("jump_fen") != 0).sum().alias("_b")) for one in (split, whole)]
        better = breaks[0].join(breaks[1], on=several, nulls_equal=True).filter(pl.col("_b_right") < pl.col("_b"))
        split = pl.concat([
            split.join(better, on=several, how="anti", nulls_equal=True),
            whole.join(better, on=several, how="semi", nulls_equal=True),
        ])
    judged = _judged(split)
    return _in_order(pl.concat([judged, _bare(silent)]) if silent.height else judged)


def counted(flow: pl.DataFrame) -> pl.DataFrame:
    """The lines that count: no repetitions, and none without a day or an amount."""
    return flow.filter(pl.col("duplicate_of").is_null() & pl.col("posted_on").is_not_null()
                       & pl.col("amount_fen").is_not_null())


def _bare(frame: pl.DataFrame) -> pl.DataFrame:
    """Ledgers without any printed balance, as :func:`_judged` gives them, in order."""
    return frame.sort(_PRINTED_ORDER, nulls_last=True).with_row_index("n").with_columns(
        pl.lit(None, dtype=pl.String).alias("last_row"), pl.lit(None, dtype=pl.Date).alias("last_day"),
        pl.lit(None, dtype=pl.Int64).alias("jump_fen"), pl.lit(None, dtype=pl.Int64).alias("after_fen"),
        pl.lit("chains").alias("fits"),
    )


def _in_order(frame: pl.DataFrame) -> pl.DataFrame:
    return frame.sort(*KEY, "n", nulls_last=True).drop("_page", "_place")


def _ordered(frame: pl.DataFrame) -> pl.DataFrame:
    """Lines by day, within a day as printed or reversed, whichever chains better; what still jumps line by line."""
    up = frame.sort(_PRINTED_ORDER, nulls_last=True)
    chosen = _with_jumps(up)
    if not (chosen["jump_fen"] != 0).any():
        return chosen
    down = frame.sort(_PRINTED_ORDER, descending=[False] * 6 + [True] * 3, nulls_last=True)
    both = [chosen, _with_jumps(down)]
    jumps = [one.group_by(KEY).agg((pl.col("jump_fen") != 0).sum().alias("_jumps")) for one in both]
    best = jumps[0].join(jumps[1], on=KEY, nulls_equal=True).with_columns(
        (pl.col("_jumps_right") < pl.col("_jumps")).alias("_down"),
        pl.min_horizontal("_jumps", "_jumps_right").alias("_least"),
    )
    chosen = pl.concat([
        both[0].join(best.filter(~pl.col("_down")), on=KEY, how="semi", nulls_equal=True),
        both[1].join(best.filter("_down"), on=KEY, how="semi", nulls_equal=True),
    ])
    broken = best.filter(pl.col("_least") > 0)
    if broken.is_empty():
        return chosen
    fine = chosen.join(broken, on=KEY, how="anti", nulls_equal=True)
    return pl.concat([fine, _mended(chosen.join(broken, on=KEY, how="semi", nulls_equal=True))])


def _with_jumps(frame: pl.DataFrame) -> pl.DataFrame:
    """``frame`` in its order, with jump_fen, after_fen, last_row and last_day."""
    counted = frame.drop("n", "jump_fen", "after_fen", "last_row", "last_day", strict=False).with_row_index("n")
    total = pl.col("amount_fen").cum_sum().over(KEY)
    off = pl.col("balance_fen") - pl.col("_total")
    printed = pl.col("balance_fen").is_not_null()
    return counted.with_columns(total.alias("_total")).with_columns(
        off.forward_fill().over(KEY).alias("_off"),
        pl.when(printed).then("row_id").forward_fill().shift(1).over(KEY).alias("last_row"),
        pl.when(printed).then("posted_on").forward_fill().shift(1).over(KEY).alias("last_day"),
    ).with_columns(
        pl.when(printed).then(pl.col("_off") - pl.col("_off").shift(1).over(KEY)).alias("jump_fen"),
        (pl.col("_off").backward_fill().over(KEY) + pl.col("_total")).alias("after_fen"),
    ).drop("_total", "_off")


def _mended(frame: pl.DataFrame) -> pl.DataFrame:
    """Chains with jumps, each put in the order that jumps least; lines of two accounts are told apart."""
    places: list[int] = []
    names: list[str] = []
    start = 0
    for _, group in frame.group_by(KEY, maintain_order=True):
        rows = _rows(group)
        order = _best_order(rows)
        parts = _mixed([rows[at] for at in order])
        chain = str(group["chain"][0])
        places += [start + at for at in order]
        names += [f"{chain}{part + 1}" if parts else chain for part in (parts or [0] * len(order))]
        start += len(rows)
    sorted_ = frame[places].with_columns(pl.Series("chain", names, dtype=pl.String))
    return _with_jumps(sorted_.with_row_index("_k").sort([*KEY, "_k"], nulls_last=True).drop("_k"))


@dataclass(frozen=True)
class _Row:
    """One line of a chain; ``edge`` is None where no balance is printed."""

    day: date
    edge: Edge | None


def _rows(group: pl.DataFrame) -> list[_Row]:
    return [
        _Row(day, None if balance is None else (balance - amount, balance))
        for day, amount, balance in group.select("posted_on", "amount_fen", "balance_fen").iter_rows()
    ]


def _best_order(rows: Sequence[_Row]) -> list[int]:
    """The places of ``rows`` (by day) in the order that jumps least: first within days, then across a few days."""
    days: dict[date, list[int]] = defaultdict(list)
    for at, row in enumerate(rows):
        days[row.day].append(at)
    groups = list(days.values())
    order: list[int] = []
    current: int | None = None
    for number, group in enumerate(groups):
        after = {edge[0] for at in (groups[number + 1] if number + 1 < len(groups) else []) if (edge := rows[at].edge)}
        order += _trail(rows, group, current, after)
        last = rows[order[-1]].edge
        current = last[1] if last else None
    return _across_days(rows, order)


def _across_days(rows: Sequence[_Row], order: list[int]) -> list[int]:
    """Neighbouring jumps that cancel out are one disorder: the lines between them are ordered without their days."""
    at = 0
    jumps = _jumps(rows, order)
    while at < len(jumps):
        total, place = jumps[at][1], jumps[at][0]
        for until in range(at + 1, len(jumps)):
            end = jumps[until][0]
            if rows[order[end]].day - rows[order[place]].day > NEAR:
                break
            total += jumps[until][1]
            if total:
                continue
            first = min(k for k in range(place + 1) if rows[order[k]].day >= rows[order[place]].day - NEAR)
            last = max(k for k in range(end, len(order)) if rows[order[k]].day <= rows[order[end]].day + NEAR)
            for low, high in ((place - 1, end), (place, end), (first, last)):
                low = max(low, 0)
                edge = rows[order[low - 1]].edge if low else None
                tried = [*order[:low], *_trail(rows, order[low:high + 1], edge[1] if edge else None, set()),
                         *order[high + 1:]]
                fewer = _jumps(rows, tried)
                if len(fewer) < len(jumps):
                    return _across_days(rows, tried)
            break
        at += 1
    return order


def _jumps(rows: Sequence[_Row], order: Sequence[int]) -> list[tuple[int, int]]:
    """(place in the order, jump) of every line that does not follow from the last printed balance before it."""
    found = []
    current: int | None = None
    for place, at in enumerate(order):
        edge = rows[at].edge
        if edge is None:
            current = None
            continue
        if current is not None and edge[0] != current:
            found.append((place, edge[0] - current))
        current = edge[1]
    return found


def _trail(rows: Sequence[_Row], group: Sequence[int], current: int | None, after: set[int]) -> list[int]:
    """``group`` in an order in which each line starts where the one before ends, as far as that can be.

    Each line is an edge between two balances; a chain is a trail over all edges (Hierholzer). Where one trail cannot
    hold them all there are several: the one that goes on from ``current`` first, one that leads on to ``after`` last.
    """
    if len(group) < 2 or any(rows[at].edge is None for at in group):
        return list(group)
    out: dict[int, list[int]] = defaultdict(list)
    surplus: dict[int, int] = defaultdict(int)
    for at in reversed(group):
        before, later = _edge(rows, at)
        out[before].append(at)
        surplus[before] += 1
        surplus[later] -= 1
    starts = [node for at in group for node in [_edge(rows, at)[0]] if surplus[node] > 0]
    if current in out and current not in starts:
        starts.insert(0, current)
    trails = [trail for node in _first(current, starts) for trail in [_walk(rows, out, node)] if trail]
    for at in group:  # circles that nothing leads to
        if any(at in edges for edges in out.values()):
            trails.append(_walk(rows, out, _edge(rows, at)[0]))
    head = [trail for trail in trails if _edge(rows, trail[0])[0] == current][:1]
    rest = [trail for trail in trails if trail not in head]
    tail = [trail for trail in rest if _edge(rows, trail[-1])[1] in after][:1]
    middle = [trail for trail in rest if trail not in tail]
    return [at for trail in [*head, *middle, *tail] for at in trail]


def _edge(rows: Sequence[_Row], at: int) -> Edge:
    edge = rows[at].edge
    assert edge is not None  # asked only of lines that print a balance
    return edge


def _first(current: int | None, nodes: Iterable[int]) -> list[int]:
    found = list(dict.fromkeys(nodes))
    return sorted(found, key=lambda node: node != current)


def _walk(rows: Sequence[_Row], out: dict[int, list[int]], start: int) -> list[int]:
    """A trail from ``start`` over as many unused edges as can be reached; the edges are taken out of ``out``."""
    stack: list[tuple[int, int | None]] = [(start, None)]
    path: list[int] = []
    while stack:
        node, edge = stack[-1]
        if out.get(node):
            taken = out[node].pop()
            stack.append((_edge(rows, taken)[1], taken))
        else:
            stack.pop()
            if edge is not None:
                path.append(edge)
    path.reverse()
    return path


def _mixed(rows: Sequence[_Row]) -> list[int] | None:
    """Which of two or three accounts each line belongs to, when the balances of an export take turns; else None."""
    heads: list[int] = []
    parts: list[int] = []
    if len(rows) < 2 * LINES_EACH:
        return None
    for row in rows:
        if row.edge is None:
            return None
        before, later = row.edge
        fitting = [k for k, head in enumerate(heads) if head == before]
        last = parts[-1] if parts else None
        if fitting:
            part = last if last in fitting else fitting[0]
        elif len(heads) < MOST_MIXED:
            part = len(heads)
            heads.append(later)
        else:
            return None
        assert part is not None
        heads[part] = later
        parts.append(part)
    turns = sum(one != other for one, other in pairwise(parts))
    counts = [parts.count(part) for part in range(len(heads))]
    return parts if len(heads) > 1 and turns >= CHANGES_OVER and min(counts) >= LINES_EACH else None


def _judged(frame: pl.DataFrame) -> pl.DataFrame:
    """``fits``: whether the printed balances may be believed; where they may not, they say nothing."""
    jumps = pl.col("jump_fen") != 0
    facts = frame.group_by(KEY).agg(
        pl.col("jump_fen").count().alias("_asked"), jumps.sum().alias("_jumps"),
        (pl.col("jump_fen") > 0).sum().alias("_up"), pl.col("flow_kind").is_in(USE_KINDS).any().alias("_uses"),
    ).with_columns(
        pl.when(~pl.col("_uses") & (pl.col("_jumps") > 0) & (pl.col("_up") * 2 <= pl.col("_jumps"))
                & (pl.col("_up") * 2 <= pl.col("_asked")))
        .then(pl.lit("income_only"))
        .when((pl.col("_asked") + 1 >= FEWEST) & (pl.col("_jumps") * 2 > pl.col("_asked"))).then(pl.lit("never"))
        .when(pl.col("chain").str.contains(r"^(\*|current_year|past_years)\d$")).then(pl.lit("mixed"))
        .otherwise(pl.lit("chains")).alias("fits")
    )
    never = pl.col("fits") == "never"
    return frame.join(facts.select(*KEY, "fits"), on=KEY, how="left", nulls_equal=True).with_columns(
        pl.when(~never).then("jump_fen").alias("jump_fen"), pl.when(~never).then("after_fen").alias("after_fen"),
    )
