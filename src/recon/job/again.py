"""A kept run performed again, from its files, and compared table by table."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from recon import __version__, batch
from recon.batch import UsageError
from recon.config import Settings
from recon.job.past import file_hash
from recon.job.settle import options_of, scratch_of, unpacked
from recon.state.place import StateError
from recon.state.store import RunRecord, open_store


@dataclass(frozen=True)
class Verified:
    """How a kept run and its repetition compare.

    missing and changed are counts of input files; rules names format and policy files that differ since; tables are
    (name, rows then, rows now) of those that came out differently.
    """

    run_id: int
    as_of: str
    tables: tuple[tuple[str, int, int], ...]
    compared: int
    missing: int = 0
    changed: int = 0
    rules: tuple[str, ...] = ()
    program: str = ""  # the version of then, where it was another

    @property
    def exit_code(self) -> int:
        """4 where the input is no longer that of the run, else 3 where a table differs, else 0."""
        if self.missing or self.changed:
            return batch.EXIT_REJECTED
        return batch.EXIT_OPEN if self.tables else batch.EXIT_CLEAR


def verify(settings: Settings, run: str, progress: batch.Progress | None = None) -> Verified:
    """Perform the kept run ``run`` (its number, or last) again; nothing is written. Raises UsageError."""
    record = _record(settings, run)
    folder = settings.folder if settings.file is None and settings.folder else Path(record.folder)
    told = replace(unpacked(record.options), folder=folder, passwords=settings.passwords)
    if not folder.is_dir():
        raise UsageError("那次运行的文件夹不在了；写 recon verify 编号 --folder 指出 / "
                         "the folder of that run is gone; say where it is with --folder")
    rules = {name: file_hash(path) for name, path in batch.rule_files(told.mappings, folder).items()}
    differing = tuple(sorted(name for name in rules.keys() | record.rules.keys()
                             if rules.get(name) != record.rules.get(name)))
    files, missing = _files(record, folder)
    again = batch.run_folder(folder, replace(options_of(told), as_of=record.as_of, edition=record.edition), progress,
                             scratch=scratch_of(told), files=files)
    now = {row["file"]: row["sha256"] for row in again.view.table("source").iter_rows(named=True)}
    changed = sum(1 for file, (sha, status) in record.sources.items()
                  if status != "own_output" and file in now and (now[file] or "") != sha)
    results = batch.result_hashes(again)
    tables = tuple((name, rows, results.get(name, (0, ""))[0]) for name, (rows, sha) in record.results.items()
                   if results.get(name, (0, ""))[1] != sha)
    return Verified(record.run_id, record.as_of, tables, len(record.results), missing, changed, differing,
                    record.version if record.version != __version__ else "")


def _record(settings: Settings, run: str) -> RunRecord:
    if settings.state is None or not settings.state.is_dir():
        raise UsageError("没有状态文件夹：用 --state 指出 / no state folder: give --state")
    try:
        with open_store(settings.state) as store:
            number = run.strip().upper().removeprefix("R")
            record = store.last_run() if run.lower() == "last" else store.run(int(number)) if number.isdigit() else None
            kept = store.runs()
    except StateError as error:
        raise UsageError(str(error)) from None
    if record is None:
        span = f"{kept[0]}–{kept[-1]}" if kept else "无 / none"
        raise UsageError(f"没有这次运行：{run}；保留着的：{span} / no such run is kept")
    return record


def _files(record: RunRecord, folder: Path) -> tuple[list[tuple[str, Path]], int]:
    """The input files of a run that are still there (name, path), and how many are not.

    A file that was renamed is found by its content; it is read under the name it had.
    """
    wanted = {file.partition("!")[0]: sha for file, (sha, status) in record.sources.items() if status != "own_output"}
    whole = {file for file in record.sources if "!" not in file}
    by_content: dict[str, Path] | None = None
    found: list[tuple[str, Path]] = []
    missing = 0
    for name, sha in wanted.items():
        path = folder / name
        if name in whole and (not path.is_file() or file_hash(path) != sha):
            if by_content is None:
                by_content = {file_hash(one): one for _, one in batch.input_files(folder)}
            path = by_content.get(sha, path)
        if path.is_file():
            found.append((name, path))
        else:
            missing += 1
    return found, missing
