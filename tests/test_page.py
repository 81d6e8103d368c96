"""The page for one person: complete, self-contained, about nobody else, readable on a phone."""

from __future__ import annotations

import re
import shutil
import subprocess
from functools import cache
from html import escape
from html.parser import HTMLParser
from pathlib import Path

import polars as pl
import pytest

import report_run
from core_cases import ME, account, context_of, credits, flow, lines, policy
from recon.core.reconcile import reconcile
from recon.report.bridging import bars
from recon.report.explain import Answers, answers
from recon.report.page import page
from recon.report.view import RunView
from support import SAMPLES, run_recon
from test_balance import chained as with_balances

PHONE, DESK = 360, 1280
VOID = {"meta", "line", "rect", "circle", "path", "br"}
BLAME = re.compile("欠缴|挪用|截留|漏缴|挂靠|保险公司|社保局|统筹")
BROWSER = next((found for name in ("chromium", "chromium-browser", "google-chrome") if (found := shutil.which(name))), None)


@cache
def view(lang: str = "zh") -> RunView:
    """One person with a missing month, a hole, spend, a premium and a rise, as recon itself answers."""
    spent = [flow(f"2024-{month:02d}-05", -1000, "spend") for month in range(2, 13)]
    cared = [flow(f"2024-{month:02d}-06", -300, "premium", memo="长期护理险") for month in range(2, 13)]
    paid = [*lines(count=6), *lines("2024-07", 5, scale=120)]
    came = [*credits(count=6, skip=["2024-05"]), *credits("2024-07", 5, amount=14400)]
    rows = with_balances(sorted([*came, *spent, *cared], key=lambda row: row["posted_on"]), 50_000)
    rows = [row for row in rows if row["posted_on"] != "2024-11-12"]
    tables = account(paid, rows)
    context = context_of(tables)
    result = reconcile(tables, policy(), context.as_of, context)
    return RunView(tables={**result.inputs, **result.tables}, as_of=context.as_of, edition="person", lang=lang,
                   version="1.0", region_names={"420100": "武汉市"})


def told(run: RunView, key: str) -> Answers:
    """The answers, which are there."""
    found = answers(run, key)
    assert isinstance(found, Answers)
    return found


class _Checked(HTMLParser):
    """Every tag is closed where it should be; attributes and texts are kept."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [(name, value or "") for name, value in attrs]
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [(name, value or "") for name, value in attrs]

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_the_page_needs_nothing_else(lang: str) -> None:
    """No script, no outside resource, every tag closed, and a policy that forbids both."""
    run = view(lang)
    text = page(run, told(run, ME))
    checked = _Checked()
    checked.feed(text)
    assert checked.open == []
    assert not {"script", "link", "img", "iframe", "object", "embed", "form"} & set(checked.tags)
    assert not {"src", "href", "onclick", "onload", "action"} & {name for name, _ in checked.attributes}
    assert not re.search(r"https?:|//|@import|url\(", re.sub(r"<!doctype html>", "", text))
    assert "default-src 'none'" in text
    assert len(text) < 60_000


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_the_page_says_all_the_letter_says(lang: str) -> None:
    """Every sentence of the answers stands on the page, and the drawings are there."""
    run = view(lang)
    found = told(run, ME)
    text = page(run, found)
    for sentence in [*found.overview, *found.months, *found.changes, *found.balance, *found.todo, found.short]:
        assert escape(sentence) in text
    assert text.count("<svg") == 3
    assert text.count("<tr>") == 1 + 11


def test_the_strip_shows_each_month_in_word_and_colour() -> None:
    """One cell a month, with its verdict as a sign and as a title."""
    run = view()
    text = page(run, told(run, ME))
    for month, verdict in (("2024-04", "已到账"), ("2024-05", "已缴未划"), ("2024-10", "无法判断")):
        assert f"<title>{month} {verdict}</title>" in text
    assert text.count("<title>2024-") == 11


def test_the_waterfall_leads_from_paid_to_balance() -> None:
    """Each bar starts where the last one ended; the last total is the closing balance."""
    run = view()
    found = bars(run.table("bridge"))
    assert found[0].part == "contributed"
    level = found[0].end
    for bar in found[1:]:
        if bar.is_total:
            assert bar.end == level
        else:
            assert bar.start == level
            level = bar.end
    closing = run.table("balance").sort("month")["closing_fen"].to_list()[-1]
    assert (found[-1].part, found[-1].fen) == ("closing", closing)
    assert {"spend": -11000, "premium": -3300, "unexplained": 14400}.items() <= {
        bar.part: bar.fen for bar in found}.items()


@pytest.mark.parametrize("person", [str(number) for number in range(1001, 1010)])
def test_nobody_else_and_no_blame(person: str) -> None:
    """No colleague, no full name or ID, no word of blame; file names that tell who they are about are numbers."""
    run = report_run.every_verdict(edition="person")
    text = page(run, told(run, person))
    assert not BLAME.search(text)
    for name, number in run.table("person").select("person_name", "person_id").iter_rows():
        assert name not in text
        assert number not in text


def test_markup_in_the_data_stays_text() -> None:
    """A region, a memo or a file name cannot become markup."""
    run = view()
    evil = "<script>alert(1)</script>"
    tables = {**run.tables, "gap": run.table("gap").with_columns(
        pl.col("evidence").fill_null("").str.replace(r" \[.*\]", f" [{evil}.csv#L1]"))}
    harmed = RunView(tables=tables, as_of=run.as_of, edition="person", region_names={"420100": evil})
    assert evil not in page(harmed, told(harmed, ME))


def test_a_person_without_an_account_export() -> None:
    """There is a page, too: what was paid, and what to bring."""
    tables = account(lines(count=3))
    context = context_of(tables)
    result = reconcile(tables, policy(), context.as_of, context)
    run = RunView(tables={**result.inputs, **result.tables}, as_of=context.as_of, edition="person")
    found = told(run, ME)
    text = page(run, found)
    assert "余额对不对无从核对" in text
    assert any("请发：国家医保服务平台" in line for line in found.todo)


def test_an_income_only_export_adds_up() -> None:
    """The export we ask for: what its balance lost is use that is not shown, in one sentence."""
    rows = with_balances([row for month in range(2, 8) for row in (
        flow(f"2024-{month:02d}-12"), flow(f"2024-{month:02d}-20", -3000, "spend"))])
    tables = account(lines(count=6), [row for row in rows if row["flow_kind"] == "credit"])
    context = context_of(tables)
    result = reconcile(tables, policy(), context.as_of, context)
    run = RunView(tables={**result.inputs, **result.tables}, as_of=context.as_of, edition="person")
    found = told(run, ME)
    assert found.balance == ["2024-02至2024-07：期初0.00元，划入720.00元，期末570.00元；明细只列收入，余额因此少的150.00元是没有显示的支出。"]
    assert found.todo == ["不用做什么。"]


def test_somebody_with_two_balances_only() -> None:
    """facts/users.md 1.15: the short answer tells the bound, and asks for the page that is missing."""
    read = [{"person_id": ME, "region": "420100", "read_on": day, "kind": "ledger", "amount_fen": fen}
            for day, fen in (("2024-12-31", 321540), ("2025-08-31", 345540))]
    tables = account(lines("2024-12", 9), reading=read)
    context = context_of(tables, "2025-08-31")
    result = reconcile(tables, policy(), context.as_of, context)
    run = RunView(tables={**result.inputs, **result.tables}, as_of=context.as_of, edition="person")
    short = told(run, ME).short
    assert "若没有消费，应增960.00元，实增240.00元；差720.00元是消费或未划入，给出这一年的支出合计即可判定" in short
    assert "请发：国家医保服务平台→个人账户收支明细" in short
    assert len(short) <= 150


def test_the_command_writes_the_page(tmp_path: Path) -> None:
    """recon explain … --html FILE writes it, prints the letter, and leaves nothing beside it."""
    out = tmp_path / "页.html"
    outcome = run_recon(["explain", SAMPLES, "A003", "--html", out])
    assert outcome.code == 0
    assert "【余额对不对】" in outcome.stdout
    assert "一分不差" in outcome.stdout
    assert out.read_text(encoding="utf-8").startswith("<!doctype html>")
    assert [path.name for path in tmp_path.iterdir()] == ["页.html"]


@pytest.mark.skipif(BROWSER is None, reason="no Chromium on this machine")
@pytest.mark.parametrize("lang", ["zh", "en"])
def test_it_fits_a_phone_and_a_desk(tmp_path: Path, lang: str) -> None:
    """Rendered in headless Chromium at both widths: nothing sticks out to the side."""
    run = view(lang)
    (tmp_path / "frames.html").write_text(
        "<!doctype html><body>" + "".join(
            f'<iframe width="{width}" height="800" style="border:0" srcdoc="{escape(page(run, told(run, ME)))}"></iframe>'
            for width in (PHONE, DESK))
        + "<p id=out></p><script>onload=()=>{out.textContent='widths '+[...document.querySelectorAll('iframe')]"
          ".map(f=>f.contentDocument.documentElement.scrollWidth+'/'+f.contentDocument.body.scrollHeight).join(' ')}"
          "</script>", encoding="utf-8")
    assert BROWSER is not None
    done = subprocess.run(
        [BROWSER, "--headless", "--no-sandbox", "--disable-gpu", "--virtual-time-budget=3000", "--dump-dom",
         f"--user-data-dir={tmp_path / 'profile'}", (tmp_path / "frames.html").as_uri()],
        capture_output=True, text=True, encoding="utf-8", timeout=60, check=False)
    found = re.search(r"widths (\d+)/(\d+) (\d+)/(\d+)", done.stdout)
    assert found, done.stderr[-500:]
    phone, tall, desk, _ = map(int, found.groups())
    assert phone <= PHONE
    assert desk <= DESK
    assert tall > 1000
