"""The shape of the state file, version by version: each entry leads from the version before it to its own.

An entry that has been released is never changed; a new shape is a new entry at the end.
"""

from __future__ import annotations

MIGRATIONS: tuple[str, ...] = (
    # 1: runs and what they were made of; gaps and what happened to them; decisions; messages to be sent
    """
    CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL);
    CREATE TABLE run (
        run_id INTEGER PRIMARY KEY AUTOINCREMENT,
        started TEXT NOT NULL, finished TEXT NOT NULL, folder TEXT NOT NULL, as_of TEXT NOT NULL,
        edition TEXT NOT NULL, version TEXT NOT NULL, options TEXT NOT NULL, fingerprint TEXT NOT NULL,
        compared_with INTEGER, exit_code INTEGER NOT NULL, counts TEXT NOT NULL, slot TEXT,
        repeats INTEGER NOT NULL DEFAULT 0, repeated TEXT
    );
    CREATE TABLE run_source (
        run_id INTEGER NOT NULL REFERENCES run ON DELETE CASCADE, file TEXT NOT NULL, sha256 TEXT NOT NULL,
        status TEXT NOT NULL, PRIMARY KEY (run_id, file)
    ) WITHOUT ROWID;
    CREATE TABLE run_rule (
        run_id INTEGER NOT NULL REFERENCES run ON DELETE CASCADE, name TEXT NOT NULL, sha256 TEXT NOT NULL,
        PRIMARY KEY (run_id, name)
    ) WITHOUT ROWID;
    CREATE TABLE run_result (
        run_id INTEGER NOT NULL REFERENCES run ON DELETE CASCADE, name TEXT NOT NULL, rows INTEGER NOT NULL,
        sha256 TEXT NOT NULL, PRIMARY KEY (run_id, name)
    ) WITHOUT ROWID;
    CREATE TABLE gap (
        gap_id TEXT PRIMARY KEY, person_id TEXT, region TEXT, scheme TEXT, accrual_month TEXT, basis TEXT NOT NULL,
        label TEXT NOT NULL, cause TEXT, status TEXT NOT NULL, amount_fen INTEGER NOT NULL, estimated_fen INTEGER,
        is_live INTEGER NOT NULL, first_run INTEGER NOT NULL, first_as_of TEXT NOT NULL, runs INTEGER NOT NULL,
        times_opened INTEGER NOT NULL, ended_as_of TEXT, ending TEXT
    ) WITHOUT ROWID;
    CREATE TABLE event (
        run_id INTEGER NOT NULL REFERENCES run ON DELETE CASCADE, gap_id TEXT NOT NULL, event TEXT NOT NULL,
        person_id TEXT, region TEXT, scheme TEXT, accrual_month TEXT, basis TEXT,
        label_was TEXT, cause_was TEXT, status_was TEXT, amount_was INTEGER,
        label TEXT, cause TEXT, status TEXT, amount_fen INTEGER, why TEXT NOT NULL,
        PRIMARY KEY (run_id, gap_id)
    ) WITHOUT ROWID;
    CREATE TABLE decision (
        gap_id TEXT PRIMARY KEY, decision TEXT NOT NULL, note TEXT NOT NULL, decided_at TEXT NOT NULL
    ) WITHOUT ROWID;
    CREATE TABLE outbox (
        message_id INTEGER PRIMARY KEY AUTOINCREMENT, channel TEXT NOT NULL, title TEXT NOT NULL, body TEXT NOT NULL,
        created TEXT NOT NULL, tries INTEGER NOT NULL DEFAULT 0, tried TEXT, error TEXT, sent TEXT
    );
    """,
)
