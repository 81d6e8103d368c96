"""Each problem code that reading can raise has a minimal folder that raises it (tests/problems)."""

from __future__ import annotations

from pathlib import Path

import pytest

from recon.policy import load_policy
from recon.problems import CATALOGUE
from recon.reading.folder import read_folder
from recon.reading.formats import shipped

FOLDER = Path(__file__).parent / "problems"
# Raised by the reconciliation or by the run, not by reading.
LATER = {
    "policy-differs", "printed-month-ignored", "printed-month-contradicts", "annual-window-differs",
    "contradictory-lines", "amended-line", "line-in-one-file", "ocr-missing", "ocr-unproved", "pages-unread", "as-of-future",
    "record-too-long", "unmatched-reversal", "kind-by-amount", "kind-by-memo", "zeros-ignored",
    "leg-absent", "password-wrong", "password-extra", "too-slow", "reader-failed", "files-skipped", "unknown-decision",
    "balance-gap", "balance-never-chains", "mixed-accounts", "balance-without-lines", "negative-balance", "quiet-year",
    "month-twice", "leg-month-missing", "workbook-part",
}
CASES = sorted(path.name for path in FOLDER.iterdir() if path.is_dir())


def test_every_code_has_a_folder() -> None:
    """A new code needs a file that shows it; a folder needs a code."""
    assert set(CATALOGUE) - LATER == set(CASES)


@pytest.mark.parametrize("code", CASES)
def test_the_folder_raises_its_code(code: str) -> None:
    """The code is raised, for a file of the folder; all rows are accounted for (asserted inside)."""
    folder = FOLDER / code
    own = folder / "mappings"
    exports = folder / "exports" if own.is_dir() else folder
    mappings = [shipped(), own] if own.is_dir() else [shipped()]
    result = read_folder(exports, mappings=mappings, region_of=load_policy([shipped()]).region_of, workers=1)
    found = [problem for problem in result.problems if problem.code == code]
    assert found, [problem.code for problem in result.problems]
    assert all(problem.file in result.sources["file"].to_list() for problem in found)
    rejects = sum(result.sources["rows_rejected"])
    whole_file = all(problem.place is None for problem in found)
    used = CATALOGUE[code].severity != "error" or code == "unbalanced-quote"
    assert whole_file or used or rejects


@pytest.mark.parametrize("code", CASES)
def test_wording_is_complete(code: str) -> None:
    """Message and remedy can be worded in both languages."""
    from recon.problems import Problem

    for lang in ("zh", "en"):
        row = Problem(code, "a.csv", "L1", "列", "值").row(lang)
        assert row["message"]
        assert row["remedy"]
        assert "{" not in row["message"] + row["remedy"]
