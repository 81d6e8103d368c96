"""A synthetic employer with planted events, its exports, and the truth (``recon simulate``).

``simulate`` writes FOLDER/exports (what recon is run on) and FOLDER/truth (what it should find). The truth is computed
from what was planted, by the rules of DESIGN and without the core. The same arguments give the same files.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

DEFAULT_NOISE = 16
MIN_FIRM = 60


class SimulateError(Exception):
    """A synthetic employer that cannot be made; the sentence says why."""


@dataclass(frozen=True)
class Made:
    """What was written."""

    people: int
    months: int
    files: int
    as_of: str


def simulate(folder: Path, *, people: int, months: int, seed: int, noise: int = DEFAULT_NOISE) -> Made:
    """Write a synthetic employer into ``folder``.

    noise: per cent of person-months with a planted event. Raises SimulateError for sizes that make no sense, and where
    the folder holds exports or truth already: they would mix.
    """
    from recon.simulate.employer import hire
    from recon.simulate.events import plant
    from recon.simulate.exports import write_exports
    from recon.simulate.truth import write_truth

    _empty(folder)
    try:
        world = hire(people, months, seed)
    except ValueError as error:
        raise SimulateError(str(error)) from None
    plant(world, noise)
    files = write_exports(world, folder / "exports")
    return Made(people, write_truth(world, folder / "truth"), files, world.as_of.isoformat())


def simulate_payroll(folder: Path, *, people: int, seed: int) -> Made:
    """Write a firm with every payroll leg into ``folder``: a year of exports, a recon.toml, and the truth.

    Raises SimulateError for too few people to plant anything in, and where the folder holds exports or truth already.
    """
    from recon.simulate.payroll import MONTHS, make_firm
    from recon.simulate.payroll_exports import write_firm

    _empty(folder)
    if people < MIN_FIRM:
        message = f"至少 {MIN_FIRM} 人 / at least {MIN_FIRM} people"
        raise SimulateError(message)
    firm = make_firm(people, seed)
    return Made(people, MONTHS, write_firm(firm, folder), firm.as_of.isoformat())


def _empty(folder: Path) -> None:
    for name in ("exports", "truth"):
        if (folder / name).exists():
            message = f"{folder.name} 里已有 {name}；请换一个文件夹 / {folder.name} already holds {name}"
            raise SimulateError(message)
