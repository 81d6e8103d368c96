"""Accounts searched together get the solutions of the reference, one by one."""

from __future__ import annotations

import random

import pytest

from recon.core import batched, batched_forward
from recon.core import search as reference
from recon.core.batched import search_many
from recon.core.edges import frame_of
from recon.core.links import PRICES, Credit, Frame, Line
from recon.core.search import search
from recon.core.solve import solve, solve_many
from recon.core.spare import Spares
from test_solve import JAN, clean_account, credit, in_time, line, random_account


def year_account(seed: int) -> tuple[list[Line], list[Credit], int]:
    """One to two years with several things wrong at once, an amount that changes, and sometimes a second stream."""
    chance = random.Random(seed)
    size, usual = chance.randint(8, 24), chance.choice([0, 1, 1, 2])
    raised = chance.randint(0, 2 * size)
    amounts = [120 if month < raised else 131 for month in range(size)]
    lines = [line(month, amount, open_price=PRICES.open if chance.random() < 0.95 else 0)
             for month, amount in enumerate(amounts)]
    credits: list[Credit] = []
    held = 0
    for month, amount in enumerate(amounts):
        fate, there = chance.random(), month + usual
        due, held = amount + held, 0
        if fate < 0.06:
            continue
        if fate < 0.1:
            held = due
        elif fate < 0.13:
            credits += [credit(there, due - 20), credit(there, 20)]
        elif fate < 0.15:
            credits.append(credit(there, due - 3, printed=month if chance.random() < 0.5 else None))
        elif fate < 0.17:
            credits += [credit(there, due, left=PRICES.twin)] * 2
        else:
            credits.append(credit(there + (fate > 0.9) + 2 * (fate > 0.97), due, day=chance.choice([12, 25])))
    if chance.random() < 0.3:
        lines = [line(0, 33, stream=1, kind="other", arrival=JAN + 3, due=JAN + 4, day=None)] + [
            one._replace(stream=2) for one in lines]
        credits.append(credit(5, 33))
    if credits and chance.random() < 0.3:
        credits[0] = credits[0]._replace(left_price=0, use_price=chance.choice([0, PRICES.outside]))
    return lines, sorted(credits, key=in_time), usual


def frames_of(seeds: range) -> list[Frame]:
    """Frames of all sorts of accounts."""
    accounts = [make(seed) for seed in seeds for make in (random_account, clean_account, year_account)]
    return [frame_of(*account) for account in accounts]


@pytest.mark.parametrize("block", range(3))
def test_agrees_with_the_reference(block: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Cost, links, margins, ties and proofs, whatever else is searched in the same go."""
    monkeypatch.setattr(batched, "FEW", 1)
    frames = frames_of(range(block * 30, block * 30 + 30))
    found = search_many(frames)
    for number, (frame, solution) in enumerate(zip(frames, found, strict=True)):
        assert solution == search(frame), number


def test_a_chunk_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Chunks of any size, and any order of accounts, give the same answers."""
    frames = frames_of(range(1000, 1012))
    whole = search_many(frames)
    monkeypatch.setattr(batched, "CHUNK", 7)
    assert search_many(frames[::-1])[::-1] == whole


def test_what_does_not_fit_is_left_to_the_reference(monkeypatch: pytest.MonkeyPatch) -> None:
    """Records too long for the arrays, and records with too many states, are answered all the same."""
    long = [([line(month) for month in range(50)], [credit(month + 1) for month in range(50) if month != at], 1)
            for at in range(5, 10)]
    assert solve_many(long * 6) == [solve(*account) for account in long * 6]
    monkeypatch.setattr(batched_forward, "MAX_STATES", 3)
    monkeypatch.setattr(reference, "MAX_STATES", 3)
    monkeypatch.setattr(batched, "FEW", 1)
    frames = frames_of(range(3))
    assert search_many(frames) == [search.__wrapped__(frame) for frame in frames]


@pytest.mark.parametrize(("most", "beam"), [(1, 1), (2, 1), (3, 2), (6, 4)])
def test_a_narrow_beam_still_answers(most: int, beam: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """However few states go on, each account gets links of its own, says that it was cut short, and costs no less."""
    frames = frames_of(range(2000, 2030))
    exact = [search(frame) for frame in frames]
    monkeypatch.setattr(reference, "MAX_STATES", most)
    monkeypatch.setattr(reference, "BEAM", beam)
    for frame, whole in zip(frames, exact, strict=True):
        found = search.__wrapped__(frame)
        used = [number for link in found.links for number in link.credits]
        assert len(used) == len(set(used))
        assert found.cost >= whole.cost
        assert found.bounded or found == whole
        assert all(margin is None or margin >= 0 for margin in found.margins)


def test_only_the_number_of_credits_kept_for_back_pay_matters() -> None:
    """One wage, holes, twins and two back-paid months of unknown arrival: too many sets of credits kept for these two,
    and only their number matters."""
    late = {16, 17, 18, 19, 20, 22, 23}
    lines = [
        line(at, 136, open_price=0 if at == 23 else PRICES.open, due=JAN + at + 1 + (at in late), shift=int(at in late),
             day=None)
        for at in (0, 1, 2, 3, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 22, 23)
    ] + [line(at, 136, stream=1, kind="other", arrival=None, due=None, day=None, open_price=0) for at in (4, 5)]
    twins = {8, 12, 22}
    credits = [credit(at, 98 if at == 21 else 136, left=PRICES.twin if at in twins else PRICES.left)
               for at in (1, 4, 7, 8, 8, 8, 9, 10, 12, 12, 13, 14, 15, 16, 18, 19, 20, 21, 22, 24)]
    found = search.__wrapped__(frame_of(lines, credits, 1))
    assert not found.bounded
    assert sum(len(link.lines) for link in found.links) == 20
    assert {line for link in found.links for line in link.lines if line > 20} == {21, 22}
    assert found.margins[:6] == (3000, 1700, 1000, 1000, 2900, 3500)  # as without any limit, in a hundredth of the time


def back_paid_account(seed: int) -> tuple[list[Line], list[Credit], int]:
    """One amount, holes and lateness, and up to three back-paid months of it whose arrival nobody knows."""
    chance = random.Random(seed)
    size, back = chance.randint(4, 9), chance.randint(1, 3)
    lines = [line(at, 136, day=None) for at in range(size)] + [
        line(at, 136, stream=1, kind="other", arrival=None, due=None, day=None, open_price=chance.choice([0, 2200]))
        for at in sorted(chance.sample(range(-4, 4), back))]
    credits = []
    for at in range(size + back):
        if chance.random() < 0.85:
            amount = 136 * chance.choice([1] * 9 + [2, 3]) - chance.choice([0] * 9 + [30])
            one = credit(at + chance.choice([0, 1, 1, 1, 2]), amount, left=chance.choice([PRICES.left, PRICES.twin]),
                         printed=at if chance.random() < 0.05 else None)
            credits.append(one._replace(use_price=PRICES.outside if chance.random() < 0.1 else 0))
    return lines, sorted(credits, key=in_time), chance.choice([0, 1, 1, 2])


@pytest.mark.parametrize("block", range(3))
def test_what_is_not_told_apart_changes_nothing(block: int) -> None:
    """Cost, margins, proofs and ties are those of the search that tells all credits apart; no credit is used twice."""
    merged = 0
    for seed in range(block * 20, block * 20 + 20):
        account = back_paid_account(seed)
        frame = frame_of(*account)
        spares = Spares(frame)
        if not spares:
            continue
        merged += 1
        plain = reference._searched(frame, None, bounded=False)
        found = reference._searched(frame, spares, bounded=False)
        assert (found.cost, found.margins, found.proved, found.openable) == (
            plain.cost, plain.margins, plain.proved, plain.openable), seed
        used = [number for link in found.links for number in link.credits]
        assert len(used) == len(set(used)), seed
        assert {n for link in found.links for n in link.lines} == {n for link in plain.links for n in link.lines}, seed
        order = [link.credits for link in found.links
                 if link.lines[0] >= frame.streams.index(1) and account[1][link.credits[0]].printed is None]
        assert order == sorted(order), seed
    assert merged > 6


def test_crowded_frames_together(monkeypatch: pytest.MonkeyPatch) -> None:
    """Frames with too many states to tell all credits apart get the same answers together as one by one."""
    monkeypatch.setattr(batched_forward, "MAX_STATES", 12)
    monkeypatch.setattr(reference, "MAX_STATES", 12)
    monkeypatch.setattr(batched, "FEW", 1)
    monkeypatch.setattr(batched, "CROWDED", 7)
    frames = [frame_of(*back_paid_account(seed)) for seed in range(500, 540)]
    alone = [search.__wrapped__(frame) for frame in frames]
    assert search_many(frames) == alone
    assert {True, False} == {solution.bounded for solution in alone}
