"""The command line: parses, calls :mod:`recon.batch`, says what happened, and sets the exit code.

Nothing heavy is imported here, so that help comes at once. Exit codes: 0 nothing open, 3 open gaps, 4 a file or row
was rejected (wins over 3), 2 usage, configuration or nothing readable, 1 a crash.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NoReturn

import click

from recon import __version__, batch

_FOLDER = click.argument("folder", type=click.Path(path_type=Path))
_MAPPINGS = click.option(
    "--mappings", type=click.Path(path_type=Path, file_okay=False), metavar="DIR",
    help="自己的格式与政策文件（formats/、policy/），逐项覆盖自带的。"
         "Your own formats and policy, laid over the shipped.",
)
_LANG = click.option("--lang", type=click.Choice(["zh", "en"]), default="zh", show_default=True,
                     help="语言。Language of report and messages.")


def _run_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """The options that decide answers; shared by run and explain."""
    decorators: list[Callable[[Callable[..., Any]], Callable[..., Any]]] = [
        click.option("--as-of", metavar="DATE|today",
                     help="基准日；默认为资料中最新的到账、入账或导出日期。"
                          "As-of date; default: the newest date in the rows."),
        click.option("--region", metavar="CODE|名称",
                     help="资料没写统筹区时用的地区，如 420100 或 武汉。Region where the files name none."),
        click.option("--tolerance", type=click.IntRange(0, 24), metavar="MONTHS",
                     help="到账后几个月内未划入只算等待。"
                          "Months before an uncredited month turns from pending to missing."),
        _MAPPINGS, _LANG,
    ]
    for option in reversed(decorators):
        command = option(command)
    return command


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(__version__, prog_name="recon")
def main() -> None:
    """医保个人账户对账：每人每月，缴了多少、该划多少、划了多少、差在哪里、该找谁。

    Why did the personal account of the employee medical insurance not grow? Reads a folder of exports and answers for
    every person and month, to the fen. Nothing leaves the machine.

    \b
    例 / examples:
      recon run 导出文件夹 -o report.xlsx
      recon explain 导出文件夹 A007
      recon identify 导出文件夹
    """


@main.command()
@_FOLDER
@click.option("-o", "--output", type=click.Path(path_type=Path, dir_okay=False), default=Path("report.xlsx"),
              show_default=True, metavar="FILE", help="差异报告（Excel）。The discrepancy workbook.")
@click.option("--tables", type=click.Path(path_type=Path, file_okay=False), metavar="DIR",
              help="另把所有结果表写到此目录。Also write every table here.")
@click.option("--tables-format", type=click.Choice(["parquet", "csv"]), default="parquet", show_default=True,
              help="结果表的格式。Format of the tables.")
@click.option("--edition", type=click.Choice(["hr", "person", "audit"]),
              help="版本；默认20人以上为 hr（读入时即丢弃消费明细），否则 person。"
                   "Default: hr above 20 people, else person.")
@click.option("--full-ids", is_flag=True, help="报告中显示完整证件号。Show whole IDs in the workbook.")
@click.option("--json", "as_json", is_flag=True, help="在标准输出打印计数（JSON）。Print the run's counts as JSON.")
@_run_options
def run(folder: Path, output: Path, tables: Path | None, tables_format: str, edition: str | None, full_ids: bool,
        as_json: bool, as_of: str | None, region: str | None, tolerance: int | None, mappings: Path | None,
        lang: str) -> None:
    """读一个文件夹的导出，写出差异报告。Read a folder of exports and write the discrepancy workbook.

    \b
    例 / examples:
      recon run sample_statements -o report.xlsx
      recon run 2024年12月 -o 12月差异.xlsx --as-of 2025-01-31 --tables tables
      recon run exports --lang en --json

    \b
    退出码 / exit: 0 没有待处理 nothing open · 3 有待处理的差异 open gaps · 4 有文件或行不能用 input rejected
                   2 用法、配置或没有可读的文件 usage, configuration, nothing readable · 1 程序错误 a bug
    """
    options = batch.Options(as_of=as_of, region=region, tolerance=tolerance, mappings=mappings, edition=edition,
                            lang=lang, full_ids=full_ids)
    with _sentences(), _bar() as progress:
        done = batch.run_folder(folder, options, progress)
    with _sentences():
        if tables is not None:
            batch.write_tables(tables, done, tables_format)
        batch.write_report(output, done)
    if as_json:
        click.echo(json.dumps(done.counts, ensure_ascii=False, indent=1))
    else:
        for line in _told(done, output, lang):
            click.echo(line)
    sys.exit(done.exit_code)


@main.command()
@_FOLDER
@click.argument("person")
@click.option("--short", is_flag=True, help="一百五十字以内，可贴进聊天。At most 150 characters, to paste into a chat.")
@_run_options
def explain(folder: Path, person: str, short: bool, as_of: str | None, region: str | None, tolerance: int | None,
            mappings: Path | None, lang: str) -> None:
    """一个人的答案。The answers for one person: PERSON is an employee number or a list number.

    证件号不要写在命令行里；写 - 则从标准输入读。Give an ID on standard input, with PERSON as -.

    \b
    例 / examples:
      recon explain sample_statements A007
      recon explain sample_statements A007 --short
      echo 110105198503074917 | recon explain sample_statements -
    """
    key = sys.stdin.readline().strip() if person == "-" else person
    options = batch.Options(as_of=as_of, region=region, tolerance=tolerance, mappings=mappings, lang=lang,
                            edition="person")
    with _sentences(), _bar() as progress:
        text = batch.explain_person(folder, key, options, short=short, progress=progress)
    click.echo(text)


@main.command()
@_FOLDER
@_MAPPINGS
@click.option("--why", is_flag=True, help="逐个列出其他格式为何不认。Also say why each other format does not claim it.")
@_LANG
def identify(folder: Path, mappings: Path | None, why: bool, lang: str) -> None:
    """每个文件被哪种格式认领，不认领的原因。Which format claims each file, and why not.

    \b
    例 / example:
      recon identify sample_statements --why
    """
    with _sentences():
        claims = batch.identify(folder, batch.Options(mappings=mappings))
    for shown, claim in claims:
        name = f"{shown} [{claim.sheet}]" if claim.sheet else shown
        nobody = "没有格式认领" if lang == "zh" else "no format"
        click.echo(f"{name}\t{claim.format_id or nobody}\t{claim.table or '-'}")
        if why or claim.format_id is None:
            for format_id, reason in claim.reasons:
                click.echo(f"    {format_id}: {reason}")


@main.command()
@_MAPPINGS
@_LANG
def check(mappings: Path | None, lang: str) -> None:
    """检查所有格式与政策文件。Validate every mapping and policy file, shipped and your own.

    \b
    例 / example:
      recon check --mappings my-mappings
    """
    with _sentences():
        formats, regions = batch.check(mappings)
    click.echo(f"格式 {formats} 个、统筹区 {regions} 个，没有错误" if lang == "zh" else
               f"{formats} formats and {regions} regions, no mistakes")


@main.command()
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False))
@click.option("--people", type=click.IntRange(1, 1_000_000), default=300, show_default=True, help="人数。People.")
@click.option("--months", type=click.IntRange(12, 60), default=24, show_default=True, help="月数。Months.")
@click.option("--seed", type=int, default=1, show_default=True,
              help="随机种子；同样的参数得到同样的文件。The same arguments give the same files.")
@click.option("--noise", type=click.IntRange(0, 40), default=16, show_default=True, metavar="PERCENT",
              help="百分之几的人月有预设的事件。Per cent of person-months with a planted event.")
@_LANG
def simulate(folder: Path, people: int, months: int, seed: int, noise: int, lang: str) -> None:
    """编造一家公司：FOLDER/exports 是导出，FOLDER/truth 是答案。Make up an employer: its exports, and the truth.

    所有人、金额都是编造的。All people and sums are made up; tools/accuracy.py compares a run with the truth.

    \b
    例 / example:
      recon simulate trial --people 1000 --months 24 --seed 7
    """
    from recon import simulate as room

    try:
        made = room.simulate(folder, people=people, months=months, seed=seed, noise=noise)
    except room.SimulateError as error:
        _fail(str(error))
    click.echo(
        f"{made.people}人 {made.months}人月，文件 {made.files} 个，基准日 {made.as_of}" if lang == "zh" else
        f"{made.people} people, {made.months} months, {made.files} files, as of {made.as_of}"
    )


# ------------------------------------------------------------------------------------------------------------ screen


@contextmanager
def _sentences() -> Iterator[None]:
    """A mistaken call ends with a sentence and exit 2; anything else that goes wrong is a bug and exits 1."""
    try:
        yield
    except batch.UsageError as error:
        _fail(str(error))


def _fail(message: str) -> NoReturn:
    click.echo(message, err=True)
    sys.exit(batch.EXIT_USAGE)


@contextmanager
def _bar() -> Iterator[batch.Progress | None]:
    """A progress bar on stderr, only on a terminal."""
    if not sys.stderr.isatty():
        yield None
        return
    with click.progressbar(length=1, label="读取 reading", file=sys.stderr) as bar:
        def show(done: int, total: int) -> None:
            bar.length = total
            bar.update(done - bar.pos)

        yield show


def _told(done: batch.Run, output: Path, lang: str) -> Iterator[str]:
    """A few lines for the screen: no name, no ID."""
    counts = done.counts
    gaps, rejected = counts["gaps"], counts["rejected"]
    if lang == "zh":
        yield f"基准日 {counts['as_of']} · {counts['people']}人 {counts['months']}人月 · 版本 {counts['edition']}"
        yield (f"待处理 {gaps['open']} · 等待中 {gaps['pending']} · 无法判断 {gaps['unknown']} · "
               f"未划入合计 {_yuan(counts['outstanding_fen'])} 元")
        if rejected["files"] or rejected["rows"]:
            yield f"不能用：文件 {rejected['files']} 个、行 {rejected['rows']} 行，见“资料问题”表"
        yield f"报告：{output}"
    else:
        yield (f"as of {counts['as_of']} · {counts['people']} people, {counts['months']} months · "
               f"edition {counts['edition']}")
        yield (f"open {gaps['open']} · waiting {gaps['pending']} · cannot tell {gaps['unknown']} · "
               f"outstanding {_yuan(counts['outstanding_fen'])} yuan")
        if rejected["files"] or rejected["rows"]:
            yield f"not usable: {rejected['files']} files, {rejected['rows']} rows; see the sheet of data problems"
        yield f"report: {output}"


def _yuan(fen: int) -> str:
    return f"{'-' if fen < 0 else ''}{abs(fen) // 100:,}.{abs(fen) % 100:02d}"


if __name__ == "__main__":
    main()
