"""``recon run``."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click

from recon import job
from recon.commands.common import ask_password, progress_bar, run_options, sentences, yuan


@click.command()
@click.argument("folder", type=click.Path(path_type=Path), required=False)
@click.option("-o", "--output", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE",
              help="差异报告（Excel），默认 report.xlsx。The discrepancy workbook; default report.xlsx.")
@click.option("--tables", type=click.Path(path_type=Path, file_okay=False), metavar="DIR",
              help="另把所有结果表写到此目录。Also write every table here.")
@click.option("--tables-format", type=click.Choice(["parquet", "csv"]),
              help="结果表的格式，默认 parquet。Format of the tables; default parquet.")
@click.option("--edition", type=click.Choice(["hr", "person", "audit"]),
              help="版本；默认20人以上为 hr（读入时即丢弃消费明细），否则 person。"
                   "Default: hr above 20 people, else person.")
@click.option("--full-ids/--no-full-ids", default=None, help="报告中显示完整证件号。Show whole IDs in the workbook.")
@click.option("--state", type=click.Path(path_type=Path, file_okay=False), metavar="DIR",
              help="状态文件夹：记住上次的结果。State folder: remembers earlier runs.")
@click.option("--fail-on", type=click.Choice(["any", "new", "worse"]),
              help="哪些差异使退出码为 3，默认 any；new、worse 需要 --state。"
                   "What makes the exit code 3; default any; the others need --state.")
@click.option("--scheduled", is_flag=True,
              help="由定时任务使用：不到日子就什么也不做。For schedulers: does nothing unless a run is due.")
@click.option("--monthly", type=click.IntRange(1, 31), metavar="DAY", hidden=True, help="[schedule] monthly")
@click.option("--at", metavar="HH:MM", hidden=True, help="[schedule] at")
@click.option("--json", "as_json", is_flag=True, help="在标准输出打印计数（JSON）。Print the run's counts as JSON.")
@run_options
def run(folder: Path | None, output: Path | None, as_json: bool, scheduled: bool, config: Path | None,
        **given: Any) -> None:
    """读一个文件夹的导出，写出差异报告。Read a folder of exports and write the discrepancy workbook.

    不写文件夹则按当前目录（或 --config）的 recon.toml。Without FOLDER the recon.toml here, or --config, names it.

    \b
    例 / examples:
      recon run sample_statements -o report.xlsx
      recon run 2024年12月 -o 12月差异.xlsx --as-of 2025-01-31 --tables tables
      recon run exports --lang en --json

    \b
    退出码 / exit: 0 没有待处理 nothing open · 3 有待处理的差异 open gaps · 4 有文件或行不能用 input rejected
                   2 用法、配置或没有可读的文件 usage, configuration, nothing readable · 1 程序错误 a bug
    """
    with sentences(), progress_bar() as progress:
        settings = job.settle(folder, config, {**given, "report": output})
        done = job.perform_if_due(settings, progress) if scheduled else job.perform(settings, progress, ask_password())
    if done is None:
        if sys.stderr.isatty():
            click.echo("还没到日子，或本期已经做过 / not due, or done already", err=True)
        return
    if as_json:
        click.echo(json.dumps(done.counts, ensure_ascii=False, indent=1))
    else:
        for line in _told(done, settings.lang or "zh"):
            click.echo(line)
    sys.exit(done.exit_code)


_OFFSETS_TOLD = 6  # lines on the screen; all of them stand in the workbook


def _told(done: job.Outcome, lang: str) -> Iterator[str]:
    """A few lines for the screen: no name, no ID."""
    counts = done.counts
    gaps, rejected, since = counts["gaps"], counts["rejected"], job.since(counts.get("since"), lang)
    if lang == "zh":
        accepted = f"（其中已接受 {counts['accepted']}）" if counts["accepted"] else ""
        yield f"基准日 {counts['as_of']} · {counts['people']}人 {counts['months']}人月 · 版本 {counts['edition']}"
        yield (f"待处理 {gaps['open']}{accepted} · 等待中 {gaps['pending']} · 无法判断 {gaps['unknown']} · "
               f"未划入合计 {yuan(counts['outstanding_fen'])} 元")
        if counts["only_credited"]:
            yield f"没有核对：{counts['only_credited']}人只有个人账户明细、没有缴费记录，见“汇总”③"
        if counts["region_unstated"]:
            yield (f"没有参保地：{counts['region_unstated']}人的资料没写，用不上当地规则；"
                   "加 --region（如 --region 武汉）")
        if since is not None:
            yield f"与上次比：{since}"
        for line in counts["payslip_months"][:_OFFSETS_TOLD]:
            yield f"工资月到所扣费款月：{line}"
        if rejected["files"] or rejected["rows"]:
            yield f"不能用：文件 {rejected['files']} 个、行 {rejected['rows']} 行，见“资料问题”表"
    else:
        accepted = f" (accepted: {counts['accepted']})" if counts["accepted"] else ""
        yield (f"as of {counts['as_of']} · {counts['people']} people, {counts['months']} months · "
               f"edition {counts['edition']}")
        yield (f"open {gaps['open']}{accepted} · waiting {gaps['pending']} · cannot tell {gaps['unknown']} · "
               f"outstanding {yuan(counts['outstanding_fen'])} yuan")
        if counts["only_credited"]:
            yield (f"not checked: {counts['only_credited']} with an account export and no contribution record; see "
                   "the summary, part 3")
        if counts["region_unstated"]:
            yield (f"no region: the files of {counts['region_unstated']} name none, so no rule applies; "
                   "add --region (--region 武汉)")
        if since is not None:
            yield f"since the last run: {since}"
        for line in counts["payslip_months"][:_OFFSETS_TOLD]:
            yield f"month a payslip deducts for: {line}"
        if rejected["files"] or rejected["rows"]:
            yield f"not usable: {rejected['files']} files, {rejected['rows']} rows; see the sheet of data problems"
    for code in done.alerts:
        yield f"{'注意' if lang == 'zh' else 'note'}: {job.alert(code, lang, done.facts)}"
    yield f"报告：{done.report}" if lang == "zh" else f"report: {done.report}"
