"""Damaged inputs by the thousand: no crash, no hang, no lost row (``make fuzz``).

Every sample of the repository (and, where they lie beside it, the public files of ``shared/samples``) is damaged at
random: bits flipped, bytes set, pieces cut out, doubled, moved, the end cut off; members of archives are damaged
inside, so that more than the checksum is tried. Inputs are read in batches in worker processes, by the same
``read_folder`` as in a run, and workbooks once more as columns. Same seed, same inputs. It fails when a reader raised
(``reader-failed``), when a worker died or took too long, when the rows of a file do not add up, or when columns say
otherwise than rows; ``--only NUMBER`` makes one input again.
"""

from __future__ import annotations

import argparse
import io
import random
import sys
import tempfile
import time
import zipfile
import zlib
from collections import Counter
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
PUBLIC = ROOT.parent / "shared" / "samples"
BATCH = 40  # inputs in one folder
SECONDS = 20  # for one input; a batch may take a quarter of all of them together
LARGEST = 300_000  # bytes of a sample that is worth damaging thousands of times


@dataclass
class Batch:
    """What became of some inputs: status -> how many, and what must not happen, with the number of its input."""

    statuses: Counter[str] = field(default_factory=Counter)
    codes: Counter[str] = field(default_factory=Counter)
    rows: int = 0
    wrong: list[str] = field(default_factory=list)


# ------------------------------------------------------------------------------------------------------------- inputs


@cache
def corpus() -> tuple[tuple[str, bytes], ...]:
    """(name, content) of every file to damage, each kind of container among them."""
    found: dict[str, bytes] = {}
    for folder in (ROOT / "sample_statements", ROOT / "tests" / "formats", ROOT / "tests" / "problems", PUBLIC):
        for path in sorted(folder.rglob("*")) if folder.is_dir() else ():
            if path.is_file() and not path.name.endswith((".expected.tsv", ".md", ".toml")):
                data = path.read_bytes()
                if 0 < len(data) <= LARGEST:
                    found[path.relative_to(folder.parent).as_posix()] = data
    text = next(data for name, data in found.items() if name.endswith(".csv")).decode("utf-8-sig", "replace")
    rows = "".join(f"<tr>{''.join(f'<td>{c}</td>' for c in line.split(','))}</tr>" for line in text.splitlines())
    cell = '<Cell><Data ss:Type="String">{}</Data></Cell>'
    cells = "".join(f"<Row>{''.join(map(cell.format, line.split(',')))}</Row>" for line in text.splitlines())
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as new:
        for name, data in list(found.items())[:6]:
            new.writestr(Path(name).name, data)
    space = "urn:schemas-microsoft-com:office:spreadsheet"
    return (
        *found.items(), ("made/gb18030.csv", text.encode("gb18030")), ("made/utf16.txt", text.encode("utf-16")),
        ("made/html.xls", f"<html><table>{rows}</table></html>".encode()), ("made/a.zip", archive.getvalue()),
        ("made/2003.xls", f'<?xml version="1.0"?><Workbook xmlns="{space}" xmlns:ss="{space}"><Worksheet ss:Name="a">'
                          f"<Table>{cells}</Table></Worksheet></Workbook>".encode()),
    )


def damaged(seed: int, number: int) -> tuple[str, bytes]:
    """Input ``number`` of ``seed``: the name of the sample and its damaged content."""
    chance = random.Random(f"{seed}:{number}")
    name, data = chance.choice(corpus())
    if data[:2] == b"PK" and chance.random() < 0.75:
        return name, _inside(data, chance)
    if data[:5] == b"%PDF-" and chance.random() < 0.6:
        return name, _in_streams(data, chance)
    return name, _damage(data, chance)


def _damage(data: bytes, chance: random.Random) -> bytes:
    """One to six random changes."""
    out = bytearray(data)
    for _ in range(chance.choice((1, 1, 1, 2, 3, 6))):
        if not out:
            break
        at = chance.randrange(len(out))
        size = chance.choice((1, 1, 2, 4, 16, 64, 512))
        match chance.randrange(8):
            case 0:
                out[at] ^= 1 << chance.randrange(8)
            case 1:
                out[at] = chance.choice((0, 9, 10, 13, 34, 39, 44, 60, 127, 128, 255, chance.randrange(256)))
            case 2:
                del out[at:at + size]
            case 3:
                out[at:at] = chance.randbytes(size)
            case 4:
                out[at:at] = out[at:at + size] * chance.choice((1, 2, 50))
            case 5:
                del out[at:]
            case 6:
                piece = out[at:at + size]
                del out[at:at + size]
                to = chance.randrange(len(out) + 1)
                out[to:to] = piece
            case _:
                digits = [k for k in range(at, min(len(out), at + 400)) if 48 <= out[k] <= 57]
                if digits:
                    out[chance.choice(digits)] = chance.choice(b"0123456789-.,/ eE\x00")
    return bytes(out)


def _inside(data: bytes, chance: random.Random) -> bytes:
    """An archive with one member damaged and everything around it whole."""
    try:
        sink = io.BytesIO()
        with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(sink, "w", zipfile.ZIP_DEFLATED) as new:
            members = old.infolist()
            victim = chance.choice(members).filename
            for member in members:
                content = old.read(member)
                new.writestr(member.filename, _damage(content, chance) if member.filename == victim else content)
        return sink.getvalue()
    except (zipfile.BadZipFile, RuntimeError, NotImplementedError, OSError, ValueError, zlib.error):
        return _damage(data, chance)


def _in_streams(data: bytes, chance: random.Random) -> bytes:
    """A PDF with one compressed stream damaged in its plain form, stored uncompressed."""
    import base64

    start = data.find(b"stream", chance.randrange(len(data)))
    begin = data.find(b"\n", start) + 1
    end = data.find(b"endstream", begin)
    if start < 0 or end < 0 or begin == 0:
        return _damage(data, chance)
    content = data[begin:end].strip()
    try:
        plain = zlib.decompress(base64.a85decode(content, adobe=False) if content.endswith(b"~>") else content)
    except (zlib.error, ValueError):
        try:
            plain = zlib.decompress(base64.a85decode(b"<~" + content, adobe=True))
        except (zlib.error, ValueError):
            return _damage(data, chance)
    packed = zlib.compress(_damage(plain, chance))
    if content.endswith(b"~>"):
        packed = base64.a85encode(packed) + b"~>"
    return data[:begin] + packed + b"\n" + data[end:]


# ------------------------------------------------------------------------------------------------------------- trying


def try_batch(_: Any, seed: int, first: int, count: int) -> Batch:
    """Inputs ``first`` to ``first + count`` read as one folder: the task of a worker."""
    import logging

    from recon.reading.folder import read_folder
    from recon.reading.formats import shipped

    logging.getLogger("pdfminer").setLevel(logging.CRITICAL)
    done = Batch()
    done.wrong += [f"{number}: a workbook read as columns says otherwise" for number in range(first, first + count)
                   if not _same_as_columns(damaged(seed, number)[1])]
    with tempfile.TemporaryDirectory() as scratch:
        for number in range(first, first + count):
            _, data = damaged(seed, number)
            (Path(scratch) / f"{number:08d}.bin").write_bytes(data)
        try:
            result = read_folder(Path(scratch), mappings=[shipped()], region_of=lambda _: "420100", workers=1)
        except MemoryError:
            raise
        except Exception as error:  # noqa: BLE001 - anything is what is looked for
            done.wrong.append(f"{first}+{count}: {type(error).__name__}: {error}"[:200])
            return done
    for source in result.sources.to_dicts():
        done.statuses[source["status"]] += "!" not in source["file"]
        done.rows += source["rows_read"]
        if source["rows_read"] != source["rows_used"] + source["rows_rejected"] + source["rows_skipped"]:
            done.wrong.append(f"{source['file'][:8]}: rows lost")
    named = {source["file"][:8] for source in result.sources.to_dicts()}
    for number in range(first, first + count):
        if f"{number:08d}" not in named:
            done.wrong.append(f"{number}: the file vanished")
    for problem in result.problems:
        done.codes[problem.code] += 1
        if problem.code in ("reader-failed", "too-slow"):
            done.wrong.append(f"{(problem.file or '')[:8]}: {problem.code} {problem.value}")
    return done


def _same_as_columns(data: bytes) -> bool:
    """Whether a workbook gives the same grids and problems when it is read as columns, which only large ones are."""
    from recon.reading import xlsx_grid
    from recon.reading.containers import open_bytes

    if data[:2] != b"PK":
        return True
    said, least = [], xlsx_grid.LARGE
    for xlsx_grid.LARGE in (least, 0):
        opened = open_bytes(data)
        said.append((opened.kind, opened.problems, [(
            grid.name, list(grid.rows), list(grid.places), grid.marks, grid.hidden, grid.merged
        ) for grid in opened.grids]))
    xlsx_grid.LARGE = least
    return said[0] == said[1]


def main() -> int:
    """Print what became of the inputs; 1 when something happened that must not."""
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--inputs", type=int, default=20_000)
    options.add_argument("--seed", type=int, default=1)
    options.add_argument("--workers", type=int, default=2)
    options.add_argument("--only", type=int, help="one input; with --keep its file is written")
    options.add_argument("--keep", type=Path, help="write the inputs that failed (or the one asked for) here")
    chosen = options.parse_args()
    if chosen.only is not None:
        name, data = damaged(chosen.seed, chosen.only)
        if chosen.keep:
            chosen.keep.write_bytes(data)
        print(name, len(data), try_batch(None, chosen.seed, chosen.only, 1))
        return 0

    from recon.reading.workers import Failure, Pool, Task

    begin = time.perf_counter()
    print(f"{len(corpus())} samples, {chosen.inputs:,} inputs, seed {chosen.seed}", flush=True)
    pool = Pool(chosen.workers)
    total, deaths = Batch(), []
    tasks = [
        Task((first, min(BATCH, chosen.inputs - first)), "fuzz:try_batch",
             (chosen.seed, first, min(BATCH, chosen.inputs - first)), SECONDS * BATCH / 4)
        for first in range(0, chosen.inputs, BATCH)
    ]
    broken: list[tuple[int, int]] = []
    done = 0
    for task, answer in pool.run(tasks, None):
        done += task.key[1]
        if isinstance(answer, Failure):
            broken.append(task.key)
        else:
            _add(total, answer)
        if sys.stderr.isatty():
            print(f"\r{done:,}", end="", file=sys.stderr)
    single = [Task(number, "fuzz:try_batch", (chosen.seed, number, 1), SECONDS)
              for first, count in broken for number in range(first, first + count)]
    for task, answer in pool.run(single, None) if single else ():
        if isinstance(answer, Failure):
            deaths.append(f"{task.key}: {answer.kind} {answer.detail} ({damaged(chosen.seed, task.key)[0]})")
        else:
            _add(total, answer)
    pool.close()
    print("files:", ", ".join(f"{status} {count:,}" for status, count in total.statuses.most_common()))
    print("problems:", ", ".join(f"{code} {count:,}" for code, count in total.codes.most_common(12)))
    print(f"rows read {total.rows:,}, all accounted for" if not total.wrong else f"rows read {total.rows:,}")
    for text in total.wrong + deaths:
        print("WRONG", text)
    print(f"{len(total.wrong)} wrong, {len(deaths)} workers lost, {time.perf_counter() - begin:.0f} s")
    return int(bool(total.wrong or deaths))


def _add(total: Batch, part: Batch) -> None:
    total.statuses += part.statuses
    total.codes += part.codes
    total.rows += part.rows
    total.wrong += part.wrong


if __name__ == "__main__":
    sys.exit(main())
