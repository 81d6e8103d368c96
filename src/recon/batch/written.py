"""What a run leaves: the workbook, the tables, and what tells two runs apart; each file is renamed into place."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from recon.batch.calls import Run, UsageError

if TYPE_CHECKING:
    import polars as pl

_HASHED_ROWS = 200_000


def write_report(path: Path, run: Run) -> None:
    """The workbook at ``path``: written beside it under a temporary name, then renamed."""
    from recon.report.workbook import write_workbook

    with beside(path) as temporary:
        write_workbook(temporary, run.view)


def write_tables(directory: Path, run: Run, kind: str = "parquet") -> None:
    """Every canonical table into ``directory`` as Parquet or CSV, each renamed into place."""
    from recon.tables import TABLES, conform

    directory.mkdir(parents=True, exist_ok=True)
    for name in TABLES:
        with beside(directory / f"{name}.{kind}") as temporary:
            if name in run.view.stored:
                if kind == "csv":
                    run.view.whole(name).sink_csv(temporary)
                else:
                    shutil.copyfile(run.view.stored[name], temporary)
                continue
            frame = conform(run.view.table(name), name)
            if kind == "csv":
                frame.write_csv(temporary)
            else:
                frame.write_parquet(temporary)


def result_hashes(run: Run) -> dict[str, tuple[int, str]]:
    """Rows and sha256 of every result table, for telling whether two runs gave the same."""
    from recon.tables import RESULT_TABLES, conform

    hashes = {}
    for name in RESULT_TABLES:
        if name in run.view.stored:
            hashes[name] = _stored_hash(run.view.whole(name))
            continue
        frame = conform(run.view.table(name), name)
        if name == "source":  # recon's own reports in the folder come and go
            frame = frame.remove(frame["status"] == "own_output")
        hashes[name] = (frame.height, hashlib.sha256(frame.write_csv().encode()).hexdigest())
    return hashes


def _stored_hash(table: pl.LazyFrame) -> tuple[int, str]:
    """Rows and hash of a large table, some rows at a time; the same as of the whole."""
    import polars as pl

    rows = table.select(pl.len()).collect().item()
    mark = hashlib.sha256()
    for at in range(0, max(rows, 1), _HASHED_ROWS):
        mark.update(table.slice(at, _HASHED_ROWS).collect().write_csv(include_header=at == 0).encode())
    return rows, mark.hexdigest()


@contextlib.contextmanager
def beside(path: Path) -> Iterator[Path]:
    """A temporary name beside ``path`` that becomes ``path`` when all went well, and is removed when not."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        yield temporary
        temporary.replace(path)
    except PermissionError as error:
        message = f"写不进 {path.name}：是否正在用表格软件打开？ / cannot write it; is it open elsewhere?"
        raise UsageError(message) from error
    except Exception as error:
        if _is_full(error):
            raise UsageError(
                f"磁盘满了，{path.name} 没有写成，原来的还在；腾出空间后再运行 / "
                "the disk is full; it was not written and an older one is still there: make room and run again"
            ) from error
        raise
    finally:
        temporary.unlink(missing_ok=True)


def _is_full(error: BaseException | None) -> bool:
    """Whether a full disk is behind an error; the libraries that write wrap it, or only say so."""
    if error is None:
        return False
    inner = [one for one in error.args if isinstance(one, BaseException)]
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EFBIG, getattr(errno, "EDQUOT", None)):
        return True
    told = any(os.strerror(code) in str(error) for code in (errno.ENOSPC, errno.EFBIG))
    return told or any(_is_full(one) for one in (*inner, error.__cause__))
