"""recon policy on the command line, and a user's own policy file among the exports."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from core_cases import run_of
from recon.policy import load_policy
from support import CONFORMANCE, MAPPINGS, run_recon

YEAR = CONFORMANCE / "01-reference-year" / "exports"

OWN = """code = "420100"

[[in_service]]
from = "2023-02"
employer_share = [{rate = "0.005"}]
source = ["一份通知"]
confidence = "high"
"""


@pytest.fixture
def exports(tmp_path: Path) -> Path:
    """The reference year without its column of credited amounts, so that the rule alone says what is due."""
    folder = tmp_path / "exports"
    shutil.copytree(YEAR, folder)
    import polars as pl

    file = folder / "contribution.csv"
    pl.read_csv(file, infer_schema=False).drop("into_account_fen", strict=False).write_csv(file)
    return folder


def due(folder: Path, tmp_path: Path, *more: str) -> tuple[int, set[int]]:
    """Exit code and the amounts that are due by the run's table ``expected``."""
    import polars as pl

    outcome = run_recon(["run", folder, "-o", tmp_path / "r.xlsx", "--tables", tmp_path / "t", *more])
    assert outcome.code in (0, 3, 4), outcome.stderr
    return outcome.code, set(pl.read_parquet(tmp_path / "t" / "expected.parquet")["expected_fen"])


@pytest.mark.parametrize("name", ["武汉.policy.toml", "policy/mine.toml", "anything.toml"])
def test_a_file_among_the_exports_overrides_one_value(exports: Path, tmp_path: Path, name: str) -> None:
    assert due(exports, tmp_path)[1] == {12000}
    (exports / name).parent.mkdir(exist_ok=True)
    (exports / name).write_text(OWN, encoding="utf-8")
    assert due(exports, tmp_path)[1] == {15000}
    outcome = run_recon(["run", exports, "-o", tmp_path / "r.xlsx", "--json"])
    assert "unknown-format" not in json.loads(outcome.stdout)["problems"], "it is no export that nobody recognises"
    assert name.rpartition("/")[2] not in run_recon(["identify", exports]).stdout
    assert run_recon(["check", exports]).code == 0


def test_the_mappings_win_over_the_exports(exports: Path, tmp_path: Path) -> None:
    (exports / "a.policy.toml").write_text(OWN, encoding="utf-8")
    (tmp_path / "mine" / "policy").mkdir(parents=True)
    (tmp_path / "mine" / "policy" / "b.toml").write_text(OWN.replace("0.005", "0.01"), encoding="utf-8")
    assert due(exports, tmp_path, "--mappings", str(tmp_path / "mine"))[1] == {18000}


@pytest.mark.parametrize("name", ["武汉.policy.toml", "policy/mine.toml", "anything.toml"])
@pytest.mark.parametrize(("old", "new", "key"), [
    ('"0.005"', '"5"', "in_service[1].employer_share"), ('source = ["一份通知"]\n', "", "in_service[1].source"),
    ("employer_share", "employer_shre", "in_service[1].employer_shre"), ("[[in_service]]", "[[in_service", ""),
])
def test_a_mistake_stops_the_run_before_anything_is_read(
    exports: Path, tmp_path: Path, name: str, old: str, new: str, key: str
) -> None:
    """Exit 2 with file, key and remedy; even a folder that cannot be read at all gives the same answer."""
    (exports / name).parent.mkdir(exist_ok=True)
    (exports / name).write_text(OWN.replace(old, new), encoding="utf-8")
    (exports / "contribution.csv").write_bytes(b"PK\x03\x04 broken")
    for command in (["run", exports, "-o", tmp_path / "r.xlsx"], ["check", exports]):
        outcome = run_recon(command)
        assert outcome.code == 2
        assert f"{name.rpartition('/')[2]}: {key}" in outcome.stderr
        assert "政策文件有误" in outcome.stderr
        assert str(tmp_path) not in outcome.stderr
    assert not (tmp_path / "r.xlsx").exists()


def test_another_toml_is_left_alone(exports: Path, tmp_path: Path) -> None:
    (exports / "notes.toml").write_text("this is [ no toml", encoding="utf-8")
    assert due(exports, tmp_path)[1] == {12000}


def test_list_names_every_region() -> None:
    lines = run_recon(["policy", "list"]).stdout.splitlines()
    assert len(lines) == 46
    assert any(line.startswith("420100\t武汉市\t较全\t2%\t2023-02\t高\t定额") for line in lines)
    assert len(run_recon(["policy", "list", "--lang", "en"]).stdout.splitlines()) == 46


def test_every_region_can_be_shown_in_both_languages() -> None:
    from recon.policy.words import show_lines
    from recon.reading.formats import shipped

    policy = load_policy([shipped()])
    for region in policy.regions():
        for lang in ("zh", "en"):
            assert len(list(show_lines(policy, region.code, None, lang))) > 5


@pytest.mark.parametrize("region", ["北京", "110000", "110105", "北京市朝阳区"])
def test_show_says_what_is_in_force(region: str) -> None:
    text = run_recon(["policy", "show", region, "--at", "2022年8月"]).stdout
    assert "35岁以下 0.8%；35至44岁 1%；45岁及以上 2%" in text
    assert "北京市人民政府令第68号" in text
    assert "可信度高" in text


def test_show_says_what_is_not_known() -> None:
    """A month before the first known period."""
    assert "规则不明" in run_recon(["policy", "show", "杭州", "--at", "2019-01"]).stdout
    assert "policy_unknown" in run_recon(["policy", "show", "330100", "--at", "2019-01", "--lang", "en"]).stdout
    assert "national/2024-04" not in run_recon(["policy", "show", "杭州", "--at", "2019-01"]).stdout


@pytest.mark.parametrize("command", [["show"], ["diff"], ["new"]])
@pytest.mark.parametrize(("text", "near"), [("武汗", "420100 武汉市"), ("wuhna", "420100 武汉市"), ("420200", "420500 宜昌市")])
def test_an_unknown_region_lists_near_names(command: list[str], text: str, near: str) -> None:
    months = ["2022-01", "2024-01"] if command == ["diff"] else []
    outcome = run_recon(["policy", *command, text, *months])
    assert outcome.code == 2
    assert near in outcome.stderr
    outcome = run_recon(["run", YEAR, "--region", text])
    assert (outcome.code, near in outcome.stderr) == (2, True)


def test_diff_shows_what_changed_with_its_source() -> None:
    text = run_recon(["policy", "diff", "深圳", "2022-10", "2023-02"]).stdout
    assert "在职划入·单位缴费划入（按年龄）" in text
    assert "2022-12起，可信度高" in text
    assert run_recon(["policy", "diff", "深圳", "2024-01", "2024-02"]).stdout.splitlines()[1] == "没有不同"
    outcome = run_recon(["policy", "diff", "深圳", "2022-13", "2023-02"])
    assert (outcome.code, "2022-13" in outcome.stderr) == (2, True)


@pytest.mark.parametrize("region", ["420100", "110000", "310000", "442000"])
def test_a_draft_loads_as_it_is_and_once_its_examples_are_uncommented(tmp_path: Path, region: str) -> None:
    file = tmp_path / "policy" / "mine.toml"
    outcome = run_recon(["policy", "new", region, "--name", "某市", "-o", file])
    assert outcome.code == 0, outcome.stderr
    load_policy([MAPPINGS / "policy", tmp_path])
    text = file.read_text(encoding="utf-8")
    bare = [line.removeprefix("# ") if line.startswith(("# [[", "#  ")) or " = " in line else line
            for line in text.splitlines()]
    file.write_text("\n".join(line for line in bare if not line.startswith("# name")) + "\n", encoding="utf-8")
    policy = load_policy([MAPPINGS / "policy", tmp_path])
    assert policy.region_of(region) == region
    again = run_recon(["policy", "new", region, "--name", "某市", "-o", file])
    assert (again.code, "已经存在" in again.stderr) == (2, True)


def test_a_draft_from_data_holds_what_the_data_show(tmp_path: Path) -> None:
    """25 people of a city nobody knows are credited 2.5%: the draft says so, and with it the city is known."""
    import csv

    folder = tmp_path / "exports"
    folder.mkdir()
    contributions, flows = [], []
    for one in range(25):
        base = 500_000 + one * 11_100
        for month in run_of("2022-01", 6):
            key = {"person_id": f"PSN:44{one:06d}", "region": "442000"}
            contributions.append(key | {
                "person_name": f"测试{one}", "accrual_month": f"{month}-01", "paid_on": f"{month}-20", "base_fen": base,
                "employee_fen": base // 50, "employer_fen": base // 20, "payment_kind": "normal", "paid": "true",
            })
            after = run_of(month, 2)[1]
            flows.append(key | {"posted_on": f"{after}-12", "flow_kind": "credit",
                                "amount_fen": base // 50 + (base * 5 + 500) // 1000})
    for name, rows in (("contribution.csv", contributions), ("flow.csv", flows)):
        with (folder / name).open("w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, fieldnames=list(rows[0]))
            writer.writeheader()
            writer.writerows(rows)
    draft = folder / "中山.policy.toml"
    outcome = run_recon(["policy", "new", "442000", "--name", "中山市", "--from", folder, "-o", draft])
    assert outcome.code == 0, outcome.stderr
    text = draft.read_text(encoding="utf-8")
    assert 'employer_share = [{rate = "0.005"}]' in text
    assert "25人" in text
    assert 'confidence = "low"' in text
    policy = load_policy([MAPPINGS / "policy", [draft]])
    from datetime import date

    rule = policy.rule("442000", "310", None, None, date(2022, 5, 1))
    assert (rule.personal_ppm, rule.employer_ppm, rule.confidence) == (20_000, 5_000, "low")
