"""The state file (SQLite): opened, brought up to its present shape, read as frames, changed in one transaction."""

from __future__ import annotations

import contextlib
import json
import shutil
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import polars as pl

from recon.state.compare import EVENT_SCHEMA, KNOWN_SCHEMA
from recon.state.migrations import MIGRATIONS
from recon.state.place import StateError

FILE = "state.sqlite"
_BUSY_SECONDS = 10.0
DECISION_SCHEMA: dict[str, pl.DataType] = {
    "gap_id": pl.String(), "decision": pl.String(), "note": pl.String(), "decided_at": pl.String(),
}


@dataclass(frozen=True)
class RunRecord:
    """What is kept of a run: enough to say what it was made of, and to perform it again and compare.

    sources: file -> (sha256, status). rules: policy and format file -> sha256. results: table -> (rows, sha256).
    """

    started: str
    finished: str
    folder: str
    as_of: str
    edition: str
    version: str
    options: Mapping[str, Any]
    fingerprint: str
    exit_code: int
    counts: Mapping[str, Any]
    sources: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    rules: Mapping[str, str] = field(default_factory=dict)
    results: Mapping[str, tuple[int, str]] = field(default_factory=dict)
    compared_with: int | None = None
    slot: str | None = None
    run_id: int = 0
    repeats: int = 0
    repeated: str | None = None


@dataclass(frozen=True)
class Message:
    """A notification that waits to be sent, or waits for another try."""

    message_id: int
    channel: str
    title: str
    body: str
    created: str
    tries: int
    error: str | None


class Store:
    """The open state file. Every method either reads, or changes the file in one transaction."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._db = connection

    # ----------------------------------------------------------------------------------------------- what is known

    def last_run(self) -> RunRecord | None:
        """The newest run, with its sources, rules and results."""
        row = self._db.execute("SELECT max(run_id) FROM run").fetchone()
        return self.run(row[0]) if row[0] is not None else None

    def run(self, run_id: int) -> RunRecord | None:
        """One kept run."""
        row = self._db.execute("SELECT * FROM run WHERE run_id = ?", (run_id,)).fetchone()
        if row is None:
            return None
        facts = dict(row)
        facts["options"], facts["counts"] = json.loads(facts["options"]), json.loads(facts["counts"])

        def pairs(table: str, *columns: str) -> list[tuple[Any, ...]]:
            query = f"SELECT {', '.join(columns)} FROM {table} WHERE run_id = ? ORDER BY 1"
            return [tuple(one) for one in self._db.execute(query, (run_id,))]

        return RunRecord(
            **facts,
            sources={file: (sha, status) for file, sha, status in pairs("run_source", "file", "sha256", "status")},
            rules=dict(pairs("run_rule", "name", "sha256")),
            results={name: (rows, sha) for name, rows, sha in pairs("run_result", "name", "rows", "sha256")},
        )

    def runs(self) -> list[int]:
        """The numbers of all kept runs, oldest first."""
        return [row[0] for row in self._db.execute("SELECT run_id FROM run ORDER BY run_id")]

    def done_slots(self) -> set[str]:
        """The months of the schedule that a run has served."""
        return {row[0] for row in self._db.execute("SELECT slot FROM run WHERE slot IS NOT NULL")} | {
            row[0].removeprefix("slot:") for row in self._db.execute("SELECT key FROM meta WHERE key LIKE 'slot:%'")}

    def known(self) -> pl.DataFrame:
        """Every gap there ever was, as of the last run (KNOWN_SCHEMA)."""
        return self._frame(f"SELECT {', '.join(KNOWN_SCHEMA)} FROM gap ORDER BY gap_id", KNOWN_SCHEMA)

    def events(self, run_id: int) -> pl.DataFrame:
        """What a run found new, changed, resolved or gone (EVENT_SCHEMA)."""
        columns = ", ".join(EVENT_SCHEMA)
        return self._frame(f"SELECT {columns} FROM event WHERE run_id = ? ORDER BY gap_id",
                           EVENT_SCHEMA, (run_id,))

    def decisions(self) -> pl.DataFrame:
        """The decisions that hold (DECISION_SCHEMA)."""
        return self._frame(f"SELECT {', '.join(DECISION_SCHEMA)} FROM decision ORDER BY gap_id",
                           DECISION_SCHEMA)

    def fact(self, key: str) -> str | None:
        """A single remembered value."""
        row = self._db.execute("SELECT value FROM meta WHERE key = ?", (key,)).fetchone()
        return row[0] if row else None

    def unsent(self) -> list[Message]:
        """The messages that no channel has taken yet, oldest first."""
        return [Message(*row) for row in self._db.execute(
            "SELECT message_id, channel, title, body, created, tries, error FROM outbox WHERE sent IS NULL "
            "ORDER BY message_id")]

    # ------------------------------------------------------------------------------------------------- what changes

    def record(
        self, run: RunRecord, known: pl.DataFrame, events: pl.DataFrame, decisions: pl.DataFrame,
        messages: Sequence[tuple[str, str, str]], facts: Mapping[str, str | None], keep_runs: int,
    ) -> int:
        """Keep a run with all that follows from it, in one transaction; its number comes back.

        ``messages`` are (channel, title, body), ``facts`` single values to remember (None: to forget). Runs
        beyond the newest ``keep_runs`` are let go; gaps never are.
        """
        with self._transaction():
            run_id = self.next_run()
            columns = {name: getattr(run, name) for name in (
                "started", "finished", "folder", "as_of", "edition", "version", "fingerprint", "compared_with",
                "exit_code", "slot")}
            columns |= {"run_id": run_id, "options": _json(run.options), "counts": _json(run.counts)}
            self._insert("run", list(columns), [tuple(columns.values())])
            self._insert("run_source", ["run_id", "file", "sha256", "status"],
                         [(run_id, file, *both) for file, both in run.sources.items()])
            self._insert("run_rule", ["run_id", "name", "sha256"],
                         [(run_id, name, sha) for name, sha in run.rules.items()])
            self._insert("run_result", ["run_id", "name", "rows", "sha256"],
                         [(run_id, name, *both) for name, both in run.results.items()])
            self._insert("event", ["run_id", *EVENT_SCHEMA], [(run_id, *row) for row in events.iter_rows()])
            self._db.execute("DELETE FROM gap")
            self._insert("gap", list(KNOWN_SCHEMA), known.iter_rows())
            self._decide(decisions)
            self._post(messages, run.finished)
            for key, value in facts.items():
                self._set(key, value)
            self._db.execute("DELETE FROM run WHERE run_id <= ?", (run_id - keep_runs,))
            this_year = run.started[:4]
            self._db.execute("DELETE FROM outbox WHERE sent IS NOT NULL AND created < ?", (this_year,))
        return run_id

    def record_repeat(
        self, run_id: int, at: str, slot: str | None, decisions: pl.DataFrame, messages: Sequence[tuple[str, str, str]],
        facts: Mapping[str, str | None],
    ) -> None:
        """The newest run was made again and gave the same; only decisions, slot and messages may be new."""
        with self._transaction():
            self._db.execute("UPDATE run SET repeats = repeats + 1, repeated = ? WHERE run_id = ?", (at, run_id))
            if slot:
                self._set(f"slot:{slot}", at)
            self._decide(decisions)
            self._post(messages, at)
            for key, value in facts.items():
                self._set(key, value)

    def post(self, messages: Sequence[tuple[str, str, str]], created: str) -> None:
        """Messages of a run that came to nothing."""
        with self._transaction():
            self._post(messages, created)

    def tried(self, message_id: int, at: str, error: str | None) -> None:
        """One try to send a message: sent, or the reason why not."""
        with self._transaction():
            self._db.execute(
                "UPDATE outbox SET tries = tries + 1, tried = ?, error = ?, sent = ? WHERE message_id = ?",
                (at, error, None if error else at, message_id))

    def drop(self, message_id: int) -> None:
        """A message that nobody is waiting for any more."""
        with self._transaction():
            self._db.execute("DELETE FROM outbox WHERE message_id = ?", (message_id,))

    def remember(self, key: str, value: str | None) -> None:
        """Remember a single value; None forgets it."""
        with self._transaction():
            self._set(key, value)

    def next_run(self) -> int:
        """The number that the next run will get."""
        row = self._db.execute("SELECT seq FROM sqlite_sequence WHERE name = 'run'").fetchone()
        return (row[0] if row else 0) + 1

    def _decide(self, decisions: pl.DataFrame) -> None:
        self._db.execute("DELETE FROM decision")
        self._insert("decision", list(DECISION_SCHEMA), decisions.select(list(DECISION_SCHEMA)).iter_rows())

    def _post(self, messages: Sequence[tuple[str, str, str]], created: str) -> None:
        self._insert("outbox", ["channel", "title", "body", "created"], [(*one, created) for one in messages])

    def _set(self, key: str, value: str | None) -> None:
        if value is None:
            self._db.execute("DELETE FROM meta WHERE key = ?", (key,))
        else:
            self._db.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", (key, value))

    def _insert(self, table: str, columns: Sequence[str], rows: Any) -> None:
        marks = ", ".join("?" * len(columns))
        self._db.executemany(f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({marks})", rows)

    def _frame(
        self, query: str, schema: Mapping[str, pl.DataType], arguments: tuple[Any, ...] = ()
    ) -> pl.DataFrame:
        rows = [tuple(row) for row in self._db.execute(query, arguments)]
        loose = {name: pl.Int64() if kind == pl.Boolean() else kind for name, kind in schema.items()}
        frame = pl.DataFrame(rows, schema=loose, orient="row")
        return frame.select(pl.col(name).cast(kind) for name, kind in schema.items())

    @contextlib.contextmanager
    def _transaction(self) -> Iterator[None]:
        self._db.execute("BEGIN IMMEDIATE")
        try:
            yield
            self._db.execute("COMMIT")
        except BaseException:
            with contextlib.suppress(sqlite3.Error):  # a full disk has rolled it back already
                self._db.execute("ROLLBACK")
            raise


@contextlib.contextmanager
def open_store(folder: Path, migrations: Sequence[str] = MIGRATIONS) -> Iterator[Store]:
    """The state file of ``folder``, made or brought up to date; any trouble with it becomes a StateError."""
    path = folder / FILE
    connection: sqlite3.Connection | None = None
    try:
        connection = sqlite3.connect(path, timeout=_BUSY_SECONDS, isolation_level=None)
        connection.row_factory = sqlite3.Row
        path.chmod(0o600)
        # A rollback journal, not WAL: the folder may lie on a network drive, and one file is easier to back up.
        for pragma in ("journal_mode = DELETE", "synchronous = FULL", "foreign_keys = ON", "secure_delete = ON"):
            connection.execute(f"PRAGMA {pragma}")
        _migrate(connection, path, migrations)
        yield Store(connection)
    except sqlite3.Error as error:
        raise StateError(_sentence(error)) from error
    finally:
        if connection is not None:
            connection.close()


def _migrate(connection: sqlite3.Connection, path: Path, migrations: Sequence[str]) -> None:
    """Lead the file from its version to the newest, step by step, each in one transaction; a copy is kept before."""
    version = int(connection.execute("PRAGMA user_version").fetchone()[0])
    if version > len(migrations):
        raise StateError(
            "状态文件是较新版本的 recon 写的；请升级 recon，或另用一个状态文件夹 / "
            "the state was written by a newer recon; upgrade, or use another state folder"
        )
    if 0 < version < len(migrations):
        shutil.copy2(path, path.with_name(f"{path.name}.v{version}"))
    for number, script in enumerate(migrations[version:], start=version + 1):
        connection.executescript(f"BEGIN IMMEDIATE;{script}PRAGMA user_version = {number};COMMIT;")


def _sentence(error: sqlite3.Error) -> str:
    name = getattr(error, "sqlite_errorname", "") or type(error).__name__
    if name.startswith(("SQLITE_FULL", "SQLITE_IOERR")):
        return ("磁盘满了或坏了，状态保持上次的样子；腾出空间后再运行 / "
                "the disk is full or failing; the state is as it was: make room and run again")
    if name.startswith(("SQLITE_CORRUPT", "SQLITE_NOTADB")):
        return (f"状态文件损坏（{FILE}）：移走它，放回备份，或从头开始 / the state file is damaged: "
                "move it away and restore a copy, or start anew")
    if name.startswith(("SQLITE_READONLY", "SQLITE_CANTOPEN", "SQLITE_PERM", "SQLITE_AUTH")):
        return (f"状态文件写不进（{name}）；检查文件夹的权限 / "
                "the state cannot be written; check the folder's permissions")
    return f"状态文件出错（{name}），本次没有记入 / trouble with the state file; this run was not recorded"


def _json(facts: Mapping[str, Any]) -> str:
    return json.dumps(facts, ensure_ascii=False, sort_keys=True)
