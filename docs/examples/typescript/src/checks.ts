/** What a request must look like. The limits are those of sdk/backend.go. */
import type { Content, Event, Hold, PurgeRequest, PutHeader, Record } from "./archive.js";
import { Kind } from "./archive.js";
import { Failed } from "./errors.js";

export const MAX_ITEMS = 1000; // items, ids or events of one call
export const MAX_HISTORY = 4000; // events and holds of one Put
export const CHUNK = 256 << 10; // bytes of a body that travel, and are stored, as one piece
const MAX_TEXT = 64 << 10; // bytes of a note, or of all pairs of a record or event
const MAX_NAME = 1 << 10; // bytes of a repository, actor, reason, commit, tag or case
const MAX_PATH = 4 << 10;
const MAX_TAGS = 100;
const FIRST_TIME = -62135596800000000n; // microseconds: year 1
const LAST_TIME = 253402300799999999n; // year 9999
const APPENDED = ["RESTORE", "HOLD", "RELEASE", "RETAIN", "PRUNE_REQUEST", "VERIFY"];
const OBJECT_ID = /^([0-9a-f]{40}|[0-9a-f]{64})?$/;

const invalid = (message: string, ...culprits: Uint8Array[]) => new Failed(Kind.INVALID, message, ...culprits);

export function same(a: Uint8Array, b: Uint8Array): boolean {
  return Buffer.compare(a, b) === 0;
}

export function count(items: unknown[]): void {
  if (items.length > MAX_ITEMS) {
    throw new Failed(Kind.LIMIT, `more than ${MAX_ITEMS} in one call`);
  }
}

export function ids(values: Uint8Array[], length = 16): void {
  count(values);
  for (const value of values) {
    if (value.length !== length) {
      throw invalid(`an id has ${length} bytes, found ${value.length}`);
    }
  }
}

function givenID(what: string, value: Uint8Array, culprit: Uint8Array, length = 16): void {
  if (value.length !== length || value.every((b) => b === 0)) {
    throw invalid(`${what} is missing`, culprit);
  }
}

function checkContent(c: Content | undefined, culprit: Uint8Array): Content {
  if (c?.sha256.length !== 32 || c.size < 0n || c.storedSize < -1n) {
    throw invalid("the content is not described", culprit);
  }
  if (c.storedSize >= 0n && c.storedSha256.length !== 32) {
    throw invalid("the SHA-256 of the body is missing", culprit);
  }
  return c;
}

/** Paths are bytes, everything else is text; limits count bytes. */
function text(what: string, value: string | Uint8Array, most: number, required: boolean, culprit: Uint8Array): void {
  const data = typeof value === "string" ? Buffer.from(value) : value;
  if (required && data.length === 0) {
    throw invalid(`${what} is missing`, culprit);
  }
  if (data.length > most) {
    throw new Failed(Kind.LIMIT, `${what}: more than ${most} bytes`, culprit);
  }
  if (data.includes(0)) {
    throw invalid(`${what} holds a NUL`, culprit);
  }
}

function pairs(what: string, values: Map<string, string>, longestKey: number, culprit: Uint8Array): void {
  let size = 0;
  for (const [key, value] of values) {
    text(what, key, longestKey, true, culprit);
    text(what, value, MAX_TEXT, false, culprit);
    size += Buffer.byteLength(key) + Buffer.byteLength(value);
  }
  if (size > MAX_TEXT) {
    throw new Failed(Kind.LIMIT, `${what}: more than ${MAX_TEXT} bytes`, culprit);
  }
}

/** A record that has been checked has its content and its time. */
export type Checked = Record & { content: Content; archivedAt: bigint };

export function record(r: Record | undefined): Checked {
  if (!r) {
    throw invalid("the record is missing");
  }
  const culprit = r.tombstone;
  givenID("tombstone", r.tombstone, culprit);
  givenID("event", r.event, culprit);
  givenID("set", r.set, culprit);
  givenID("digest", r.digest, culprit, 32);
  const content = checkContent(r.content, culprit);
  if ((r.mode & ~0o777) !== 0 || r.archivedAt === undefined) {
    throw invalid("mode or time is wrong", culprit);
  }
  for (const at of [r.modTime, r.archivedAt, r.retainUntil, r.retainAtStore]) {
    if (at !== undefined && (at < FIRST_TIME || at > LAST_TIME)) {
      throw invalid("a time is not in the years 1 to 9999", culprit);
    }
  }
  const states = ["", "clean", "modified", "untracked"];
  if (!["file", "symlink"].includes(r.type) || !states.includes(r.workTreeState) || !OBJECT_ID.test(r.gitBlob)) {
    throw invalid("type, state in the work tree or git blob is not known", culprit);
  }
  for (const [what, value] of Object.entries({ repo: r.repo, reason: r.reason, kind: r.contentKind, actor: r.archivedBy, codec: content.codec })) {
    text(what, value, MAX_NAME, true, culprit);
  }
  text("commit", r.commit, MAX_NAME, false, culprit);
  text("host", r.host, MAX_NAME, false, culprit);
  text("note", r.note, MAX_TEXT, false, culprit);
  text("path", r.path, MAX_PATH, true, culprit);
  text("work tree path", r.workTreePath, MAX_PATH, false, culprit);
  tags(r.tags, culprit);
  pairs("metadata", r.metadata, MAX_NAME, culprit);
  return { ...r, content, archivedAt: r.archivedAt };
}

/** The body whose place the body of an item takes. */
export function replaces(h: PutHeader, r: Record): void {
  if (h.replaces.length > 0 && (!h.body || h.replaces.length !== 32)) {
    throw invalid("what the body replaces is wrong", r.tombstone);
  }
}

function tags(given: string[], culprit: Uint8Array): void {
  if (given.length > MAX_TAGS) {
    throw new Failed(Kind.LIMIT, `more than ${MAX_TAGS} tags`, culprit);
  }
  for (const [i, tag] of given.entries()) {
    text("tag", tag, MAX_NAME, true, culprit);
    if (i > 0 && Buffer.compare(Buffer.from(given[i - 1]), Buffer.from(tag)) >= 0) {
      throw invalid("tags are not sorted or not unique", culprit);
    }
  }
}

export function appended(e: Event): void {
  if (!APPENDED.includes(e.action)) {
    throw invalid("the action is not one that can be appended", e.tombstone);
  }
  event(e);
}

export function event(e: Event): void {
  const culprit = e.tombstone;
  givenID("event", e.id, culprit);
  if (e.action !== "VERIFY") {
    givenID("tombstone", e.tombstone, culprit);
  } else if (e.tombstone.length > 0) {
    throw invalid("an event of the archive has no tombstone", culprit);
  }
  text("action", e.action, MAX_NAME, true, culprit);
  if (e.at === undefined) {
    throw invalid("the time is missing", culprit);
  }
  if (["HOLD", "RELEASE"].includes(e.action) !== (e.case !== "")) {
    throw invalid("a case belongs to HOLD and RELEASE", culprit);
  }
  if ((e.action === "RETAIN") !== (e.retainUntil !== undefined)) {
    throw invalid("a time of retention belongs to RETAIN", culprit);
  }
  text("actor", e.actor, MAX_NAME, true, culprit);
  text("case", e.case, MAX_NAME, false, culprit);
  text("host", e.host, MAX_NAME, false, culprit);
  pairs("detail", e.detail, MAX_TEXT, culprit);
}

export function hold(h: Hold, culprit: Uint8Array): void {
  text("case", h.case, MAX_NAME, true, culprit);
  text("actor", h.placedBy, MAX_NAME, true, culprit);
  if (h.placed === undefined) {
    throw invalid("the time of a hold is missing", culprit);
  }
}

export function purge(r: PurgeRequest): void {
  const nobody = new Uint8Array();
  count(r.items);
  text("actor", r.actor, MAX_NAME, true, nobody);
  text("host", r.host, MAX_NAME, false, nobody);
  if (r.at === undefined) {
    throw invalid("the time is missing");
  }
  for (const item of r.items) {
    givenID("tombstone", item.tombstone, item.tombstone);
    givenID("event", item.event, item.tombstone);
  }
}

/** The lowest and the highest tombstone that begin with prefix. */
export function prefixRange(prefix: string): [Buffer, Buffer] {
  const sound = [...prefix].every((c, i) => ([8, 13, 18, 23].includes(i) ? c === "-" : /^[0-9a-fA-F]$/.test(c)));
  if (!sound || prefix.length < 8 || prefix.length > 36) {
    throw invalid("prefix: not the beginning of a tombstone");
  }
  const digits = prefix.replaceAll("-", "");
  return [Buffer.from(digits.padEnd(32, "0"), "hex"), Buffer.from(digits.padEnd(32, "f"), "hex")];
}
