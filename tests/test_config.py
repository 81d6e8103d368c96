"""recon.toml: what it may say, what is said of mistakes, and that the command line wins."""

from __future__ import annotations

import re
from dataclasses import fields
from datetime import date
from pathlib import Path

import pytest

from recon import job
from recon.config import KEYS, REPEATED_KEYS, ConfigError, Settings, load_config, template
from support import CONFORMANCE, run_recon

EXPORTS = CONFORMANCE / "01-reference-year" / "exports"


def write(place: Path, text: str) -> Path:
    """A recon.toml of this text."""
    path = place / "recon.toml"
    path.write_text(text, encoding="utf-8")
    return path


def mistakes(place: Path, text: str) -> list[str]:
    """What is said of a file that is wrong, line by line."""
    with pytest.raises(ConfigError) as caught:
        load_config(write(place, text))
    return str(caught.value).splitlines()


def test_every_key_has_a_place_in_the_settings() -> None:
    """What may be written is what a run is told, and the other way round."""
    known = {one.name for one in fields(Settings)} - {"file", "channels", "payers", "regions", "deferrals"}
    assert {key.field for key in KEYS} == known


def test_the_written_file_can_be_read_as_it_is(tmp_path: Path) -> None:
    """A fresh recon.toml says nothing; with every example switched on it is valid as well."""
    path = write(tmp_path, template())
    assert load_config(path) == Settings(file=path)
    text = re.sub(r"^# (\[+[a-z.\"0-9A-Z]+\]+|[a-z_]+ = )", r"\1", template(), flags=re.MULTILINE)
    assert text.count("\n# ") < template().count("\n# ") - len(KEYS) - len(REPEATED_KEYS)
    whole = load_config(write(tmp_path, text.replace('url_file = ', "# url_file = ")))
    assert None not in [getattr(whole, key.field) for key in KEYS]
    assert [len(each) for each in (whole.channels, whole.payers, whole.regions, whole.deferrals)] == [1, 1, 1, 1]


@pytest.mark.parametrize(("text", "said"), [
    ("[run]\ntolerence = 3\n", ":2 [run] tolerence：没有这个键；相近的有：tolerance"),
    ("[nofify]\nwhen = 'new'\n", ":1 nofify：没有这一节；相近的有：notify"),
    ("[run]\nedition = 'audits'\n", "是否指 audit？"),
    ("[run]\ntolerance = 99\n", "应是 0 到 24 的整数"),
    ("[run]\ntolerance = true\n", "应是 0 到 24 的整数"),
    ("[run]\nas_of = 'yesterday'\n", '应是 "today" 或日期'),
    ("[run]\nregion = 420100\n", "应是加引号的文字"),
    ("[run]\nfull_ids = 'yes'\n", "应是 true 或 false"),
    ("[schedule]\nat = '25:00'\n", "HH:MM"),
    ("[calendar]\nholidays = ['2027-02-05']\n", "应是日期的列表"),
    ("[thresholds]\nmin_yuan = 1.005\n", "至多两位小数"),
    ('[thresholds]\nmin_yuan = "1_00"\n', "至多两位小数"),
    ("[folders]\nreport = 'r-{who}.xlsx'\n", "只能是 {as_of} 或 {month}"),
    ("run = 3\n", "应写成 [run] 一节"),
    ("[[notify.channels]]\nname = 'a'\n", "写且只写一个"),
    ("[[notify.channels]]\nurl = 'wecombot://key'\n", "不能写在这里"),
    ("[payers]\nx = 3\n", '应写成 [payers."'),
    ('[payers."9111"]\nagency = "no"\n', ':2 [payers 9111] agency：应是 true 或 false'),
    ('[payers."9111"]\nalias = ["a"]\n', "相近的有：aliases"),
    ('[[deferrals]]\nfirst = "2025-06"\nlast = "2025-01"\n', "first 不晚于 last"),
    ("[run\n", "不是合格的 TOML"),
    ("[run]\nas_of = 'today'\nas_of = 'today'\n", "不是合格的 TOML"),
])
def test_a_mistake_is_named_with_its_place(tmp_path: Path, text: str, said: str) -> None:
    """File, line, section and key; what is wrong and what to do; in both languages."""
    lines = mistakes(tmp_path, text)
    assert lines[0].startswith("recon.toml")
    assert said in lines[0]
    assert " / " in lines[0]


def test_all_mistakes_at_once(tmp_path: Path) -> None:
    """One reading tells them all."""
    assert len(mistakes(tmp_path, "[run]\ntolerance = -1\nedition = 1\n[stat]\n")) == 3


def test_a_secret_never_stands_in_the_message(tmp_path: Path) -> None:
    """An address written in the wrong place is not repeated on the screen."""
    assert "s3cret" not in "".join(mistakes(tmp_path, "[[notify.channels]]\nurl = 'json://s3cret'\n"))


def test_paths_start_at_the_file(tmp_path: Path) -> None:
    """Relative paths are those of the file's folder, wherever recon is started."""
    settings = load_config(write(tmp_path, "[folders]\ninput = '导出'\nreport = '报告/{month}.xlsx'\n"))
    assert (settings.folder, settings.report) == (tmp_path / "导出", tmp_path / "报告" / "{month}.xlsx")


def test_payroll_settings_come_from_the_file(tmp_path: Path) -> None:
    """Payers, regions and deferrals reach the payroll legs."""
    write(tmp_path, '[payroll]\njoins_by = 15\nleaves_from = 16\n[legs]\npayment = "off"\n'
                    '[payers."9111"]\nagency = true\naliases = ["W1"]\noffset = 1\n'
                    '[regions."420100"]\ndeadline_day = 25\noffset = 0\n'
                    '[[deferrals]]\nfirst = "2025-01"\nlast = "2025-02"\n')
    rules = job.payroll_of(job.settle(tmp_path, None, {}))
    payer = rules.payers["9111"]
    assert (payer.name, payer.is_agency, payer.aliases) == ("9111", True, ("W1",))
    assert (rules.mid_month[""].joins_by, rules.mid_month[""].leaves_from) == (15, 16)
    assert (rules.offset_of("420100", None), rules.offset_of(None, "9111"), rules.offset_of("1", "2")) == (0, 1, None)
    assert rules.deadline_day == {"420100": 25}
    assert rules.deferrals[0].last == date(2025, 2, 1)
    assert rules.legs == {"payroll", "declared", "arrived", "credit"}


def test_the_command_line_wins(tmp_path: Path) -> None:
    """What is typed stands over what is written; the rest of the file holds."""
    write(tmp_path, "[run]\ntolerance = 2\nlang = 'en'\nedition = 'audit'\nfull_ids = true\n")
    settings = job.settle(tmp_path, None, {"tolerance": 5, "lang": None, "full_ids": False})
    assert (settings.tolerance, settings.lang, settings.edition, settings.full_ids) == (5, "en", "audit", False)


def exports(place: Path, config: str) -> Path:
    """The reference year with a recon.toml beside it."""
    for path in EXPORTS.iterdir():
        (place / path.name).write_bytes(path.read_bytes())
    write(place, config)
    return place


def test_run_finds_the_file_in_the_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a word on the command line: folder, language and report come from the file, which is no export."""
    folder = exports(tmp_path, "[folders]\nreport = '报告/差异-{as_of}.xlsx'\n[run]\nlang = 'en'\nas_of = '2025-03-31'\n")
    monkeypatch.chdir(folder)
    outcome = run_recon(["run", "--json"])
    assert outcome.code == 3
    assert '"as_of": "2025-03-31"' in outcome.stdout
    assert "unknown-format" not in outcome.stdout
    assert (folder / "报告" / "差异-2025-03-31.xlsx").exists()


def test_run_takes_a_given_file(tmp_path: Path) -> None:
    """--config names the file, the file names the folder."""
    (tmp_path / "in").mkdir()
    exports(tmp_path / "in", "")
    path = write(tmp_path, "[folders]\ninput = 'in'\nreport = 'r.xlsx'\n")
    assert run_recon(["run", "--config", path]).code == 3
    assert (tmp_path / "r.xlsx").exists()


def test_explain_follows_the_file_too(tmp_path: Path) -> None:
    """The same settings decide what one person is told."""
    folder = exports(tmp_path, "[run]\nlang = 'en'\n")
    outcome = run_recon(["explain", folder, "-"], stdin="110105198503074917\n")
    assert outcome.code == 0
    assert "2024-05" in outcome.stdout


def test_a_wrong_file_ends_with_2(tmp_path: Path) -> None:
    """A mistake in the file is a mistaken call, and nothing is written."""
    folder = exports(tmp_path, "[run]\nlang = 'fr'\n")
    outcome = run_recon(["run", folder, "-o", tmp_path / "r.xlsx"])
    assert outcome.code == 2
    assert "recon.toml:2 [run] lang" in outcome.stderr
    assert not (tmp_path / "r.xlsx").exists()


@pytest.mark.parametrize("arguments", [["run"], ["run", "--config", "nowhere.toml"]])
def test_no_folder_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str]) -> None:
    """Neither folder nor file: 2, and what to do."""
    monkeypatch.chdir(tmp_path)
    outcome = run_recon(arguments)
    assert outcome.code == 2
    assert "recon init" in outcome.stderr


def test_a_leg_switched_off_is_not_looked_at(tmp_path: Path) -> None:
    """With the flows off nothing can be told of credits."""
    folder = exports(tmp_path, "[legs]\nflow = 'off'\n")
    outcome = run_recon(["run", folder, "-o", tmp_path / "r.xlsx", "--json"])
    assert outcome.code == 0
    assert '"no_account_export"' in outcome.stdout


def test_init_writes_a_file_and_keeps_an_old_one(tmp_path: Path) -> None:
    """init writes what was chosen; called again it changes nothing and says so."""
    outcome = run_recon(["init", tmp_path, "--region", "420100", "--monthly", "6", "--at", "08:30"])
    assert outcome.code == 0
    settings = load_config(tmp_path / "recon.toml")
    assert (settings.region, settings.monthly, settings.at, settings.state) == (
        "420100", 6, "08:30", tmp_path / ".recon")
    before = (tmp_path / "recon.toml").read_bytes()
    assert run_recon(["init", tmp_path]).code == 2
    assert (tmp_path / "recon.toml").read_bytes() == before


def test_init_writes_nothing_wrong(tmp_path: Path) -> None:
    """A choice that the file would not accept is refused at once."""
    outcome = run_recon(["init", tmp_path, "--at", "8 Uhr"])
    assert outcome.code == 2
    assert "HH:MM" in outcome.stderr
    assert not (tmp_path / "recon.toml").exists()
