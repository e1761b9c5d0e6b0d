"""The file of an archive: finding, making and opening it, connections, transactions.

Any number of processes share a file. What a transaction writes is wholly there
or wholly absent, whatever is killed, because SQLite keeps a log (WAL); with
synchronous=FULL, COMMIT returns when it is on the disk.
"""
import contextlib
import os
import sqlite3
import stat
import threading
import time

from pysqlite import archive_pb2 as pb
from pysqlite.errors import Failed, of_file, of_sqlite

APPLICATION = 0x70797361  # in the file's header, which the program "file" shows
SCHEMA = 1

TABLES = (
    # bodies is the number that was last given to a body.
    "CREATE TABLE archive (id BLOB NOT NULL, bodies INTEGER NOT NULL) STRICT",
    # Content is kept for ever. body is the number of its chunks, NULL when they were purged; it changes when they
    # are replaced, so that a reader who is behind never finds a piece of another body.
    """CREATE TABLE content (
        sha256 BLOB PRIMARY KEY, size INTEGER NOT NULL, codec TEXT NOT NULL,
        stored_size INTEGER NOT NULL, crc32c INTEGER NOT NULL, stored_sha256 BLOB NOT NULL, body INTEGER
    ) STRICT""",
    "CREATE TABLE chunk (body INTEGER NOT NULL, seq INTEGER NOT NULL, data BLOB NOT NULL, UNIQUE (body, seq)) STRICT",
    # message is the Record as it was stored; the columns are what is asked for, and what may change.
    """CREATE TABLE record (
        tombstone BLOB PRIMARY KEY, archived_at INTEGER NOT NULL, sha256 BLOB NOT NULL REFERENCES content, run BLOB NOT NULL,
        repo TEXT NOT NULL, path BLOB NOT NULL, reason TEXT NOT NULL, actor TEXT NOT NULL,
        retain_until INTEGER, purged_at INTEGER, message BLOB NOT NULL
    ) STRICT""",
    "CREATE UNIQUE INDEX newest ON record (archived_at DESC, tombstone DESC)",
    "CREATE INDEX users ON record (sha256)",
    "CREATE TABLE tag (tag TEXT NOT NULL, tombstone BLOB NOT NULL, PRIMARY KEY (tag, tombstone)) STRICT, WITHOUT ROWID",
    "CREATE TABLE event (id BLOB PRIMARY KEY, tombstone BLOB NOT NULL, at INTEGER NOT NULL, message BLOB NOT NULL) STRICT",
    "CREATE INDEX history ON event (tombstone, at, id)",
    """CREATE TABLE hold (
        tombstone BLOB NOT NULL, name TEXT NOT NULL, placed INTEGER NOT NULL, placed_by TEXT NOT NULL, released INTEGER
    ) STRICT""",
    "CREATE INDEX cases ON hold (tombstone, placed, name)",
    "PRAGMA application_id = %d" % APPLICATION,
    "PRAGMA user_version = %d" % SCHEMA,
)

PATIENCE = 10  # seconds that a call waits for another program's transaction
IDLE = 8  # connections that are kept for the next call


class Database:
    """An opened file. Its connections are shared by threads, one at a time each."""

    def __init__(self, url, directory, mode):
        self.path = path_of(url, directory)
        find_file(self.path, mode)
        self.writes = mode > pb.MODE_READ_ONLY and self.writable()
        self.writer = threading.Lock()  # a call that waits for it here keeps no other process waiting
        self.mutex = threading.Lock()  # guards what follows
        self.idle, self.closed = [], False
        try:
            self.prepare(mode)
        except BaseException:
            self.close()
            raise

    def writable(self):
        return writable(self.path)

    def prepare(self, mode):
        """Look whether this is an archive, and make one of an empty file."""
        with self.connection() as db:
            if mode >= pb.MODE_CREATE and self.writes and identify(db) == EMPTY:
                use_log(db)
                make_archive(db)
            application, schema, _ = identify(db)
        if application != APPLICATION:
            raise Failed("NO_ARCHIVE", "the file holds no archive")
        if schema != SCHEMA:
            raise Failed("SCHEMA", "the archive has schema %d, this backend knows %d" % (schema, SCHEMA))

    def close(self):
        with self.mutex:
            self.closed = True
            idle, self.idle = self.idle, []
        with self.writer:
            pass  # a transaction that was under way is over
        for db in idle:
            db.close()

    @contextlib.contextmanager
    def connection(self):
        with self.mutex:
            if self.closed:
                raise Failed("INVALID", "the archive is closed")
            db = self.idle.pop() if self.idle else None
        try:
            db = db or connect(self.path, self.writes)
            yield db
        except sqlite3.Error as e:
            raise of_sqlite(e) from e
        finally:
            self.give_back(db)

    def give_back(self, db):
        with self.mutex:
            if db and not self.closed and len(self.idle) < IDLE:
                self.idle.append(db)
                return
        if db:
            db.close()

    @contextlib.contextmanager
    def reading(self):
        """What is read in here is of one moment."""
        with self.connection() as db:
            db.execute("BEGIN")
            try:
                yield db
            finally:
                undo(db)

    @contextlib.contextmanager
    def writing(self, alive):
        """What is written in here is there as a whole, or not at all."""
        self.must_write()
        with self.writer, self.connection() as db:
            db.execute("BEGIN IMMEDIATE")
            try:
                yield db
                alive()
                commit(db)
            finally:
                undo(db)

    def must_write(self):
        if not self.writes:
            raise Failed("PERMISSION_DENIED", "the archive was opened for reading only, or cannot be written")


def path_of(url, directory):
    """The file that a URL names: pysqlite:///PATH, relative to directory, or pysqlite:////PATH."""
    scheme, _, rest = url.partition(b"://")
    if scheme != b"pysqlite":
        raise Failed("UNSUPPORTED", "this backend takes pysqlite:///PATH")
    if not rest.startswith(b"/"):
        raise Failed("INVALID", "a URL has three slashes and a relative path, or four and an absolute one")
    if b"?" in rest:
        raise Failed("UNSUPPORTED", "a URL has no options")
    if rest.endswith(b"/") or b"\0" in rest:
        raise Failed("INVALID", "the URL names no file")
    return os.path.normpath(os.path.join(directory, rest[1:]))


def find_file(path, mode):
    try:
        if mode >= pb.MODE_CREATE:
            make_file(path)
        regular = stat.S_ISREG(os.stat(path).st_mode)
    except (FileNotFoundError, NotADirectoryError):
        raise Failed("NO_ARCHIVE", "there is no file of that name") from None
    except OSError as e:
        raise of_file(e, "open the archive") from e
    if not regular:
        raise Failed("NO_ARCHIVE", "what the URL names is not a file")


def make_file(path):
    """An empty file that only its owner reads; SQLite makes its log with the same rights."""
    directory = os.path.dirname(path)
    os.makedirs(directory, 0o700, exist_ok=True)
    try:
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    except FileExistsError:
        return
    entry = os.open(directory, os.O_RDONLY)
    os.fsync(entry)  # SQLite does so for the files that it makes itself
    os.close(entry)


def connect(path, writes):
    # A URI that escapes every byte holds nothing that SQLite could misunderstand.
    name = "file:" + "".join("%%%02x" % byte for byte in path)
    db = sqlite3.connect(
        name + read_options(path, writes), uri=True, timeout=PATIENCE, isolation_level=None, check_same_thread=False
    )
    db.execute("PRAGMA synchronous = FULL")
    db.execute("PRAGMA foreign_keys = ON")
    if not writes:
        db.execute("PRAGMA query_only = ON")
    return db


def read_options(path, writes):
    """Even to read, SQLite makes two files beside the archive, and removes them only where it could write."""
    try:
        busy = os.stat(path + b"-wal").st_size > 0
    except FileNotFoundError:
        busy = False
    if writes or not busy and writable(path):
        return "?mode=rw"
    if busy:
        return "?mode=ro"  # a program is writing, or was killed: the two files are there, and stay
    return "?mode=ro&immutable=1"  # they cannot be made, so no program writes


def writable(path):
    return os.access(path, os.W_OK) and os.access(os.path.dirname(path), os.W_OK)


def use_log(db):
    """The change to WAL does not heed the timeout of the connection."""
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            db.execute("PRAGMA journal_mode = WAL")
            return
        except sqlite3.OperationalError as e:
            if e.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() > deadline:
                raise
            time.sleep(0.005)


EMPTY = (0, 0, 0)


def identify(db):
    """Whose file it is, the version of its schema, and how many tables and indexes it has."""
    queries = "PRAGMA application_id", "PRAGMA user_version", "SELECT count(*) FROM sqlite_schema"
    return tuple(db.execute(query).fetchone()[0] for query in queries)


def make_archive(db):
    import uuid  # not at every start

    db.execute("BEGIN IMMEDIATE")
    try:
        if identify(db) == EMPTY:  # no other process was faster
            for statement in TABLES:
                db.execute(statement)
            db.execute("INSERT INTO archive VALUES (?, 0)", (uuid.uuid4().bytes,))
            commit(db)
    finally:
        undo(db)


def commit(db):
    try:
        db.execute("COMMIT")
    except sqlite3.Error as e:
        raise of_sqlite(e, effect="MAYBE") from e


def undo(db):
    """Nothing after COMMIT, and nothing where SQLite has rolled back by itself."""
    if db.in_transaction:
        db.execute("ROLLBACK")
