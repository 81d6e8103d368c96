"""Whole-process timings of recon on a made-up folder of 300 people (``make bench``). A benchmark, not a test.

Machines are noisy: quote medians and ratios. ``pass`` is a bare interpreter, ``floor`` one that imports the same
libraries and has them read the same files without understanding a word: what no recon could go below with them.
"""

from __future__ import annotations

import argparse
import os
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from generate import generate

RECON = Path(sys.executable).with_name("recon")
HEAVY = ("polars", "openpyxl", "pdfplumber", "numpy", "xlsxwriter", "python_calamine")
EXITS = (0, 3, 4)

FLOOR = """
import csv, pathlib, sys
import openpyxl, pdfplumber, polars, python_calamine, xlsxwriter
for path in sorted(pathlib.Path(sys.argv[1]).iterdir()):
    if path.suffix == ".pdf":
        with pdfplumber.open(path) as book:
            for page in book.pages:
                page.extract_words()
                page.close()
    elif path.suffix == ".xlsx":
        python_calamine.CalamineWorkbook.from_path(str(path)).get_sheet_by_index(0).to_python()
    else:
        data = path.read_bytes()
        try:
            text = data.decode("utf-8-sig")
        except UnicodeDecodeError:
            text = data.decode("gb18030")
        list(csv.reader(text.splitlines()))
"""


@dataclass(frozen=True)
class Timing:
    """Medians of several runs of one command, and the largest process among them."""

    wall: float
    fastest: float
    slowest: float
    cpu: float
    peak_mib: float


def measure(command: Sequence[str | Path], runs: int, exits: Sequence[int] = (0,)) -> Timing:
    """The command run ``runs`` times after one run that does not count."""
    walls, cpus, peaks = [], [], []
    for _ in range(runs + 1):
        start = time.perf_counter()
        process = subprocess.Popen(list(map(str, command)), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        _, status, used = os.wait4(process.pid, 0)
        walls.append(time.perf_counter() - start)
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode not in exits:
            sys.exit(f"exit {process.returncode}: {' '.join(map(str, command))}")
        cpus.append(used.ru_utime + used.ru_stime)
        peaks.append(_mib(used))
    walls, cpus = walls[1:], cpus[1:]
    return Timing(statistics.median(walls), min(walls), max(walls), statistics.median(cpus), max(peaks))


def _mib(used: resource.struct_rusage) -> float:
    """Largest resident size; Linux counts it in KiB, macOS in bytes."""
    return used.ru_maxrss / (1 << 20 if sys.platform == "darwin" else 1 << 10)


def loaded_by_help() -> list[str]:
    """Which heavy libraries ``recon --help`` imports; there should be none."""
    program = (
        "import sys\nfrom recon.cli import main\ntry:\n    main(['--help'])\nexcept SystemExit:\n    pass\n"
        f"print('\\n' + ' '.join(name for name in {HEAVY!r} if name in sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    return done.stdout.splitlines()[-1].split()


def main() -> int:
    """Print the table; 1 when help has become heavy."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--runs", type=int, default=5, help="counted runs of each command")
    options.add_argument("--keep", type=Path, help="write the made-up folder here and keep it")
    chosen = options.parse_args()
    with TemporaryDirectory() as scratch:
        place = Path(scratch)
        folder = chosen.keep or place / "exports"
        made = generate(folder)
        print(", ".join(f"{count:,} {what}" for what, count in made.items()), f"({os.cpu_count()} processors)")
        bare = measure([sys.executable, "-c", "pass"], chosen.runs)
        floor = measure([sys.executable, "-c", FLOOR, folder], chosen.runs)
        rows = {
            "python -c pass": bare,
            "floor": floor,
            "recon --help": measure([RECON, "--help"], chosen.runs),
            "recon run": measure([RECON, "run", folder, "-o", place / "report.xlsx"], chosen.runs, EXITS),
            "recon run --tables": measure(
                [RECON, "run", folder, "-o", place / "report.xlsx", "--tables", place / "tables"], chosen.runs, EXITS),
        }
    print(f"{'':20}{'median s':>10}{'min':>8}{'max':>8}{'cpu s':>8}{'MiB':>8}{'x pass':>8}{'x floor':>9}")
    for name, row in rows.items():
        print(f"{name:20}{row.wall:10.2f}{row.fastest:8.2f}{row.slowest:8.2f}{row.cpu:8.2f}{row.peak_mib:8.0f}"
              f"{row.wall / bare.wall:8.1f}{row.wall / floor.wall:9.2f}")
    heavy = loaded_by_help()
    print(f"recon --help imports {', '.join(heavy) if heavy else 'no heavy library'}")
    return int(bool(heavy))


if __name__ == "__main__":
    sys.exit(main())
