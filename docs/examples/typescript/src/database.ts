/**
 * The file of an archive: finding, making and opening it, connections, transactions.
 *
 * Any number of processes share a file. What a transaction writes is wholly there
 * or wholly absent, whatever is killed, because SQLite keeps a log (WAL); with
 * synchronous=FULL, COMMIT returns when it is on the disk.
 *
 * Node.js runs one step of this program at a time, and a call of SQLite is one step. A
 * transaction that writes has many, with those of other calls between them, and
 * a connection of its own. One that reads is a single step.
 */
import { randomUUID } from "node:crypto";
import * as fs from "node:fs";
import { DatabaseSync, type SQLInputValue, type StatementSync } from "node:sqlite";
import { setTimeout as sleep } from "node:timers/promises";
import { Effect, Kind, Mode } from "./archive.js";
import { codeOf, Failed, ofFile, ofSQLite } from "./errors.js";

const APPLICATION = 0x74737371; // in the file's header, which the program "file" shows
export const SCHEMA = 1;

const TABLES = `
  -- bodies is the number that was last given to a body.
  CREATE TABLE archive (id BLOB NOT NULL, bodies INTEGER NOT NULL) STRICT;
  -- Content is kept for ever. body is the number of its chunks, NULL when they were purged; it changes when they
  -- are replaced, so that a reader who is behind never finds a piece of another body.
  CREATE TABLE content (
    sha256 BLOB PRIMARY KEY, size INTEGER NOT NULL, codec TEXT NOT NULL,
    stored_size INTEGER NOT NULL, crc32c INTEGER NOT NULL, stored_sha256 BLOB NOT NULL, body INTEGER
  ) STRICT;
  CREATE TABLE chunk (body INTEGER NOT NULL, seq INTEGER NOT NULL, data BLOB NOT NULL, UNIQUE (body, seq)) STRICT;
  -- message is the Record as it was stored; the columns are what is asked for, and what may change.
  CREATE TABLE record (
    tombstone BLOB PRIMARY KEY, archived_at INTEGER NOT NULL, sha256 BLOB NOT NULL REFERENCES content, run BLOB NOT NULL,
    repo TEXT NOT NULL, reason TEXT NOT NULL, actor TEXT NOT NULL,
    retain_until INTEGER, purged_at INTEGER, message BLOB NOT NULL
  ) STRICT;
  CREATE UNIQUE INDEX newest ON record (archived_at DESC, tombstone DESC);
  CREATE INDEX users ON record (sha256);
  CREATE TABLE tag (tag TEXT NOT NULL, tombstone BLOB NOT NULL, PRIMARY KEY (tag, tombstone)) STRICT, WITHOUT ROWID;
  CREATE TABLE event (id BLOB PRIMARY KEY, tombstone BLOB NOT NULL, at INTEGER NOT NULL, message BLOB NOT NULL) STRICT;
  CREATE INDEX history ON event (tombstone, at, id);
  CREATE TABLE hold (
    tombstone BLOB NOT NULL, name TEXT NOT NULL, placed INTEGER NOT NULL, placed_by TEXT NOT NULL, released INTEGER
  ) STRICT;
  CREATE INDEX cases ON hold (tombstone, placed, name);
  PRAGMA application_id = ${APPLICATION};
  PRAGMA user_version = ${SCHEMA};
`;

const PATIENCE = 10_000; // milliseconds that a call waits for another program's transaction

/** One connection to the file, with its prepared statements. Integers are bigints. */
export class Connection {
  private readonly statements = new Map<string, StatementSync>();

  constructor(readonly db: DatabaseSync) {}

  private statement(sql: string): StatementSync {
    let s = this.statements.get(sql);
    if (!s) {
      s = this.db.prepare(sql);
      s.setReadBigInts(true);
      this.statements.set(sql, s);
    }
    return s;
  }

  get<Row>(sql: string, ...values: SQLInputValue[]): Row | undefined {
    return this.statement(sql).get(...values) as Row | undefined;
  }

  all<Row>(sql: string, ...values: SQLInputValue[]): Row[] {
    return this.statement(sql).all(...values) as Row[];
  }

  run(sql: string, ...values: SQLInputValue[]): void {
    this.statement(sql).run(...values);
  }

  undo(): void {
    if (this.db.isTransaction) {
      this.db.exec("ROLLBACK"); // not after COMMIT, and not where SQLite has rolled back by itself
    }
  }
}

/** An opened file. */
export class Database {
  private reader: Connection | undefined;
  private writer: Connection | undefined; // undefined: nothing may be written
  private turn: Promise<unknown> = Promise.resolve(); // ends with the last transaction that writes
  private closed = false;

  protected constructor(readonly path: Buffer) {}

  protected async open(mode: Mode): Promise<void> {
    try {
      findFile(this.path, mode);
    } catch (e) {
      throw ofFile(e, "open the archive");
    }
    try {
      if (mode > Mode.READ_ONLY && writable(this.path)) {
        this.writer = connect(this.path, true);
      }
      if (this.writer && mode >= Mode.CREATE) {
        await makeArchive(this.writer);
      }
      this.reader = connect(this.path, false, this.writer !== undefined);
      const [application, schema] = identify(this.reader);
      if (application !== BigInt(APPLICATION)) {
        throw new Failed(Kind.NO_ARCHIVE, "the file holds no archive");
      }
      if (schema !== BigInt(SCHEMA)) {
        throw new Failed(Kind.SCHEMA, `the archive has schema ${schema}, this backend knows ${SCHEMA}`);
      }
    } catch (e) {
      await this.close();
      throw ofSQLite(e);
    }
  }

  async close(): Promise<void> {
    this.closed = true;
    await this.turn; // a transaction that is under way rolls back, or commits
    this.reader?.db.close();
    this.writer?.db.close();
    this.reader = this.writer = undefined;
  }

  writable(): boolean {
    return writable(this.path);
  }

  mustWrite(): void {
    if (!this.writer && !this.closed) {
      throw new Failed(Kind.PERMISSION_DENIED, "the archive was opened for reading only, or cannot be written");
    }
  }

  /** What read reads is of one moment. */
  reading<T>(read: (db: Connection) => T): T {
    const db = this.reader;
    if (!db || this.closed) {
      throw new Failed(Kind.INVALID, "the archive is closed");
    }
    try {
      db.db.exec("BEGIN");
      return read(db);
    } catch (e) {
      throw ofSQLite(e);
    } finally {
      db.undo();
    }
  }

  /** What write writes is there as a whole, or not at all. alive throws when the call is over. */
  async writing<T>(alive: () => void, write: (db: Connection) => Promise<T>): Promise<T> {
    this.mustWrite();
    const before = this.turn;
    const done = before.then(() => this.transaction(alive, write));
    this.turn = done.catch(() => {}); // the call reports it
    return done;
  }

  private async transaction<T>(alive: () => void, write: (db: Connection) => Promise<T>): Promise<T> {
    const db = this.writer;
    alive();
    if (!db || this.closed) {
      throw new Failed(Kind.INVALID, "the archive is closed");
    }
    try {
      await begin(db, alive);
      const result = await write(db);
      alive();
      commit(db);
      return result;
    } catch (e) {
      throw ofSQLite(e);
    } finally {
      db.undo();
    }
  }
}

/** Begin to write. The wait for other programs is here, where calls go on, and not in SQLite. */
async function begin(db: Connection, alive = () => {}): Promise<void> {
  await patiently(() => db.db.exec("BEGIN IMMEDIATE"), alive);
}

async function patiently(step: () => void, alive = () => {}): Promise<void> {
  for (const deadline = Date.now() + PATIENCE; ; await sleep(5)) {
    alive();
    try {
      return step();
    } catch (e) {
      if (codeOf(e) !== 5 || Date.now() > deadline) {
        throw e;
      }
    }
  }
}

function commit(db: Connection): void {
  try {
    db.db.exec("COMMIT");
  } catch (e) {
    throw ofSQLite(e, Effect.MAYBE);
  }
}

/** The file that a URL names: tssqlite:///PATH, relative to directory, or tssqlite:////PATH. */
export function pathOf(url: Buffer, directory: Buffer): Buffer {
  const text = url.toString("latin1"); // a letter for each byte
  const [, scheme, rest] = /^([^:]*):\/\/(.*)$/s.exec(text) ?? [];
  if (scheme !== "tssqlite") {
    throw new Failed(Kind.UNSUPPORTED, "this backend takes tssqlite:///PATH");
  }
  if (!rest.startsWith("/")) {
    throw new Failed(Kind.INVALID, "a URL has three slashes and a relative path, or four and an absolute one");
  }
  if (rest.includes("?")) {
    throw new Failed(Kind.UNSUPPORTED, "a URL has no options");
  }
  if (rest.endsWith("/") || rest.includes("\0")) {
    throw new Failed(Kind.INVALID, "the URL names no file");
  }
  const path = rest.slice(1);
  return Buffer.from(path.startsWith("/") ? path : `${directory.toString("latin1")}/${path}`, "latin1");
}

export function directoryOf(path: Buffer): Buffer {
  return path.subarray(0, Math.max(1, path.lastIndexOf("/")));
}

function findFile(path: Buffer, mode: Mode): void {
  if (mode >= Mode.CREATE) {
    makeFile(path);
  }
  let regular: boolean;
  try {
    regular = fs.statSync(path).isFile();
  } catch (e) {
    if (e instanceof Error && "code" in e && (e.code === "ENOENT" || e.code === "ENOTDIR")) {
      throw new Failed(Kind.NO_ARCHIVE, "there is no file of that name");
    }
    throw e;
  }
  if (!regular) {
    throw new Failed(Kind.NO_ARCHIVE, "what the URL names is not a file");
  }
}

/** An empty file that only its owner reads; SQLite makes its log with the same rights. */
function makeFile(path: Buffer): void {
  const directory = directoryOf(path);
  fs.mkdirSync(directory, { recursive: true, mode: 0o700 });
  try {
    fs.closeSync(fs.openSync(path, "wx", 0o600));
  } catch (e) {
    if (e instanceof Error && "code" in e && e.code === "EEXIST") {
      return;
    }
    throw e;
  }
  const entry = fs.openSync(directory, "r");
  fs.fsyncSync(entry); // SQLite does so for the files that it makes itself
  fs.closeSync(entry);
}

function connect(path: Buffer, writes: boolean, shared = writes): Connection {
  // A URI that escapes every byte holds nothing that SQLite could misunderstand.
  const name = [...path].map((byte) => `%${byte.toString(16).padStart(2, "0")}`).join("");
  const db = new DatabaseSync(`file:${name}${options(path, shared)}`, { timeout: writes ? 0 : PATIENCE });
  db.exec("PRAGMA synchronous = FULL");
  db.exec("PRAGMA foreign_keys = ON");
  if (!writes) {
    db.exec("PRAGMA query_only = ON");
  }
  return new Connection(db);
}

/** Even to read, SQLite makes two files beside the archive, and removes them only where it could write. */
function options(path: Buffer, writes: boolean): string {
  const log = fs.statSync(Buffer.concat([path, Buffer.from("-wal")]), { throwIfNoEntry: false });
  const busy = log !== undefined && log.size > 0;
  if (writes || (!busy && writable(path))) {
    return "?mode=rw";
  }
  if (busy) {
    return "?mode=ro"; // a program is writing, or was killed: the two files are there, and stay
  }
  return "?mode=ro&immutable=1"; // they cannot be made, so no program writes
}

function writable(path: Buffer): boolean {
  try {
    fs.accessSync(path, fs.constants.W_OK);
    fs.accessSync(directoryOf(path), fs.constants.W_OK);
    return true;
  } catch {
    return false;
  }
}

/** Whose file it is, the version of its schema, and how many tables and indexes it has. */
function identify(db: Connection): [bigint, bigint, bigint] {
  const query = `SELECT (SELECT application_id FROM pragma_application_id) AS application,
    (SELECT user_version FROM pragma_user_version) AS version, (SELECT count(*) FROM sqlite_schema) AS things`;
  const row = db.get<{ application: bigint; version: bigint; things: bigint }>(query);
  return row ? [row.application, row.version, row.things] : [0n, 0n, 0n];
}

/** Make an archive of an empty file. */
async function makeArchive(db: Connection): Promise<void> {
  const empty = () => identify(db).every((n) => n === 0n);
  let there = false;
  await patiently(() => (there = !empty()));
  if (there) {
    return;
  }
  await patiently(() => db.db.exec("PRAGMA journal_mode = WAL"));
  await begin(db);
  try {
    if (empty()) { // no other process was faster
      db.db.exec(TABLES);
      db.run("INSERT INTO archive VALUES (?, 0)", Buffer.from(randomUUID().replaceAll("-", ""), "hex"));
      commit(db);
    }
  } finally {
    db.undo();
  }
}
