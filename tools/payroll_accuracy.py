"""Precision and recall of every payroll finding on a synthetic firm with all legs and each finding planted.

``python tools/payroll_accuracy.py [--people 500] [--seeds 3] [--files]``: with ``--files`` the firm is written as
workbooks, declarations, records and bank statements and read back; without, its tables are checked as they are.
Exit 1 where a finding falls below 0.99.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import polars as pl

Row = tuple[str, str, str, str, str]  # person, payer (of a row about a payer), month, label, cause
REQUIRED = 0.99


@dataclass(frozen=True)
class Score:
    """How one label and cause was found."""

    label: str
    cause: str
    planted: int
    found: int
    right: int

    @property
    def precision(self) -> float:
        """Of what was found, the share that was planted."""
        return self.right / self.found if self.found else 1.0

    @property
    def recall(self) -> float:
        """Of what was planted, the share that was found."""
        return self.right / self.planted if self.planted else 1.0


def found_rows(gap: pl.DataFrame, finding: pl.DataFrame) -> set[Row]:
    """The payroll rows of a run as the truth writes them."""
    payer = dict(finding.select("finding_id", "payer").iter_rows())
    rows = gap.filter(pl.col("basis") == "payroll").select(
        pl.col("person_id").fill_null(""), "finding_id", pl.col("accrual_month").dt.strftime("%Y-%m"), "label",
        pl.col("cause").fill_null(""))
    return {(person, "" if person else payer[one], month, label, cause)
            for person, one, month, label, cause in rows.iter_rows()}


def planted_rows(firm: object) -> set[Row]:
    """The truth of a firm."""
    from recon.simulate.payroll import Firm
    from recon.simulate.payroll_exports import month_date

    assert isinstance(firm, Firm)
    return {(one.person, "" if one.person else one.payer, f"{month_date(one.month):%Y-%m}", one.label, one.cause)
            for one in firm.truth}


def scores(found: set[Row], planted: set[Row]) -> list[Score]:
    """One score per label and cause that was planted or found."""
    counts = [Counter(row[3:] for row in rows) for rows in (planted, found, planted & found)]
    return [Score(key[0], key[1], *(count[key] for count in counts)) for key in sorted(counts[0] | counts[1])]


def check_native(people: int, seed: int) -> tuple[set[Row], set[Row]]:
    """(found, planted) of a firm checked in memory; bases out of limits belong to another part of the core."""
    from recon.core.payroll.check import check_payroll
    from recon.core.prepare import prepare
    from recon.policy import load_policy
    from recon.reading.formats import shipped
    from recon.simulate.payroll import make_firm
    from recon.simulate.payroll_exports import native_tables

    firm = make_firm(people, seed)
    tables = prepare(native_tables(firm)).tables
    done = check_payroll(tables, load_policy([shipped() / "policy"]), firm.as_of, settings_of())
    planted = {row for row in planted_rows(firm) if row[3] != "base_out_of_limits"}
    return found_rows(done.gap, done.finding), planted


def check_files(people: int, seed: int) -> tuple[set[Row], set[Row]]:
    """(found, planted) of a firm written as exports and run like any folder."""
    from recon import batch
    from recon.simulate.payroll import make_firm
    from recon.simulate.payroll_exports import write_firm

    firm = make_firm(people, seed)
    with tempfile.TemporaryDirectory() as place:
        write_firm(firm, Path(place))
        options = batch.Options(as_of=firm.as_of.isoformat(), payroll=settings_of())
        view = batch.run_folder(Path(place) / "exports", options).view
        return found_rows(view.table("gap"), view.table("finding")), planted_rows(firm)


def settings_of() -> object:
    """The payers of the firm, as its recon.toml describes them."""
    from recon.core.payroll_settings import MidMonthRule, Payer, PayrollSettings
    from recon.simulate.payroll import COMPANY, UNITS

    return PayrollSettings(
        company=COMPANY,
        payers={unit.number: Payer(unit.name, region=unit.region, is_agency=unit.is_agency) for unit in UNITS},
        mid_month={"": MidMonthRule(15, 16)})


def main() -> int:
    """Print the table; 1 where a finding is below what is required."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--people", type=int, default=500)
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--files", action="store_true")
    given = parser.parse_args()
    found: set[Row] = set()
    planted: set[Row] = set()
    for seed in range(1, given.seeds + 1):
        mine, truth = (check_files if given.files else check_native)(given.people, seed)
        found |= {(f"{seed}:{row[0]}", *row[1:]) for row in mine}
        planted |= {(f"{seed}:{row[0]}", *row[1:]) for row in truth}
    lines = scores(found, planted)
    print("| finding | planted | found | precision | recall |\n| --- | --- | --- | --- | --- |")
    for one in lines:
        name = f"`{one.label}`" + (f" {one.cause}" if one.cause else "")
        print(f"| {name} | {one.planted} | {one.found} | {one.precision:.3f} | {one.recall:.3f} |")
    return int(any(min(one.precision, one.recall) < REQUIRED for one in lines))


if __name__ == "__main__":
    sys.exit(main())
