"""Matching and whole runs at scale (``make bench``): ratios within one run, peak memory, the curve over people.

``python bench/matching.py [PEOPLE ...]``; with ``BENCH_FULL=1`` also a hundred thousand and a million people (hours on
a busy machine). Every figure comes from a process of its own; the machine's noise moves all of them, so read ratios:

join     bare polars streaming join of the same two Parquet tables on person and month, sums only
match    lines and credits from Parquet to links and margins in Parquet, the residual solver included, all cores
whole    the folder to all result tables in Parquet
sink     writing exactly the frames that the whole run writes, and nothing else
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import many

SIZES, FULL_SIZES = (2_000, 10_000), (10_000, 100_000, 1_000_000)
SOLVER_ACCOUNTS = 1_200
GOALS = {"match": 1.5, "whole": 1.5}


class Peak:
    """The largest sum of the resident sizes of this process and all it started, looked at ten times a second (Linux).

    The largest sizes of each, added up, are never less: they come at different times.
    """

    def __init__(self) -> None:
        self.now, self.apart = 0, {}
        self._stopped = threading.Event()
        threading.Thread(target=self._watch, daemon=True).start()

    def _watch(self) -> None:
        while not self._stopped.wait(0.1):
            self.look()

    def look(self) -> None:
        """Take the sizes of now into account."""
        resident = 0
        for process in (os.getpid(), *_children()):
            try:
                status = Path(f"/proc/{process}/status").read_text()
            except OSError:
                continue
            sizes = {line.split()[0]: int(line.split()[1]) for line in status.splitlines()
                     if line.startswith(("VmRSS:", "VmHWM:"))}
            resident += sizes.get("VmRSS:", 0)
            self.apart[process] = sizes.get("VmHWM:", 0)
        self.now = max(self.now, resident)

    def stop(self) -> dict[str, int]:
        """MiB at once, of the parent alone, and of its largest child."""
        self._stopped.set()
        self.look()
        own = self.apart.pop(os.getpid(), 0)
        return {"peak": self.now >> 10, "parent": own >> 10, "child": max(self.apart.values(), default=0) >> 10}


def _children() -> list[int]:
    try:
        return [int(one) for one in Path(f"/proc/{os.getpid()}/task/{os.getpid()}/children").read_text().split()]
    except OSError:
        return []


def _cpu() -> float:
    """Processor seconds of this process and of those it has ended."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in used)


def _read(folder: Path) -> tuple[dict[str, Any], Any, date]:
    """The folder's tables, the shipped policy, the as-of date."""
    from recon.core.context import newest_date
    from recon.policy import load_policy
    from recon.reading.folder import read_folder
    from recon.reading.formats import shipped

    policy = load_policy([shipped() / "policy"])
    read = read_folder(folder, mappings=[shipped()], region_of=policy.region_of)
    assert not read.problems, read.problems[:3]
    as_of = newest_date(read.tables, date(2100, 1, 1))
    assert as_of
    return read.tables, policy, as_of


# --------------------------------------------------------------------------------------------- stages, each a process


def join(folder: Path) -> dict[str, Any]:
    """The floor."""
    import polars as pl

    start = time.perf_counter()
    contribution = pl.scan_parquet(folder / "contribution.parquet").select("person_id", "accrual_month", "employee_fen")
    flow = pl.scan_parquet(folder / "flow.parquet").select(
        "person_id", pl.col("posted_on").dt.month_start().dt.offset_by("-1mo").alias("accrual_month"), "amount_fen")
    rows = contribution.join(flow, on=["person_id", "accrual_month"]).select(
        pl.len(), (pl.col("employee_fen") - pl.col("amount_fen")).sum().alias("d")).collect(engine="streaming")
    return {"seconds": time.perf_counter() - start, "rows": rows.row(0)[0]}


def match(folder: Path) -> dict[str, Any]:
    """Links and margins of all people, from Parquet to Parquet, on all cores; making the lines is not counted."""
    from recon import sharding
    from recon.core.payroll.deducted import no_deductions
    from recon.reading.workers import Pool, Task

    tables, policy, as_of = _read(folder)
    shards = max(-(-sharding.rows_of(tables) // sharding.SHARD_ROWS), os.cpu_count() or 1)
    with TemporaryDirectory(prefix="recon-bench-") as place:
        made = sharding._split(tables, Path(place), shards)
        del tables
        context = sharding.survey_shards(made, policy, as_of, deducted=no_deductions())
        work = sharding._Work(policy, as_of, context, spend=True)
        pool = Pool(os.cpu_count() or 1)

        def run(function: str) -> list[Any]:
            tasks = [Task(at, f"matching:{function}", (each,), 3600.0) for at, each in enumerate(made.folders)]
            answers = [answer for _, answer in pool.run(tasks, work)]
            assert all(isinstance(answer, dict) for answer in answers), answers[:2]
            return answers

        run("prepare_shard")
        start = time.perf_counter()
        answers = run("match_shard")
        seconds = time.perf_counter() - start
        pool.close()
    return {"seconds": seconds, "links": sum(answer["links"] for answer in answers),
            "searched": sum(answer["searched"] for answer in answers), "shards": shards}


def prepare_shard(work: Any, folder: Path) -> dict[str, int]:
    """In a worker: the lines and credits of a shard as the matching takes them."""
    from recon import sharding
    from recon.core import reconcile
    from recon.core.due import with_due
    from recon.core.expect import lines_of
    from recon.core.inferred import with_inferred
    from recon.core.prepare import prepare

    context = sharding._context_of(work.context, folder)
    prepared = prepare(sharding._tables_of(folder))
    own = with_inferred(lines_of(prepared, work.policy), context.inferred)
    lines = with_due(reconcile._all_lines(own, prepared, work.policy, context), prepared.credit, context, work.policy)
    lines.write_parquet(folder / "lines.parquet")
    prepared.credit.write_parquet(folder / "credit.parquet")
    return {"lines": lines.height}


def match_shard(work: Any, folder: Path) -> dict[str, int]:
    """In a worker: the matching itself."""
    import polars as pl

    from recon.core import solve
    from recon.core.match import match as link
    from recon.inside import inside_polars

    real, searched = solve.frame_of, [0]

    def counted(*arguments: Any) -> Any:
        searched[0] += 1
        return real(*arguments)

    solve.frame_of = counted
    found = inside_polars(link)(
        pl.read_parquet(folder / "lines.parquet"), pl.read_parquet(folder / "credit.parquet"),
        work.context.posting_prints, work.context.payer_cover)
    solve.frame_of = real
    found.links.write_parquet(folder / "links.parquet")
    found.margins.write_parquet(folder / "margins.parquet")
    return {"links": found.links.height, "searched": searched[0]}


def whole(folder: Path) -> dict[str, Any]:
    """The folder to all result tables; then, apart, the bare writing of the same frames."""
    import polars as pl

    from recon import sharding
    from recon.policy import load_policy
    from recon.reading import spread, workers
    from recon.reading.formats import shipped
    from recon.reading.spread import slicing

    slicing.SMALL_BYTES = 0  # the same way for every size
    peak, start = Peak(), time.perf_counter()
    policy = load_policy([shipped() / "policy"])
    out = folder / "out"
    out.mkdir()
    laps = {}
    with TemporaryDirectory(prefix="recon-", dir=out) as place:
        read = spread.read_spread(folder, lambda: Path(place), from_rows=1, rows_each=sharding.SHARD_ROWS,
                                  mappings=[shipped()], region_of=policy.region_of)
        assert isinstance(read, spread.Spread)
        assert not read.problems, read.problems[:3]
        shards = sharding.shards_of(read)
        as_of = sharding.newest_of(shards, date(2100, 1, 1))
        assert as_of
        laps["read"] = time.perf_counter() - start
        context = sharding.survey_shards(shards, policy, as_of, deducted=sharding.deducted_in(shards, None))
        laps["survey"] = time.perf_counter() - start - sum(laps.values())
        sharding.shards_to_disk(shards, policy, as_of, context, out)
        laps["answer"] = time.perf_counter() - start - sum(laps.values())
    seconds = time.perf_counter() - start
    found = peak.stop()
    workers.close_idle()
    cpu = _cpu()
    sink, rows, size = 0.0, 0, 0
    for path in sorted(out.glob("*.parquet")):
        frame = pl.read_parquet(path)
        rows += frame.height
        start = time.perf_counter()
        frame.write_parquet(folder / "sink.parquet")
        sink += time.perf_counter() - start
        size += path.stat().st_size
        (folder / "sink.parquet").unlink()
        path.unlink()
        del frame
    out.rmdir()
    return {"seconds": seconds, "cpu": cpu, "sink": sink, "rows": rows, "mb": size / 1e6,
            "shards": len(read.folders), **laps, **found}


def solver(folder: Path) -> dict[str, Any]:
    """Accounts that need a search: all together against one by one, both on one core; the same answers."""
    from recon.core import match as matching
    from recon.core import solve
    from recon.core.batched import search_many
    from recon.core.context import build_context
    from recon.core.reconcile import reconcile

    tables, policy, as_of = _read(folder)
    context = build_context(tables, policy, as_of)
    asked: list[Any] = []
    real = solve.solve_many

    def note(accounts: Any) -> Any:
        asked.extend(account for account in accounts if solve._plain(*account) is None)
        return real(accounts)

    matching.solve_many = note
    reconcile(tables, policy, as_of, context)
    frames = [solve.frame_of(*account) for account in asked[:SOLVER_ACCOUNTS]]
    start = time.process_time()
    together = search_many(frames)
    batched = time.process_time() - start
    start = time.process_time()
    alone = [solve.search.__wrapped__(frame) for frame in frames]
    plain = time.process_time() - start
    return {"accounts": len(frames), "batched": batched, "plain": plain, "same": together == alone}


STAGES: dict[str, Callable[[Path], dict[str, Any]]] = {
    "join": join, "match": match, "whole": whole, "solver": solver,
}


def stage(name: str, folder: Path) -> dict[str, Any]:
    """One stage in a fresh process."""
    done = subprocess.run([sys.executable, __file__, "--stage", name, "--folder", str(folder)], capture_output=True,
                          text=True, check=False)
    if done.returncode:
        sys.exit(f"{name} failed:\n{done.stderr[-2000:]}")
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def report(people: int, place: Path, *, with_solver: bool) -> dict[str, Any]:
    """Print the table of one size; what the whole run took."""
    folder = place / f"{people}"
    many.write(folder, people)
    size = sum(path.stat().st_size for path in folder.iterdir()) / 1e6
    print(f"\n{people:,} people x {many.MONTHS} months, {size:.0f} MB Parquet, {100 - many.DIRTY_PERCENT}% clean")
    floor = min((stage("join", folder) for _ in range(3)), key=lambda found: found["seconds"])
    print(f"  join    {floor['seconds']:8.2f} s   {floor['rows']:,} pairs", flush=True)
    linked = stage("match", folder)
    ratio = linked["seconds"] / floor["seconds"]
    print(f"  match   {linked['seconds']:8.2f} s   {ratio:.1f} times the join (goal {GOALS['match']}); "
          f"{linked['links']:,} links, {linked['searched']:,} accounts searched, {linked['shards']} shards", flush=True)
    run = stage("whole", folder)
    bare = linked["seconds"] + run["sink"]
    print(f"  sink    {run['sink']:8.2f} s   {run['rows']:,} rows, {run['mb']:.0f} MB")
    ratio = run["seconds"] / bare
    print(f"  whole   {run['seconds']:8.2f} s   {ratio:.1f} times match + sink (goal {GOALS['whole']}); "
          f"{run['seconds'] / people * 1e3:.2f} ms a person", flush=True)
    if with_solver:
        found = stage("solver", folder)
        print(f"  solver  {found['batched'] / found['accounts'] * 1e3:8.2f} ms a search, plain Python "
              f"{found['plain'] / found['accounts'] * 1e3:.2f} ms: {found['plain'] / found['batched']:.1f} times "
              f"(goal 10), {found['accounts']:,} accounts, same answers: {found['same']}", flush=True)
    return run


def _curve_line(people: int, run: dict[str, Any]) -> None:
    each = run["cpu"] / people * 1e3
    print(f"  {people:>9,} people {run['seconds']:8.1f} s {run['cpu']:8.1f} s CPU {each:6.2f} ms a person "
          f"{run['peak']:6,} MiB at once (parent {run['parent']:,}, largest worker {run['child']:,}); "
          f"{run['shards']} shards, reading {run['read']:.1f} s, first pass {run['survey']:.1f} s", flush=True)


def curve(sizes: list[int], place: Path) -> None:
    """Only the whole run, size after size: what it costs, and what it needs."""
    for people in sizes:
        folder = place / f"{people}"
        subprocess.run([sys.executable, str(Path(__file__).with_name("many.py")), str(folder), str(people)], check=True,
                       capture_output=True)  # a process of its own: making them needs much memory
        _curve_line(people, stage("whole", folder))
        shutil.rmtree(folder)


def main() -> int:
    """All sizes, or one stage for the parent."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("people", type=int, nargs="*")
    options.add_argument("--stage", choices=STAGES)
    options.add_argument("--folder", type=Path)
    options.add_argument("--curve", action="store_true", help="only whole runs: seconds and memory per size")
    chosen = options.parse_args()
    if chosen.stage:
        print(json.dumps(STAGES[chosen.stage](chosen.folder)))
        return 0
    sizes = chosen.people or (FULL_SIZES if os.environ.get("BENCH_FULL") else SIZES)
    with TemporaryDirectory(prefix="recon-bench-") as place:
        if chosen.curve:
            curve(sizes, Path(place))
            return 0
        with_solver = max((each for each in sizes if each <= max(SIZES)), default=0)
        runs = {people: report(people, Path(place), with_solver=people == with_solver) for people in sizes}
        print("\nthe curve")
        for people, run in runs.items():
            _curve_line(people, run)
    return 0


if __name__ == "__main__":
    sys.exit(main())
