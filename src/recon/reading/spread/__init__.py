"""A folder whose tables are too large for memory, read into a folder of rows for each run of people.

Native Parquet files are read slice by slice (:mod:`recon.reading.slices`): rows that name their person in full go to
the folder of that run of people at once. All others (those of other files, masked numbers, bare names) are held here as
ever until it is known whom they speak of. What takes all files together is decided here from little: who has several
numbers, whom a clue may mean, what regions are called, whether running balances hold. What takes all rows of a person
(names, regions that a row leaves out, the roster) is then done folder by folder. Tables, problems and counts are those
of :func:`recon.reading.folder.read_folder` (``tests/test_spread.py``), whatever the order of rows and files.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from pathlib import Path

from recon.reading.containers import survey
from recon.reading.file_read import ReadResult
from recon.reading.files import Kept, read_files
from recon.reading.folder import put_together
from recon.reading.spread.settling import Settling, Spread
from recon.reading.spread.slicing import Large
from recon.reading.together import settle_pictures, without_own

__all__ = ["Spread", "read_spread"]


def read_spread(
    folder: Path, place: Callable[[], Path], *, from_rows: int, rows_each: int, mappings: list[Path],
    region_of: Callable[[str], str | None], default_region: str | None = None, workers: int | None = None,
    progress: Callable[[int, int], None] | None = None, passwords: Sequence[str] = (),
    ask: Callable[[str], str | None] | None = None, leave_out: Collection[Path] = (), kept: Kept | None = None,
    files: Sequence[tuple[str, Path]] | None = None,
) -> Spread | ReadResult:
    """Every export under ``folder``: spread over folders in a ``place`` from ``from_rows`` rows of native Parquet on.

    Below that all is in memory, as :func:`recon.reading.folder.read_folder` gives it; the other arguments are its.
    ``rows_each``: about how many contribution and account lines one folder is to hold.
    """
    listed, left = survey(folder) if files is None else (sorted(files), [])
    large = Large(place, [name for name, _ in listed], from_rows, rows_each)
    reads = read_files(listed, mappings, workers, progress, passwords, ask, leave_out, kept, large)
    if large.places is None:
        return put_together(reads, left, region_of, default_region)
    reads = without_own(reads)
    settle_pictures(reads)
    return Settling(large, reads, workers).spread(left, region_of, default_region)
