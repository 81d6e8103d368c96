"""The generated parts of README.md and docs/: tables and help texts that the code knows better than a writer.

A part stands between ``<!-- generated: NAME -->`` and ``<!-- /generated -->``. ``python tools/docs_pages.py``
rewrites all of them; with ``--check`` nothing is written and a stale part is an error.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory

ROOT = Path(__file__).resolve().parent.parent
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
CATALOGUE = ROOT / "docs" / "catalogue.toml"
SHOWN_ROWS = 5
SHOWN_COLUMNS = {
    "zh": ("工号", "所属月", "应划", "已划", "差额", "结论", "原因", "谁来办"),
    "en": ("Employee no.", "Month", "Due", "Credited", "Difference", "Verdict", "Why", "Who acts"),
}
PART = re.compile(r"(<!-- generated: (?P<name>[a-z-]+) -->\n).*?(<!-- /generated -->)", re.DOTALL)


def table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    """A Markdown table; a bar inside a cell is escaped."""
    lines = [list(head), *(list(row) for row in rows)]
    cells = [[cell.replace("|", "\\|").replace("\n", " ") for cell in line] for line in lines]
    cells.insert(1, ["---"] * len(cells[0]))
    return "\n".join("| " + " | ".join(line) + " |" for line in cells)


def labels(lang: str, basis: str = "credit") -> str:
    """Every label of one basis with its meaning, causes and who acts."""
    from recon.labels import CAUSES, LABEL, LABELS, OWNERS, PAYROLL_CAUSES

    chinese = lang == "zh"
    catalogue = CAUSES if basis == "credit" else PAYROLL_CAUSES
    shown = LABELS if basis == "credit" else [
        LABEL[code] for code in dict.fromkeys(cause.label for cause in PAYROLL_CAUSES)]

    def causes(code: str) -> str:
        named = [cause for cause in catalogue if cause.label == code and cause.code]
        return "；".join(f"{cause.zh}（{OWNERS[cause.owner][0]}）" for cause in named) if chinese else "; ".join(
            f"`{cause.code}` {cause.en} ({OWNERS[cause.owner][1]})" for cause in named)

    head = ("标签", "代码", "意思", "原因（谁处理）") if chinese else ("label", "code", "meaning", "causes (who acts)")
    return table(head, (
        (label.zh if chinese else label.en, f"`{label.code}`", label.meaning_zh if chinese else label.meaning_en,
         causes(label.code)) for label in shown))


def verdicts(lang: str) -> str:
    """Every word of the verdict column, with the labels and causes it stands for."""
    from recon.labels import CAUSES, LABEL, STATUSES, VERDICTS, of_balance, verdict

    chinese = lang == "zh"
    hidden = ("pooled_share", "flat_fee")  # never the label of a month

    def stands_for(code: str) -> Iterator[str]:
        for cause in CAUSES:
            words = {verdict(cause.label, cause.code, status) for status in STATUSES}
            if code in words and cause.label not in hidden and not of_balance(cause.label, cause.code):
                label = LABEL[cause.label]
                name, why = (label.zh, cause.zh) if chinese else (label.en, cause.en)
                yield name if cause.code is None else f"{name}：{why}" if chinese else f"{name}: {why}"

    head = ("结论", "代码", "包含") if chinese else ("verdict", "code", "stands for")
    return table(head, ((zh if chinese else en, f"`{code}`", ("；" if chinese else "; ").join(stands_for(code)))
                        for code, (zh, en) in VERDICTS.items()))


def problems() -> str:
    """The catalogue of problem codes."""
    from recon.problems import CATALOGUE

    return table(("code", "severity", "意思 / meaning", "怎么办 / remedy"), (
        (f"`{kind.code}`", kind.severity, f"{kind.zh}<br>{kind.en}", f"{kind.remedy_zh}<br>{kind.remedy_en}")
        for kind in CATALOGUE.values()))


def formats() -> str:
    """The formats that are known, as their files describe themselves."""
    files = sorted((ROOT / "mappings" / "formats").glob("*.toml"))
    read = (tomllib.loads(path.read_text(encoding="utf-8")) for path in files)
    return table(("format", "table", "名称 / name", "samples"), (
        (f"`{entry['id']}`", f"`{entry['table']}`", f"{entry['zh']}<br>{entry['en']}", "<br>".join(entry["samples"]))
        for entry in read if "id" in entry))


def catalogue() -> list[dict[str, object]]:
    """Every known layout, with its samples or the reason why it has none."""
    layouts: list[dict[str, object]] = tomllib.loads(CATALOGUE.read_text(encoding="utf-8"))["layout"]
    return layouts


def layouts() -> str:
    """Each layout, its data file, its samples and the rows expected of them."""
    formats = ROOT / "mappings" / "formats"
    of_sample = {sample: path.name for path in sorted(formats.glob("*.toml"))
                 for sample in tomllib.loads(path.read_text(encoding="utf-8")).get("samples", [])}

    def rows() -> Iterator[tuple[str, ...]]:
        for layout in catalogue():
            for number, name in enumerate(layout.get("samples", ())):  # type: ignore[arg-type,var-annotated]
                folder = next(each for each in ("sample_statements", "tests/formats") if (ROOT / each / name).is_file())
                data = of_sample[name]
                said = (str(layout["at"]), f"{layout['zh']}<br>{layout['en']}") if not number else ("", "")
                rows_file = f"{folder}/{name}.expected.tsv"
                yield (*said, f"[{data}](../mappings/formats/{data})", f"[{name}](../{folder}/{name})",
                       f"[{expected_rows(ROOT / rows_file)}](../{rows_file})")

    return table(("目录 / no.", "版式 / layout", "格式文件 / data file", "样例 / sample", "预期 / expected"), rows())


def expected_rows(path: Path) -> str:
    """``flow 6, payment 1`` of a file of expected rows; why there are none where there are none."""
    counts: dict[str, int] = {}
    name = ""
    for line in path.read_text(encoding="utf-8").splitlines()[1:]:
        if line.startswith("## "):
            name = line[3:]
            counts[name] = 0
        else:
            counts[name] += 1
    problems = counts.pop("problem", 0)
    counts.pop("coverage", 0)
    found = ", ".join(f"{table} {count - 1}" for table, count in sorted(counts.items()))
    return found or (f"problem {problems}" if problems else "0")


def not_covered() -> str:
    """The layouts that have no data file, what happens to them, and why."""
    return table(("目录 / no.", "版式 / layout", "现在怎样 / what happens", "为什么 / why"), (
        (str(layout["at"]), f"{layout['zh']}<br>{layout['en']}", str(layout["none"]), str(layout["why"]))
        for layout in catalogue() if "none" in layout))


def commands() -> str:
    """The help of every command."""
    import click

    from recon.cli import main

    def texts(command: click.Command, context: click.Context) -> Iterator[str]:
        yield f"## {context.command_path}\n\n```\n{command.get_help(context)}\n```\n"
        if isinstance(command, click.Group):
            for name in sorted(command.list_commands(context)):
                own = command.get_command(context, name)
                assert own is not None
                yield from texts(own, click.Context(own, parent=context, info_name=name, max_content_width=100))

    return "\n".join(texts(main, click.Context(main, info_name="recon", max_content_width=100)))


def config() -> str:
    """Every key of recon.toml."""
    from recon.config import KEYS, REPEATED_KEYS

    return table(("section", "key", "意思 / meaning", "例 / example"), (
        (f"`{key.section}`", f"`{key.name}`", f"{key.zh}<br>{key.en}", f"`{key.example}`")
        for key in (*KEYS, *REPEATED_KEYS)))


def tables() -> str:
    """Every canonical table with its columns and types."""
    from recon.tables import INPUT_TABLES, RESULT_TABLES

    kinds = {"String": "text", "Int64": "fen", "Date": "date", "Boolean": "true/false", "Int32": "number"}

    def rows(group: dict[str, dict[str, object]]) -> Iterator[tuple[str, str]]:
        for name, schema in group.items():
            columns = (f"`{column}`" if str(kind) in ("String", "Int64") else f"`{column}` ({kinds[str(kind)]})"
                       for column, kind in schema.items())
            yield f"`{name}`", ", ".join(columns)

    return "\n\n".join(table((head, "columns"), rows(group)) for head, group in (
        ("input table", INPUT_TABLES), ("result table", RESULT_TABLES)))


def sample(lang: str) -> str:
    """What a run on the sample statements prints, and the first lines of its exceptions sheet."""
    from openpyxl import load_workbook

    typed = ["run", "sample_statements", "-o", "report.xlsx", *(["--lang", lang] if lang != "zh" else [])]
    with TemporaryDirectory() as place:
        command = [sys.executable, "-m", "recon", *typed]
        command[4] = str(ROOT / "sample_statements")
        done = subprocess.run(command, cwd=place, capture_output=True, encoding="utf-8", check=False)
        book = load_workbook(Path(place) / "report.xlsx", read_only=True)
        name, rows = book.sheetnames[1], list(book.worksheets[1].iter_rows(max_row=SHOWN_ROWS + 1, values_only=True))
        book.close()
    places = [rows[0].index(column) for column in SHOWN_COLUMNS[lang]]
    told = f"$ recon {' '.join(typed)}\n{done.stdout.strip()}\n$ echo $?\n{done.returncode}"
    cells = table(SHOWN_COLUMNS[lang], ([_cell(row[place]) for place in places] for row in rows[1:]))
    return f"```\n{told}\n```\n\n{name}:\n\n{cells}"


def _cell(value: object) -> str:
    """A cell as the workbook shows it."""
    if isinstance(value, datetime):
        return f"{value:%Y-%m}"
    return f"{value:.2f}" if isinstance(value, int | float) else str(value or "")


PARTS: dict[str, Callable[[], str]] = {
    "labels-zh": lambda: labels("zh"), "labels-en": lambda: labels("en"),
    "payroll-labels-zh": lambda: labels("zh", "payroll"), "payroll-labels-en": lambda: labels("en", "payroll"),
    "verdicts-zh": lambda: verdicts("zh"), "verdicts-en": lambda: verdicts("en"),
    "sample-zh": lambda: sample("zh"), "sample-en": lambda: sample("en"),
    "problems": problems, "tables": tables, "formats": formats, "commands": commands,
    "config": config, "layouts": layouts, "not-covered": not_covered,
}


def renewed(text: str) -> str:
    """A page with all its generated parts renewed."""
    return PART.sub(lambda found: f"{found[1]}{PARTS[found['name']]().strip()}\n{found[3]}", text)


def main(check: bool) -> int:
    """Rewrite the stale pages, or with ``check`` name them; the exit code."""
    stale = [page for page in PAGES if renewed(page.read_text(encoding="utf-8")) != page.read_text(encoding="utf-8")]
    for page in stale:
        name = page.relative_to(ROOT)
        print(f"{name}: generated parts are out of date; run: make golden" if check else f"{name}: rewritten")
        if not check:
            page.write_text(renewed(page.read_text(encoding="utf-8")), encoding="utf-8")
    return int(check and bool(stale))


if __name__ == "__main__":
    sys.exit(main("--check" in sys.argv[1:]))
