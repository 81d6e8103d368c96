"""The month of a payslip is learned for all payers at once, as counting by hand payer by payer would have it."""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from recon.core.payroll import offsets
from recon.core.payroll_settings import PayrollSettings

Slip = tuple[int, str | None, str | None, int]  # person, region, payer, month of the payslip
Line = tuple[int, int]  # person, month
Place = tuple[str | None, str | None]
REGIONS = st.sampled_from([None, "110000", "420100"])
PAYERS = st.sampled_from([None, "甲", "乙", "丙"])
FEN = st.sampled_from([10000, 12000])
SLIPS = st.dictionaries(st.tuples(st.integers(0, 6), REGIONS, PAYERS, st.integers(0, 5)), FEN, min_size=1, max_size=40)
LINES = st.dictionaries(st.tuples(st.integers(0, 6), st.integers(-3, 8)), st.tuples(FEN, REGIONS, PAYERS), max_size=40)


def frames(slips: Mapping[Slip, int], lines: Mapping[Line, tuple[int, str | None, str | None]]
           ) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Both as the legs have them."""
    return pl.DataFrame(
        [(f"PSN:{who}", region, payer, pay, fen) for (who, region, payer, pay), fen in slips.items()], orient="row",
        schema={"person_id": pl.String, "region": pl.String, "payer": pl.String, "pay": pl.Int32, "fen": pl.Int64},
    ), pl.DataFrame(
        [(f"PSN:{who}", month, *rest) for (who, month), rest in lines.items()], orient="row",
        schema={"person_id": pl.String, "month": pl.Int32, "own_fen": pl.Int64, "region": pl.String, "payer": pl.String})


def by_hand(slips: Mapping[Slip, int], lines: Mapping[Line, tuple[int, str | None, str | None]]
            ) -> dict[Place, offsets.Costs]:
    """Place -> payslip month -> offset -> (disagreeing, agreeing), one payer after the other."""
    found: dict[Place, offsets.Costs] = {}
    for place in sorted({(region, payer) for _, region, payer, _ in slips}, key=lambda one: tuple(map(str, one))):
        mine = {(who, pay): fen for (who, region, payer, pay), fen in slips.items() if (region, payer) == place}
        people = {who for who, _ in mine}
        found[place] = {}
        for pay in sorted({pay for _, pay in mine}):
            paid = {who: fen for (who, at), fen in mine.items() if at == pay}
            found[place][pay] = {}
            for offset in offsets.CANDIDATES:
                there = {who: fen for (who, month), (fen, *home) in lines.items()
                         if month == pay + offset and (who in people or tuple(home) == place)}
                if there and len(there) * 2 >= len(paid):
                    agreeing = sum(there.get(who) == fen for who, fen in paid.items())
                    expected = len(people.intersection(there))
                    found[place][pay][offset] = (len(paid) + expected - 2 * agreeing, agreeing)
    return found


@given(SLIPS, LINES)
def test_costs_are_those_counted_by_hand(
    slips: dict[Slip, int], lines: dict[Line, tuple[int, str | None, str | None]]
) -> None:
    """Null regions and payers, people of two payers, months nobody is declared in: all as counted one by one."""
    told = offsets._costs(*frames(slips, lines))
    assert told == by_hand(slips, lines)
    assert list(told) == list(by_hand(slips, lines))


@given(SLIPS, LINES)
def test_the_region_s_other_payers_are_asked_without_ones_own(
    slips: dict[Slip, int], lines: dict[Line, tuple[int, str | None, str | None]]
) -> None:
    """All of a region less oneself is what its others say, and an offset that only oneself can judge is not theirs."""
    singles = {place: offsets._single(costs) for place, costs in by_hand(slips, lines).items()}
    for place, own in singles.items():
        near = [one for other, one in singles.items() if other[0] == place[0]]
        others = [one for other, one in singles.items() if other[0] == place[0] and other != place]
        assert offsets._told(offsets._less(offsets._pooled(near), own)) == offsets._told(offsets._pooled(others))


def test_a_payer_that_cannot_tell_takes_its_neighbours_offset() -> None:
    """The same sum every month tells nothing: the payer whose joiners do tell decides, for its region and elsewhere."""
    slips = {(who, "420100", "甲", pay): 10000 for who in range(8) for pay in range(1, 6) if pay > who % 5}
    lines = {(who, pay - 1): (10000, "420100", "甲") for who, _, _, pay in slips}
    for payer, region, first in (("乙", "420100", 20), ("丙", "110000", 40)):
        slips |= {(who, region, payer, pay): 10000 for who in range(first, first + 4) for pay in range(1, 5)}
        lines |= {(who, month): (10000, region, payer) for who in range(first, first + 4) for month in range(5)}
    told = {one.payer: one for one in offsets.learn_offsets(*frames(slips, lines), PayrollSettings())}
    assert (told["甲"].basis, set(told["甲"].by_month.values())) == ("learned", {-1})
    assert (told["乙"].basis, set(told["乙"].by_month.values())) == ("neighbours", {-1})
    assert (told["丙"].basis, set(told["丙"].by_month.values())) == ("neighbours", {-1})


def test_who_is_on_no_payslip_moves_no_offset() -> None:
    """A payroll of one person, not declared any more at the end; colleagues without payslips joined one by one."""
    slips = {(0, "420100", "甲", pay): 10000 for pay in range(1, 19)}
    lines = {(0, month): (10000, "420100", "甲") for month in range(1, 15)}
    lines |= {(who, month): (12000, "420100", "甲") for who in range(1, 7) for month in range(who, 19)}
    told, = offsets.learn_offsets(*frames(slips, lines), PayrollSettings())
    assert (told.basis, set(told.by_month.values())) == ("assumed", {0})


def test_payslips_that_agree_with_no_declaration_tell_no_offset() -> None:
    """All deduct another sum than is declared (a flat sum is left out), and some left: the month is the payslip's own."""
    slips = {(who, "420100", "甲", pay): 9700 + 100 * who + 7 * pay for who in range(8) for pay in range(who and 1, 12 - who)}
    lines = {(who, month): (fen + 300, "420100", "甲") for (who, _, _, month), fen in slips.items()}
    lines[7, 3] = (slips[7, "420100", "甲", 4], "420100", "甲")  # but one, by chance
    told, = offsets.learn_offsets(*frames(slips, lines), PayrollSettings())
    assert (told.basis, set(told.by_month.values())) == ("assumed", {0})


def test_a_change_that_hardly_pays_is_none() -> None:
    """Odd payslips that cost no more than a change of offset are odd payslips; from a few more on they are a change."""
    def by_month(odd: int) -> offsets.Costs:
        return {pay: {0: (0 if pay < 4 else odd, 20), -1: (9 if pay < 4 else 0, 20)} for pay in range(1, 7)}

    def decided(odd: int) -> offsets.Offset:
        costs = by_month(odd)
        return offsets._decide(("420100", "甲"), costs, offsets._single(costs), {}, {}, 30, None)

    assert decided(2).shifts == []  # three months of two: six, the price of a change
    assert decided(1).shifts == []
    assert decided(3).shifts == [(4, 0, -1)]  # nine
