"""The index itself: one SQLite file of a host, which finds conversations by three letters in a row (FTS5 with
its trigram tokenizer). A copy that may be deleted at any time; Redis says in the end what matches.

    bots            number, id, the mark of its data in Redis, until when (ms) changes are in, and of the
                    first reading how far back it got
    conversations   number, id, digest of the id, and since when (ms) it is as it is in here
    said            texts, Latin letters small; a row's id is `bot | conversation | block`
    untidy          that something was taken out, when (seconds since 1970) it must be overwritten, and
                    whether that was begun

A connection is opened for each use: nothing stays open of a file that was deleted, and several processes
write in turn."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import sqlite3
import time
from collections.abc import Generator, Iterable, Sequence
from dataclasses import dataclass
from itertools import count
from pathlib import Path

from server.conversations.search.pieces import blocks_of, expression_of
from server.conversations.search.scan import ReadConversation
from server.store.keys import digest

# Of the schema: a file of another one is made anew.
VERSION = 2
# Seconds that one process waits for another to finish writing.
WAIT = 5.0
# Bits of a row's id (63 in all) for the blocks of a conversation and the conversations of a bot.
BLOCKS, CONVERSATIONS = 18, 30
# A term in more blocks than this narrows nothing: the plain way finds it soon.
FREQUENT = 20_000
# Pages moved by one step of tidying up, others write in between.
PAGES = 500
# Seconds after which it is tidied up where lines were trimmed or names changed; after an erasure, at once.
LATER = 86_400.0
# Seconds that a query may take, after which the plain way goes on, and steps of SQLite between two looks at
# the clock.
PATIENCE, STEPS = 1.0, 100

_SCHEMA = f"""
CREATE TABLE bots(number INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, mark TEXT NOT NULL,
    until INTEGER NOT NULL, back_at INTEGER NOT NULL, back_id TEXT NOT NULL, built INTEGER NOT NULL);
CREATE TABLE conversations(number INTEGER PRIMARY KEY, id TEXT NOT NULL, digest TEXT NOT NULL,
    active INTEGER NOT NULL, changed INTEGER NOT NULL);
CREATE INDEX by_id ON conversations(id);
CREATE INDEX by_digest ON conversations(digest);
CREATE VIRTUAL TABLE said USING fts5(text, tokenize='trigram case_sensitive 1', detail=none);
CREATE TABLE untidy(number INTEGER PRIMARY KEY AUTOINCREMENT, due REAL NOT NULL,
    tried INTEGER NOT NULL DEFAULT 0);
PRAGMA user_version = {VERSION};
"""


@dataclass(frozen=True, slots=True)
class Progress:
    """How far the index of a bot is. `mark`: of the data it was read from; `until`: changes up to then (ms)
    are in; `back`: the first reading got back to this place; `built`: it is done."""

    mark: str
    until: int
    back: tuple[int, str] | None = None
    built: bool = False


class Unfinished(sqlite3.Error):
    """Tidying up was begun before and came to no end: it would not now."""


class IndexFile:
    """The file of a host. Everything here blocks; raises sqlite3.Error and OSError."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @contextlib.contextmanager
    def _open(self) -> Generator[sqlite3.Connection]:
        if not self.path.exists():
            os.close(os.open(self.path, os.O_CREAT | os.O_RDWR, 0o600))
        with contextlib.closing(sqlite3.connect(self.path, timeout=WAIT, isolation_level=None)) as db:
            if not db.execute("PRAGMA user_version").fetchone()[0]:
                db.execute("PRAGMA journal_mode = WAL")
            db.executescript("PRAGMA synchronous = NORMAL; PRAGMA secure_delete = ON; PRAGMA temp_store = 2")
            yield db

    @contextlib.contextmanager
    def _writing(self) -> Generator[sqlite3.Connection]:
        with self._open() as db:
            db.execute("BEGIN IMMEDIATE")
            try:
                yield db
                db.execute("COMMIT")
            except BaseException:
                db.execute("ROLLBACK")
                raise

    def prepare(self) -> None:
        """Make the file where there is none, or one of another version."""
        if self._version() not in (0, VERSION):
            self.remove()
        with self._writing() as db:
            if not db.execute("PRAGMA user_version").fetchone()[0]:
                for statement in _SCHEMA.split(";\n"):
                    db.execute(statement)
                with contextlib.suppress(sqlite3.Error):  # SQLite before 3.42 does not know it
                    db.execute("INSERT INTO said(said, rank) VALUES ('secure-delete', 1)")

    def _version(self) -> int:
        """0: there is no file, or nothing in it."""
        if not self.path.exists():
            return 0
        with self._open() as db:
            return db.execute("PRAGMA user_version").fetchone()[0]

    def remove(self) -> None:
        """Delete the file with what belongs to it."""
        for end in ("", "-wal", "-shm"):
            self.path.with_name(self.path.name + end).unlink(missing_ok=True)

    @contextlib.contextmanager
    def _reading(self) -> Generator[sqlite3.Connection | None]:
        """None: there is nothing to read."""
        if not self.path.exists():
            yield None
            return
        with self._open() as db:
            db.execute("BEGIN")
            ready = db.execute("PRAGMA user_version").fetchone()[0] == VERSION
            yield db if ready else None

    def bots(self) -> list[str]:
        """The bots that something is in here of."""
        with self._reading() as db:
            return [row[0] for row in db.execute("SELECT id FROM bots")] if db else []

    def progress(self, bot_id: str) -> Progress | None:
        """How far the index of a bot is; None where there is none."""
        with self._reading() as db:
            return _progress(db, bot_id) if db else None

    def note(self, bot_id: str, progress: Progress) -> None:
        """Put down how far the index of a bot is."""
        at, name = progress.back or (-1, "")
        values = (progress.mark, progress.until, at, name, progress.built)
        with self._writing() as db:
            db.execute(
                "INSERT INTO bots(id, mark, until, back_at, back_id, built) VALUES (?, ?, ?, ?, ?, ?) "
                "ON CONFLICT(id) DO UPDATE SET mark = excluded.mark, until = excluded.until, "
                "back_at = excluded.back_at, back_id = excluded.back_id, built = excluded.built",
                (bot_id, *values),
            )

    def size(self) -> int:
        """Bytes of the file, 0 for none."""
        with self._reading() as db:
            if db is None:
                return 0
            return (
                db.execute("PRAGMA page_count").fetchone()[0] * db.execute("PRAGMA page_size").fetchone()[0]
            )

    def narrowed(
        self, bot_id: str, mark: str, terms: Sequence[Sequence[str]], recent: dict[str, tuple[int, int]]
    ) -> set[str] | None:
        """The conversations in which `terms` may be: those that hold all letters of each term, and of
        `recent` (id -> when active, changed) those that are not in here as they are now. None: anywhere, or
        it would take too long to say."""
        try:
            return self._narrowed(bot_id, mark, terms, recent)
        except sqlite3.OperationalError as error:
            if getattr(error, "sqlite_errorcode", 0) != sqlite3.SQLITE_INTERRUPT:
                raise
            return None

    def _narrowed(
        self, bot_id: str, mark: str, terms: Sequence[Sequence[str]], recent: dict[str, tuple[int, int]]
    ) -> set[str] | None:
        end = time.monotonic() + PATIENCE
        with self._reading() as db:
            if db is not None:
                db.set_progress_handler(lambda: time.monotonic() > end, STEPS)
            progress = _progress(db, bot_id) if db else None
            if db is None or progress is None or not progress.built or progress.mark != mark:
                return None
            span = _span(db, bot_id)
            numbers: set[int] | None = None
            for expression in filter(None, map(expression_of, terms)):
                within = (span[0] << BLOCKS, (span[1] + 1 << BLOCKS) - 1)
                asked = "SELECT rowid FROM said WHERE said MATCH ? AND rowid BETWEEN ? AND ? LIMIT ?"
                rows = db.execute(asked, (expression, *within, FREQUENT + 1)).fetchall()
                if len(rows) <= FREQUENT:
                    holding = {row[0] >> BLOCKS for row in rows}
                    numbers = holding if numbers is None else numbers & holding
            if numbers is None:
                return None
            asked = "SELECT id FROM conversations WHERE number IN (SELECT value FROM json_each(?))"
            names = {row[0] for row in db.execute(asked, (json.dumps(list(numbers)),))}
            return names | {name for name, at in recent.items() if _known(db, span, name) != at}

    def stale(self, bot_id: str, recent: dict[str, tuple[int, int]]) -> list[str]:
        """Of conversations (id -> when active, changed) those that are not in here as they are now."""
        with self._reading() as db:
            if db is None or _progress(db, bot_id) is None:
                return list(recent)
            span = _span(db, bot_id)
            return [name for name, at in recent.items() if _known(db, span, name) != at]

    def put(self, bot_id: str, conversations: Iterable[ReadConversation]) -> None:
        """Take in conversations as they are now; what is gone goes."""
        with self._writing() as db:
            span, replaced = _span(db, bot_id), False
            for read in conversations:
                row = db.execute(
                    "SELECT number FROM conversations WHERE id = ? AND number BETWEEN ? AND ?",
                    (read.id, *span),
                ).fetchone()
                if read.gone:
                    _drop(db, [row[0]] if row else [])
                    continue
                number = row[0] if row else _next(db, span)
                db.execute(
                    "INSERT INTO conversations VALUES (?, ?, ?, ?, ?) ON CONFLICT(number) DO UPDATE SET "
                    "active = excluded.active, changed = excluded.changed",
                    (number, read.id, digest(read.id), read.active, read.changed),
                )
                replaced = _write_blocks(db, number, blocks_of(read)) or replaced
            if replaced:
                _untidy(db, LATER)

    def drop(self, bot_id: str, digests: Sequence[str]) -> int:
        """Take out conversations by the digests of their ids; how many were there."""
        if self._version() != VERSION:
            return 0
        with self._writing() as db:
            asked = (
                "SELECT number FROM conversations WHERE digest IN (SELECT value FROM json_each(?)) "
                "AND number BETWEEN ? AND ?"
            )
            found = [row[0] for row in db.execute(asked, (json.dumps(list(digests)), *_span(db, bot_id)))]
            _drop(db, found)
            return len(found)

    def drop_some(self, bot_id: str, most: int) -> bool:
        """Take out at most `most` conversations of a bot, and itself with the last; False when nothing is
        left of it."""
        with self._writing() as db:
            asked = "SELECT number FROM conversations WHERE number BETWEEN ? AND ? LIMIT ?"
            found = [row[0] for row in db.execute(asked, (*_span(db, bot_id), most))]
            _drop(db, found)
            if not found:
                db.execute("DELETE FROM bots WHERE id = ?", (bot_id,))
            return bool(found)

    def tidy(self, until: float) -> bool:
        """Overwrite what was taken out where that is due until then (seconds since 1970): FTS5 leaves it in
        old parts of the index, and SQLite the copies of what it moved from page to page (`secure_delete` does
        not reach those). False: nothing was due. Raises Unfinished where the process that did it last was
        killed over it, or the disk was full."""
        with self._tidying():
            return self._version() == VERSION and self._tidy(until)

    @contextlib.contextmanager
    def _tidying(self) -> Generator[None]:
        """One process of a host at a time, so that what another has begun is done or was broken off."""
        path = self.path.with_name(self.path.name + "-tidying")
        with open(os.open(path, os.O_CREAT | os.O_RDWR, 0o600), "w") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield

    def _tidy(self, until: float) -> bool:
        with self._open() as db:
            last, due, tried = db.execute("SELECT max(number), min(due), max(tried) FROM untidy").fetchone()
            if last is None or due > until:
                return False
            if tried:
                raise Unfinished("tidying up was begun and did not end")
            db.execute("UPDATE untidy SET tried = 1 WHERE number <= ?", (last,))
            try:
                self._rewrite(db)
            except sqlite3.OperationalError as error:
                if getattr(error, "sqlite_errorcode", 0) & 0xFF in (
                    sqlite3.SQLITE_BUSY,
                    sqlite3.SQLITE_LOCKED,
                ):
                    db.execute("UPDATE untidy SET tried = 0")
                raise
            db.execute("DELETE FROM untidy WHERE number <= ?", (last,))
            return True

    def _rewrite(self, db: sqlite3.Connection) -> None:
        """The copy that VACUUM makes is as large as the file: it is in a file beside it, which has no name
        and is gone with the process (https://www.sqlite.org/tempfiles.html), not in memory."""
        folder = str(self.path.parent.resolve()).replace("'", "''")
        db.execute("PRAGMA temp_store = 1")
        db.execute(f"PRAGMA temp_store_directory = '{folder}'")
        db.execute("INSERT INTO said(said, rank) VALUES ('merge', ?)", (-PAGES,))
        before = -2
        while db.total_changes - before >= 2:  # as the manual of FTS5 says of 'merge'
            before = db.total_changes
            db.execute("INSERT INTO said(said, rank) VALUES ('merge', ?)", (PAGES,))
        db.execute("VACUUM")
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    def settle(self) -> None:
        """Put everything into the file itself, and empty the one beside it (`-wal`)."""
        with self._open() as db:
            db.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    def holds(self, needles: Iterable[bytes]) -> bool:
        """Whether one of these texts stands anywhere in the bytes of the file, or beside it."""
        wanted = [form for needle in needles for form in {needle, needle.lower()} if form]
        longest = max(map(len, wanted), default=1)
        for end in ("", "-wal"):
            path, kept = self.path.with_name(self.path.name + end), b""
            if not path.exists():
                continue
            with path.open("rb") as file:
                while piece := file.read(1 << 20):
                    kept = kept[-longest:] + piece
                    if any(form in kept for form in wanted):
                        return True
        return False


def _progress(db: sqlite3.Connection, bot_id: str) -> Progress | None:
    row = db.execute(
        "SELECT mark, until, back_at, back_id, built FROM bots WHERE id = ?", (bot_id,)
    ).fetchone()
    return Progress(row[0], row[1], (row[2], row[3]) if row[2] >= 0 else None, bool(row[4])) if row else None


def _span(db: sqlite3.Connection, bot_id: str) -> tuple[int, int]:
    """The first and the last number a conversation of the bot can have; of no bot, none."""
    row = db.execute("SELECT number FROM bots WHERE id = ?", (bot_id,)).fetchone()
    return (row[0] << CONVERSATIONS, (row[0] + 1 << CONVERSATIONS) - 1) if row else (-1, -2)


def _next(db: sqlite3.Connection, span: tuple[int, int]) -> int:
    last = db.execute("SELECT max(number) FROM conversations WHERE number BETWEEN ? AND ?", span).fetchone()[
        0
    ]
    return span[0] if last is None else last + 1


def _known(db: sqlite3.Connection, span: tuple[int, int], name: str) -> tuple[int, int] | None:
    asked = "SELECT active, changed FROM conversations WHERE id = ? AND number BETWEEN ? AND ?"
    return db.execute(asked, (name, *span)).fetchone()


def _drop(db: sqlite3.Connection, numbers: Sequence[int]) -> None:
    for number in numbers:
        db.execute(
            "DELETE FROM said WHERE rowid BETWEEN ? AND ?", (number << BLOCKS, (number + 1 << BLOCKS) - 1)
        )
        db.execute("DELETE FROM conversations WHERE number = ?", (number,))
    if numbers:
        _untidy(db, 0.0)


def _untidy(db: sqlite3.Connection, after: float) -> None:
    """Note that something was taken out, to be tidied up in so many seconds."""
    db.execute("INSERT INTO untidy(due) VALUES (?)", (time.time() + after,))


def _write_blocks(db: sqlite3.Connection, number: int, blocks: list[str]) -> bool:
    """Take out the blocks that are not there any more, and put in those that were not; whether any was taken
    out."""
    span = (number << BLOCKS, (number + 1 << BLOCKS) - 1)
    held: dict[str, int] = {
        text: row
        for row, text in db.execute("SELECT rowid, text FROM said WHERE rowid BETWEEN ? AND ?", span)
    }
    wanted = set(blocks)
    for text, row in held.items():
        if text not in wanted:
            db.execute("DELETE FROM said WHERE rowid = ?", (row,))
    taken = set(held.values())
    free = (row for row in count(span[0]) if row not in taken)
    new = [(row, text) for text, row in zip((b for b in blocks if b not in held), free, strict=False)]
    db.executemany("INSERT INTO said(rowid, text) VALUES (?, ?)", new)
    return not held.keys() <= wanted
