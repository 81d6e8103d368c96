"""A folder read slice by slice into folders of people gives the tables, problems and counts of the whole."""

from __future__ import annotations

import os
import random
from collections.abc import Callable
from datetime import date
from pathlib import Path

import polars as pl
import pytest

from recon import large, sharding
from recon.batch import Options, result_hashes, run_folder, write_report, write_tables
from recon.policy import load_policy
from recon.reading import slices, workers
from recon.reading.file_read import ReadResult
from recon.reading.folder import read_folder
from recon.reading.spread import Spread, read_spread, slicing
from recon.simulate import simulate
from recon.tables import INPUT_TABLES, TABLES
from support import MAPPINGS

POLICY = load_policy([MAPPINGS / "policy"])
ROWS = 40  # of a slice


@pytest.fixture(autouse=True)
def _small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Slices of a few rows."""
    monkeypatch.setattr(slices, "SLICE_ROWS", ROWS)
    monkeypatch.setattr(slicing, "SLICE_ROWS", ROWS)
    monkeypatch.setattr(slicing, "SMALL_BYTES", 0)


def both_ways(
    folder: Path, place: Path, *, rows_each: int = 150, region: str | None = None
) -> tuple[ReadResult, Spread, dict[str, pl.DataFrame]]:
    """The whole; the spread, and its tables put together."""
    whole = read_folder(folder, mappings=[MAPPINGS], region_of=POLICY.region_of, default_region=region, workers=1)
    parts = read_spread(folder, lambda: place, from_rows=1, rows_each=rows_each, mappings=[MAPPINGS],
                        region_of=POLICY.region_of, default_region=region, workers=1)
    assert isinstance(parts, Spread)
    tables = dict(parts.tables)
    for name in INPUT_TABLES.keys() - tables.keys():
        tables[name] = pl.concat([pl.read_parquet(one / f"table-{name}.parquet") for one in parts.folders])
    return whole, parts, tables


def assert_same(folder: Path, place: Path, *, rows_each: int = 150, region: str | None = None) -> Spread:
    """The same tables, problems and counts; every person in one folder."""
    whole, parts, tables = both_ways(folder, place, rows_each=rows_each, region=region)
    for name, frame in whole.tables.items():
        key = [pl.struct(frame.columns).hash()]
        assert tables[name].height == frame.height, name
        assert tables[name].sort(key).equals(frame.sort(key)), name
    assert sorted(map(repr, parts.problems)) == sorted(map(repr, whole.problems))
    assert parts.sources.equals(whole.sources)
    assert parts.rows == sum(whole.tables[name].height for name in ("contribution", "flow"))
    known = pl.concat([whole.tables[name]["person_id"] for name in ("contribution", "flow", "person", "payroll")])
    assert parts.people == known.drop_nulls().n_unique()
    for one, other in zip(parts.folders, parts.folders[1:], strict=False):
        people = [pl.concat([pl.read_parquet(at / f"table-{name}.parquet")["person_id"] for name in ("contribution",
                  "flow", "person")]).drop_nulls() for at in (one, other)]
        assert not people[0].len() or not people[1].len() or str(people[0].max()) < str(people[1].min())
    assert not [path for one in parts.folders for path in one.iterdir() if path.suffix != ".parquet"]
    return parts


@pytest.fixture(scope="module")
def tables(tmp_path_factory: pytest.TempPathFactory) -> dict[str, pl.DataFrame]:
    """A simulated employer's tables, as recon's own input."""
    place = tmp_path_factory.mktemp("made")
    simulate(place, people=20, months=12, seed=5)
    return read_folder(place / "exports", mappings=[MAPPINGS], region_of=POLICY.region_of, workers=1).tables


def write(folder: Path, tables: dict[str, pl.DataFrame], shuffle: int | None = None) -> None:
    """The tables as Parquet, without their row_ids; rows in another order where ``shuffle`` says so."""
    folder.mkdir()
    for name, frame in tables.items():
        mixed = frame if shuffle is None else frame.sample(fraction=1, shuffle=True, seed=shuffle)
        if frame.height:
            mixed.drop("row_id", strict=False).write_parquet(folder / f"{name}.parquet")


@pytest.mark.parametrize("shuffle", [None, 1])
def test_every_table_of_an_employer(tables: dict[str, pl.DataFrame], tmp_path: Path, shuffle: int | None) -> None:
    """All input tables in large files, in the order of the exports and in none."""
    write(tmp_path / "in", tables, shuffle)
    place = tmp_path / "place"
    place.mkdir()
    assert len(assert_same(tmp_path / "in", place, rows_each=100).folders) > 4


# -------------------------------------------------------------------------------------------------- odd and many files

IDS = [f"11010519900101{number:03d}" for number in (1, 3, 5, 7, 9, 11, 13, 15, 17, 19)]
NAMES = ["测试甲", "测试乙", "测试丙", "王样例", "李样例", "测试丁", "测试戊", "赵样例", "钱样例", "测试甲"]
REGIONS = ["420100", "武汉", "110000", "乌有", None]


def check_digit(body: str) -> str:
    """The number with its last digit."""
    weights = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
    return body + "10X98765432"[sum(int(one) * weight for one, weight in zip(body, weights, strict=True)) % 11]


def odd_folder(folder: Path, seed: int) -> None:
    """Many native files and a few others: odd numbers, names, regions and balances, people with several numbers."""
    chance = random.Random(seed)
    people = [check_digit(body) for body in IDS]
    odd = ["PSN:42001", "PSN:42002", "DOC:H12345678", "DOC:H1234567801", "DOC:E12345678", people[0] + " ",
           people[1].lower(), f"{people[2][:4]}**********{people[2][-4:]}", "1101**********9999", people[3][:-1] + "0",
           people[5][:15] + "000", None, "", "x"]
    folder.mkdir()

    def person() -> str | None:
        return chance.choice(people if chance.random() < 0.85 else odd)

    def day(year: int = 2024) -> date:
        return date(year, chance.randint(1, 12), chance.randint(1, 28))

    def table(name: str, row: Callable[[], dict[str, object]], count: int, drop: float = 0.2) -> None:
        for number in range(count):
            rows = [row() for _ in range(chance.choice([1, 30, 90, 130]))]
            frame = pl.DataFrame(rows, schema={key: kind for key, kind in INPUT_TABLES[name].items() if key in rows[0]})
            must = list(rows[0])[:{"contribution": 3, "person": 2, "payroll": 3, "enrolment": 2}[name]]
            frame.select(one for one in frame.columns if one in must or chance.random() > drop).write_parquet(
                folder / f"{name}{number}.parquet")

    table("contribution", lambda: {
        "person_id": person(), "accrual_month": day().replace(day=1) if chance.random() < 0.97 else None,
        "employee_fen": chance.choice([12000, 0, None, 10**16]), "person_name": chance.choice([*NAMES, None, "测*", ""]),
        "region": chance.choice(REGIONS), "payment_kind": chance.choice(["normal", None, "unheard"]),
        "employer_fen": chance.randint(0, 10**6), "paid_on": day(),
    }, 3)
    table("person", lambda: {
        "person_id": person(), "person_name": chance.choice([*NAMES, "张·三", "测?甲"]),
        "employee_no": chance.choice(["E1", "E2", "E3", None]), "region": chance.choice(REGIONS),
        "aliases": chance.choice([None, None, "PSN:42001", "PSN:42002;曾用甲", f"DOC:E12345678;{people[4]}"]),
    }, 2)
    table("payroll", lambda: {
        "person_id": person(), "pay_month": day().replace(day=1), "deducted_fen": chance.randint(0, 20000),
        "person_name": chance.choice(NAMES), "employee_no": chance.choice(["E1", "E2", None]),
    }, 1)
    table("enrolment", lambda: {
        "person_id": person(), "from_month": day().replace(day=1), "region": chance.choice(REGIONS)}, 1)
    orders: list[Callable[[list[dict[str, object]]], list[dict[str, object]]]] = [
        lambda rows: rows, lambda rows: rows[::-1],
        lambda rows: [row for day in sorted({str(row["posted_on"]) for row in rows})
                      for row in reversed([one for one in rows if str(one["posted_on"]) == day])],
        lambda rows: chance.sample(rows, len(rows))]
    for number in range(3):
        balance = dict.fromkeys([*people, *odd], 0)
        rows = []
        for posted in sorted(day() for _ in range(chance.choice([20, 150]))):
            one = person()
            amount = chance.randint(-5000, 9000)
            balance[one] += amount if chance.random() > chance.choice([0, 0.05]) else 7
            rows.append({"person_id": one, "posted_on": posted, "flow_kind": "credit" if amount > 0 else "spend",
                         "amount_fen": amount, "balance_fen": balance[one] if chance.random() > 0.1 else None,
                         "region": chance.choice(REGIONS), "sub_account": chance.choice(["当年", "历年"])})
        frame = pl.DataFrame(chance.choice(orders)(rows), schema={
            key: kind for key, kind in INPUT_TABLES["flow"].items() if key in rows[0]})
        if number == 2 and seed % 3:  # a later file goes on where this one ends, the same person in both
            cut = frame.height * 2 // 3
            frame[cut:].write_csv(folder / "later.csv")
            frame = frame[:cut]
        frame.drop(chance.choice([["sub_account"], ["region"], []])).write_parquet(folder / f"flow{number}.parquet")
    # A table of text, which is read by rows, and files that are not sliced.
    pl.DataFrame([{"person_id": person(), "posted_on": str(day()), "flow_kind": "credit", "amount_fen": "120"}
                  for _ in range(70)]).write_parquet(folder / "text.parquet")
    pl.DataFrame([{"person_id": None, "person_name": chance.choice([*NAMES, "测*甲"]), "pay_month": "2024-03-01",
                   "deducted_fen": 100, "employee_no": chance.choice(["E3", None])} for _ in range(8)]
                 ).write_csv(folder / "names.csv")
    figures = [{"person_id": one, "read_on": date(2024, 12, 31), "kind": "ledger", "amount_fen": balance[one],
                "region": "武汉"} for one in (person() for _ in range(50))]
    schema = {"person_id": pl.String, "read_on": pl.Date}
    pl.DataFrame(figures[:5], schema_overrides=schema).write_csv(folder / "reading.csv")
    pl.DataFrame(figures[5:], schema_overrides=schema).write_parquet(folder / "readings.parquet")
    pl.DataFrame([{"paid_on": date(2024, 3, 1), "amount_fen": 5, "payer": "甲公司"}]).write_parquet(folder / "pay.parquet")
    pl.DataFrame([{"table": "flow", "file": "flow0.parquet", "person_id": person(), "from": date(2024, 1, 1),
                   "to": date(2024, 12, 31), "region": "武汉"}]).write_parquet(folder / "cover.parquet")
    (folder / "bad.parquet").write_bytes((folder / "flow0.parquet").read_bytes()[:-40] + b"PAR1")
    (folder / "twice.parquet").write_bytes((folder / "contribution0.parquet").read_bytes())


@pytest.mark.parametrize("seed", range(int(os.environ.get("RECON_SPREAD_SEEDS", "2"))))
def test_odd_files(tmp_path: Path, seed: int) -> None:
    """Whatever the rows: nothing depends on where a slice ends (RECON_SPREAD_SEEDS: how many folders are tried)."""
    odd_folder(tmp_path / "in", seed)
    place = tmp_path / "place"
    place.mkdir()
    assert_same(tmp_path / "in", place, region=None if seed % 2 else "420100")


# --------------------------------------------------------------------------------------------------------- whole runs


@pytest.mark.parametrize("edition", ["hr", "person"])
def test_a_large_run_says_what_a_small_one_does(
    tables: dict[str, pl.DataFrame], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, edition: str
) -> None:
    """Tables on disk, counts, exit code and workbook; nothing is left beside them."""
    write(tmp_path / "in", tables)
    small = run_folder(tmp_path / "in", Options(edition=edition))
    monkeypatch.setattr(sharding, "FROM_ROWS", 1)
    monkeypatch.setattr(sharding, "SHARD_ROWS", 400)
    monkeypatch.setattr(workers, "cores", lambda: 1)
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    told = run_folder(tmp_path / "in", Options(edition=edition), scratch=scratch)
    assert told.view.stored
    assert told.counts == small.counts
    assert told.exit_code == small.exit_code
    for run, place in ((small, "small"), (told, "large")):
        write_tables(tmp_path / place, run)
        write_tables(tmp_path / place, run, "csv")
    for name in TABLES:
        one, other = (pl.read_parquet(tmp_path / place / f"{name}.parquet") for place in ("small", "large"))
        key = [pl.struct(one.columns).hash()]
        assert one.schema == other.schema, name
        assert one.sort(key).equals(other.sort(key)), name
        lines = [sorted((tmp_path / place / f"{name}.csv").read_text().splitlines()) for place in ("small", "large")]
        assert lines[0] == lines[1], name
    write_report(tmp_path / "report.xlsx", told)
    assert result_hashes(told)["month"] == result_hashes(small)["month"]
    del told, run
    assert not list(scratch.iterdir())


def test_a_workbook_of_some_people(
    tables: dict[str, pl.DataFrame], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of too many people it tells of those with the largest open gaps, and says so; the tables tell of all."""
    write(tmp_path / "in", tables)
    monkeypatch.setattr(sharding, "FROM_ROWS", 1)
    monkeypatch.setattr(workers, "cores", lambda: 1)
    monkeypatch.setattr(large, "SHOWN_PEOPLE", 3)
    told = run_folder(tmp_path / "in", Options(), scratch=tmp_path)
    gaps = told.view.whole("gap").filter((pl.col("status") == "open") & pl.col("person_id").is_not_null()).group_by(
        "person_id").agg(pl.col("amount_fen").abs().sum()).sort("amount_fen", "person_id", descending=[True, False]
                                                                ).collect()
    assert set(told.view.table("month")["person_id"]) == set(gaps["person_id"].head(3))
    assert told.counts["months"] > told.view.table("month").height
    assert told.view.table("problem").filter(pl.col("code") == "workbook-part")["value"].to_list() == [
        f"3/{told.counts['people']}"]
