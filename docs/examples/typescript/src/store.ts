/**
 * What an archive does. Nothing of the database is held between two steps of a
 * reader, and bodies are read and written a chunk at a time.
 */
import { createHash } from "node:crypto";
import { setImmediate as turnOfOthers } from "node:timers/promises";
import type { SQLInputValue } from "node:sqlite";
import { Content, Event, Kind, Mode, Record } from "./archive.js";
import type { Entry, HealthReply, Hold, ListRequest, PurgeItem, PurgeRequest, Stored, Verdict } from "./archive.js";
import * as checks from "./checks.js";
import type { Checked } from "./checks.js";
import { Database, pathOf, SCHEMA, type Connection } from "./database.js";
import { Failed } from "./errors.js";
import { takeOver } from "./history.js";
import type { Body, Intake, Item } from "./intake.js";
import { matcher } from "./match.js";
import { eventsOf, insertEvent, removeBody, sameEvent, samePerson } from "./rows.js";

const PAGE = 100; // records that List reads at a time

function now(): bigint {
  return BigInt(Date.now()) * 1000n;
}

/** Throws when the call is over: what a call that writes asks between its steps. */
export type Alive = () => void;

export interface Listed {
  entry: Entry;
  events: Event[];
  holds: Hold[];
}

export class Archive extends Database {
  static async opened(url: Buffer, directory: Buffer, mode: Mode): Promise<Archive> {
    const archive = new Archive(pathOf(url, directory));
    await archive.open(mode);
    return archive;
  }

  identity(): Buffer {
    return this.reading((db) => Buffer.from(db.get<{ id: Uint8Array }>("SELECT id FROM archive")?.id ?? []));
  }

  health(): HealthReply {
    const archive = this.identity();
    return this.reading((db) => {
      const number = (sql: string) => db.get<{ n: bigint }>(sql)?.n ?? 0n;
      const sqlite = db.get<{ v: string }>("SELECT sqlite_version() AS v")?.v;
      const live = "SELECT count(*) AS n FROM record WHERE purged_at IS NULL";
      return {
        server: `SQLite ${sqlite}, Node.js ${process.versions.node}`,
        archive,
        schema: SCHEMA,
        live: number(live),
        retrievable: number(`${live} AND ${WHOLE}`),
        held: number(HELD),
        purged: number("SELECT count(purged_at) AS n FROM record"),
        clock: now(),
        writable: this.writable(),
        unmeasured: "",
        durable: true,
        notDurable: "",
      };
    });
  }

  put(items: Intake, alive: Alive): Promise<Stored[]> {
    return this.writing(alive, async (db) => {
      const stored: Stored[] = [];
      const absent: Uint8Array[] = [];
      for (const item of items.items()) {
        alive();
        const one = await putOne(db, item, alive);
        if (!one) {
          absent.push(item.record.tombstone);
          continue;
        }
        stored.push(one);
        if (item.history.events.length + item.history.holds.length > 0) {
          takeOver(db, item.record, item.history, one.repeated, now());
        }
      }
      if (absent.length > 0) {
        throw new Failed(Kind.CONTENT_ABSENT, "items without body need content that is not there", ...absent);
      }
      return stored;
    });
  }

  missing(contents: Buffer[]): Buffer[] {
    return this.reading((db) => contents.filter((sha256) => contentOf(db, sha256)?.body == null));
  }

  /** A record that is live, and the number of its body. */
  find(tombstone: Uint8Array): [Checked, bigint] {
    const row = this.reading((db) => db.get<Row>(`${SELECT} WHERE tombstone = ?`, tombstone));
    if (!row) {
      throw new Failed(Kind.NOT_FOUND, "no such tombstone", tombstone);
    }
    const found = recordOf(row);
    if (found.purgedAt !== undefined) {
      throw new Failed(Kind.PURGED, "its content was purged", tombstone);
    }
    if (row.body === null) {
      throw new Failed(Kind.CONTENT_ABSENT, "the archive does not have its content", tombstone);
    }
    return [found, row.body];
  }

  /** The pieces of a body, each read when it is asked for. A gap ends them. */
  *chunks(body: bigint): Generator<Buffer> {
    for (let seq = 0; ; seq++) {
      const data = this.reading((db) => chunkOf(db, body, seq));
      if (!data) {
        return;
      }
      yield data;
    }
  }

  /** Entries with their events and holds, newest first, read a page at a time; of a row that cannot be read, what is wrong with it. */
  *list(q: ListRequest): Generator<Listed | Failed> {
    if (q.ofArchive) {
      yield* this.listOwn(q);
      return;
    }
    let left = q.limit || Infinity;
    let last: Row | undefined;
    while (left > 0) {
      const most = Math.min(left, PAGE);
      const [rows, page] = this.reading((db) => {
        db.db.function("matches", { deterministic: true }, matcher(q));
        const [where, values] = selection(q, last);
        const rows = db.all<Row>(`${SELECT} ${where} ORDER BY archived_at DESC, tombstone DESC LIMIT ?`, ...values, most);
        return [rows, rows.map((row) => entryOf(db, q, row))];
      });
      yield* page;
      if (rows.length < most) {
        return;
      }
      left -= rows.length;
      last = rows.at(-1);
    }
  }

  /** The events of the archive, newest first, each as an entry without a record. */
  private *listOwn(q: ListRequest): Generator<Listed> {
    const only = q.events.length > 0 ? `AND id IN (${places(q.events)})` : "";
    const sql = `SELECT message FROM event WHERE tombstone = x'' ${only} ORDER BY at DESC, id DESC LIMIT ?`;
    const rows = this.reading((db) => db.all<{ message: Uint8Array }>(sql, ...q.events, q.limit || -1));
    for (const { message } of rows) {
      yield { entry: { record: undefined, present: false }, events: [Event.decode(message)], holds: [] };
    }
  }

  append(events: Event[], alive: Alive): Promise<void> {
    return this.writing(alive, async (db) => {
      for (const e of events) {
        appendOne(db, e);
      }
    });
  }

  /** The verdicts. A dry run comes to the same without writing. */
  async purge(r: PurgeRequest, alive: Alive): Promise<Verdict[]> {
    const at = r.at !== undefined && r.at < now() ? r.at : now();
    if (r.dryRun) {
      return this.reading((db) => judgeAll(db, r, at).verdicts);
    }
    return this.writing(alive, async (db) => {
      const { verdicts, gone, users } = judgeAll(db, r, at);
      remove(db, gone, users, r, at);
      return verdicts;
    });
  }
}

interface Row {
  message: Uint8Array;
  retain_until: bigint | null;
  purged_at: bigint | null;
  sha256: Uint8Array;
  codec: string;
  stored_size: bigint;
  crc32c: bigint;
  stored_sha256: Uint8Array;
  body: bigint | null;
  archived_at: bigint;
  tombstone: Uint8Array;
}

const SELECT = `SELECT message, retain_until, purged_at, sha256, codec, stored_size, crc32c, stored_sha256, body, archived_at, tombstone
  FROM record JOIN content USING (sha256)`;

/** All chunks of the body of a record are there, and have its length together. */
const WHOLE = `EXISTS (SELECT 1 FROM content WHERE content.sha256 = record.sha256 AND body IS NOT NULL AND
  stored_size = (SELECT coalesce(sum(length(data)), 0) FROM chunk WHERE chunk.body = content.body))`;

/** How many live records have an active hold. */
const HELD = `SELECT count(DISTINCT tombstone) AS n FROM hold JOIN record USING (tombstone)
  WHERE released IS NULL AND purged_at IS NULL`;

/** A record as it is now, with its content as it is kept. */
function recordOf(row: Row): Checked {
  let r: Checked;
  try {
    r = checks.record(Record.decode(row.message));
  } catch {
    throw new Failed(Kind.CORRUPT, "the record cannot be read", row.tombstone);
  }
  if (!checks.same(r.content.sha256, row.sha256)) {
    throw new Failed(Kind.CORRUPT, "the record is tied to other content", row.tombstone);
  }
  const { codec, stored_size, crc32c, stored_sha256 } = row;
  r.content = { ...r.content, codec, storedSize: stored_size, crc32c: Number(crc32c), storedSha256: Buffer.from(stored_sha256) };
  r.retainUntil = row.retain_until ?? undefined;
  r.purgedAt = row.purged_at ?? undefined;
  return r;
}

function entryOf(db: Connection, q: ListRequest, row: Row): Listed | Failed {
  let record: Checked;
  try {
    record = recordOf(row);
  } catch (e) {
    if (e instanceof Failed) {
      return e;
    }
    throw e;
  }
  const whole = `SELECT 1 FROM record WHERE tombstone = ? AND purged_at IS NULL AND ${WHOLE}`;
  return {
    entry: { record, present: db.get(whole, row.tombstone) !== undefined },
    events: q.withEvents ? eventsOf(db, row.tombstone) : [],
    holds: q.withHolds ? holdsOf(db, row.tombstone) : [],
  };
}

function holdsOf(db: Connection, tombstone: Uint8Array): Hold[] {
  const sql = "SELECT name, placed, placed_by, released FROM hold WHERE tombstone = ? ORDER BY placed, name";
  const rows = db.all<{ name: string; placed: bigint; placed_by: string; released: bigint | null }>(sql, tombstone);
  return rows.map((h) => ({ case: h.name, placed: h.placed, placedBy: h.placed_by, released: h.released ?? undefined }));
}

/** How content is kept, and the number of its body; undefined where it was never stored. */
function contentOf(db: Connection, sha256: Uint8Array): { kept: Content; body: bigint | null } | undefined {
  const sql = "SELECT size, codec, stored_size, crc32c, stored_sha256, body FROM content WHERE sha256 = ?";
  const row = db.get<Omit<Row, "sha256"> & { size: bigint }>(sql, sha256);
  if (!row) {
    return undefined;
  }
  const { size, codec, stored_size, crc32c, stored_sha256, body } = row;
  const storedSha256 = Buffer.from(stored_sha256);
  return { kept: { sha256: Buffer.from(sha256), size, codec, storedSize: stored_size, crc32c: Number(crc32c), storedSha256 }, body };
}

function chunkOf(db: Connection, body: bigint, seq: number): Buffer | undefined {
  const row = db.get<{ data: Uint8Array }>("SELECT data FROM chunk WHERE body = ? AND seq = ?", body, seq);
  return row && Buffer.from(row.data.buffer, row.data.byteOffset, row.data.byteLength);
}

/** Store an item, and return what became of it: undefined where its content is not there. */
async function putOne(db: Connection, { record: r, body, replaces, history }: Item, alive: Alive): Promise<Stored | undefined> {
  const known = "SELECT message, purged_at FROM record WHERE tombstone = ?";
  const old = db.get<{ message: Uint8Array; purged_at: bigint | null }>(known, r.tombstone);
  if (old && !sameRecord(Record.decode(old.message), r)) {
    throw new Failed(Kind.CONFLICT, "the tombstone is taken by another record", r.tombstone);
  }
  if (!old && db.get("SELECT 1 FROM event WHERE id = ?", r.event)) {
    throw new Failed(Kind.CONFLICT, "the event id is taken", r.tombstone);
  }
  const content = contentOf(db, r.content.sha256);
  const purged = history.purgedAt(r) !== undefined;
  const done = { tombstone: r.tombstone, content: content?.kept, deduplicated: false, repeated: old !== undefined, repaired: false };
  if (old && (purged || old.purged_at !== null)) {
    return done; // it stays or becomes purged
  }
  if (purged) {
    insertContent(db, r.content);
    insertRecord(db, r);
    return { ...done, content: contentOf(db, r.content.sha256)?.kept };
  }
  if (content && content.kept.size !== r.content.size) {
    throw new Failed(Kind.CONFLICT, "the content is known with another size", r.tombstone);
  }
  const present = content?.body != null && (await intact(db, content.kept, content.body, alive));
  const replaced = present && checks.same(replaces, content.kept.storedSha256);
  if (!present || replaced) {
    if (!body) {
      return undefined;
    }
    done.content = await replaceBody(db, r.content, content?.body ?? null, body, alive);
  }
  if (!old) {
    insertRecord(db, r);
  }
  return { ...done, deduplicated: present && !replaced, repaired: content?.body != null && !present };
}

/** The digest covers all but what may change later. */
function sameRecord(a: Record, b: Record): boolean {
  return checks.same(a.event, b.event) && checks.same(a.digest, b.digest);
}

/** Read a body that the archive has, and say whether it is what it should be. */
async function intact(db: Connection, kept: Content, body: bigint, alive: Alive): Promise<boolean> {
  const sum = createHash("sha256");
  let size = 0;
  for (let seq = 0, data; (data = chunkOf(db, body, seq)); seq++) {
    size += data.length;
    sum.update(data);
    await turnOfOthers();
    alive();
  }
  return BigInt(size) === kept.storedSize && checks.same(sum.digest(), kept.storedSha256);
}

/** Store a body in the place of old, which is null where there is none. */
async function replaceBody(db: Connection, given: Content, old: bigint | null, body: Body, alive: Alive): Promise<Content | undefined> {
  db.run("DELETE FROM chunk WHERE body = ?", old);
  const number = db.get<{ bodies: bigint }>("UPDATE archive SET bodies = bodies + 1 RETURNING bodies")?.bodies ?? null;
  let seq = 0;
  for (const data of body.chunks()) {
    db.run("INSERT INTO chunk VALUES (?, ?, ?)", number, seq++, data);
    await turnOfOthers();
    alive();
  }
  db.run(
    `INSERT INTO content VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET
    codec = excluded.codec, stored_size = excluded.stored_size, crc32c = excluded.crc32c,
    stored_sha256 = excluded.stored_sha256, body = excluded.body`,
    given.sha256, given.size, given.codec, body.size, body.crc32c, body.sha256, number,
  );
  return contentOf(db, given.sha256)?.kept;
}

/** Note a content that has no body. */
function insertContent(db: Connection, c: Content): void {
  const sql = "INSERT INTO content VALUES (?, ?, ?, ?, ?, ?, NULL) ON CONFLICT DO NOTHING";
  db.run(sql, c.sha256, c.size, c.codec, c.storedSize, c.crc32c, c.storedSha256);
}

function insertRecord(db: Connection, r: Checked): void {
  const message = Record.encode({ ...r, purgedAt: undefined }).finish(); // this backend's to set
  db.run(
    "INSERT INTO record VALUES (?, ?, ?, ?, ?, ?, ?, ?, NULL, ?)",
    r.tombstone, r.archivedAt, r.content.sha256, r.set, r.repo, r.reason, r.archivedBy, r.retainUntil ?? null, message,
  );
  for (const tag of r.tags) {
    db.run("INSERT INTO tag VALUES (?, ?)", tag, r.tombstone);
  }
  insertEvent(db, eventOf(r.event, r.tombstone, "ARCHIVE", r.archivedBy, r.archivedAt, r.host));
}

function eventOf(id: Buffer, tombstone: Buffer, action: string, actor: string, at: bigint, host: string): Event {
  return { id, tombstone, action, actor, at, host, case: "", detail: new Map(), noEffect: false };
}

function appendOne(db: Connection, e: Event): void {
  const old = db.get<{ message: Uint8Array }>("SELECT message FROM event WHERE id = ?", e.id);
  if (old && sameEvent(Event.decode(old.message), e)) {
    return;
  }
  if (old) {
    throw new Failed(Kind.CONFLICT, "the event id is taken", e.tombstone);
  }
  const state = "SELECT retain_until, purged_at FROM record WHERE tombstone = ?";
  const row = db.get<{ retain_until: bigint | null; purged_at: bigint | null }>(state, e.tombstone);
  if (!row && e.action !== "VERIFY") {
    throw new Failed(Kind.NOT_FOUND, "no such tombstone", e.tombstone);
  }
  if ((e.action === "HOLD" || e.action === "RETAIN") && row?.purged_at != null) {
    throw new Failed(Kind.PURGED, "its content was purged", e.tombstone);
  }
  const active = activeCase(db, e.tombstone, e.case) !== undefined;
  e.noEffect = (e.action === "HOLD" && active) || (e.action === "RELEASE" && !active);
  if (e.action === "HOLD" && !active) {
    db.run("INSERT INTO hold VALUES (?, ?, ?, ?, NULL)", e.tombstone, e.case, e.at ?? null, e.actor);
  } else if (e.action === "RELEASE") {
    const release = "UPDATE hold SET released = ? WHERE tombstone = ? AND name = ? AND released IS NULL";
    db.run(release, e.at ?? null, e.tombstone, e.case);
  } else if (e.retainUntil !== undefined) {
    if (row?.retain_until != null && e.retainUntil < row.retain_until) {
      throw new Failed(Kind.REFUSED, "it is retained longer already", e.tombstone);
    }
    db.run("UPDATE record SET retain_until = ? WHERE tombstone = ?", e.retainUntil, e.tombstone);
  }
  insertEvent(db, e);
}

/** An active case: this one, or any. */
function activeCase(db: Connection, tombstone: Uint8Array, name: string | null = null): string | undefined {
  const sql = "SELECT name FROM hold WHERE tombstone = ?1 AND released IS NULL AND name = coalesce(?2, name)";
  return db.get<{ name: string }>(sql, tombstone, name)?.name;
}

const places = (values: unknown[]) => values.map(() => "?").join(", ");

/** The WHERE of a query after the row last, and the values of its question marks. */
function selection(q: ListRequest, last: Row | undefined): [string, SQLInputValue[]] {
  const conditions: string[] = [];
  const values: SQLInputValue[] = [];
  const must = (condition: string, ...its: SQLInputValue[]) => {
    conditions.push(condition);
    values.push(...its);
  };
  if (last) must("(archived_at, tombstone) < (?, ?)", last.archived_at, last.tombstone);
  if (q.tombstones.length > 0) must(`tombstone IN (${places(q.tombstones)})`, ...q.tombstones);
  if (q.prefix) must("tombstone BETWEEN ? AND ?", ...checks.prefixRange(q.prefix));
  if (q.events.length > 0) must(`tombstone IN (SELECT tombstone FROM event WHERE id IN (${places(q.events)}))`, ...q.events);
  if (q.set.length > 0) must("run = ?", q.set);
  if (q.sha256.length > 0) must("sha256 = ?", q.sha256);
  if (q.tag) must("tombstone IN (SELECT tombstone FROM tag WHERE tag = ?)", q.tag);
  if (q.repo) must("repo = ?", q.repo);
  if (q.actor) must("actor = ?", q.actor);
  if (q.reason) must("reason = ?", q.reason);
  if (q.since !== undefined) must("archived_at >= ?", q.since);
  if (q.until !== undefined) must("archived_at < ?", q.until);
  if (q.path.length + q.name.length + q.match.length > 0 || q.commit) must("matches(message)");
  return [conditions.length > 0 ? `WHERE ${conditions.join(" AND ")}` : "", values];
}

interface Judgement {
  verdicts: Verdict[];
  gone: Map<string, PurgeItem>; // what this call purges, by tombstone in hex
  users: Map<string, number>; // how many live records are left of a content, by its hash in hex
}

const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString("hex");

function judgeAll(db: Connection, r: PurgeRequest, at: bigint): Judgement {
  checkPurgeEvents(db, r.items);
  const judgement: Judgement = { verdicts: [], gone: new Map(), users: new Map() };
  for (const item of r.items) {
    const [outcome, why] = judge(db, item, judgement.gone, r.actor, at);
    const verdict = { tombstone: item.tombstone, outcome, why, freed: 0n };
    if (outcome === "purged") {
      judgement.gone.set(hex(item.tombstone), item);
      verdict.freed = countOut(db, item.tombstone, judgement.users);
    }
    judgement.verdicts.push(verdict);
  }
  return judgement;
}

/** An event id belongs to one purge of one record. */
function checkPurgeEvents(db: Connection, items: PurgeItem[]): void {
  const asked = new Map<string, string>();
  for (const { event, tombstone } of items) {
    const row = db.get<{ message: Uint8Array }>("SELECT message FROM event WHERE id = ?", event);
    const old = row && Event.decode(row.message);
    const others = asked.get(hex(event)) ?? hex(tombstone);
    asked.set(hex(event), others);
    if ((old && (old.action !== "PURGE" || !checks.same(old.tombstone, tombstone))) || others !== hex(tombstone)) {
      throw new Failed(Kind.CONFLICT, "the event id is taken", tombstone);
    }
  }
}

/** The verdict on one record, and why. */
function judge(db: Connection, item: PurgeItem, gone: Judgement["gone"], actor: string, at: bigint): [string, string] {
  const sql = "SELECT retain_until, purged_at FROM record WHERE tombstone = ?";
  const row = db.get<{ retain_until: bigint | null; purged_at: bigint | null }>(sql, item.tombstone);
  if (!row) {
    return ["unknown", "no such tombstone"];
  }
  const now = gone.get(hex(item.tombstone));
  if ((now && checks.same(now.event, item.event)) || db.get("SELECT 1 FROM event WHERE id = ?", item.event)) {
    return ["repeated", "purged by this very request before"];
  }
  if (now || row.purged_at !== null) {
    return ["already", "purged before"];
  }
  const name = activeCase(db, item.tombstone);
  if (name !== undefined) {
    return ["held", `case ${name} is active`];
  }
  if (row.retain_until !== null && row.retain_until > at) {
    return ["retained", `retained until ${new Date(Number(row.retain_until / 1000n)).toISOString().slice(0, 10)}`];
  }
  const asked = eventsOf(db, item.tombstone).filter((e) => e.action === "PRUNE_REQUEST");
  if (asked.length === 0) {
    return ["not-requested", "it was not asked for"];
  }
  if (asked.every((e) => samePerson(e.actor, actor))) {
    return ["same-actor", `only ${asked[0].actor} asked for it`];
  }
  return ["purged", ""];
}

/** Take a record off the users of its content, and return the bytes that go with the last. */
function countOut(db: Connection, tombstone: Uint8Array, users: Judgement["users"]): bigint {
  const sha256 = db.get<{ sha256: Uint8Array }>("SELECT sha256 FROM record WHERE tombstone = ?", tombstone)?.sha256 ?? Buffer.alloc(0);
  const live = "SELECT count(*) AS n FROM record WHERE sha256 = ? AND purged_at IS NULL";
  const left = (users.get(hex(sha256)) ?? Number(db.get<{ n: bigint }>(live, sha256)?.n)) - 1;
  users.set(hex(sha256), left);
  const content = contentOf(db, sha256);
  return left === 0 && content?.body != null ? content.kept.storedSize : 0n;
}

/** Mark the records as purged, and remove the bodies that no live record needs. */
function remove(db: Connection, gone: Judgement["gone"], users: Judgement["users"], r: PurgeRequest, at: bigint): void {
  for (const { tombstone, event } of gone.values()) {
    db.run("UPDATE record SET purged_at = ? WHERE tombstone = ?", at, tombstone);
    insertEvent(db, eventOf(event, tombstone, "PURGE", r.actor, at, r.host));
  }
  for (const [sha256, left] of users) {
    if (left === 0) {
      removeBody(db, Buffer.from(sha256, "hex"));
    }
  }
}
