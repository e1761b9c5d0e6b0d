/**
 * What became of a record in another archive, and comes with a copy of it.
 *
 * The rules are those of Put in archive.proto.
 */
import { Event, Kind, type Hold, type PutHeader, type PutPart } from "./archive.js";
import * as checks from "./checks.js";
import type { Checked } from "./checks.js";
import type { Connection } from "./database.js";
import { Failed } from "./errors.js";
import { eventsOf, insertEvent, removeBody, sameEvent, samePerson } from "./rows.js";

/** The events and holds of one item. */
export class History {
  readonly events: Event[] = [];
  readonly holds: Hold[] = [];

  take(part: Extract<PutPart["part"], { $case: "event" | "hold" }>): void {
    if (part.$case === "event") {
      this.events.push(part.value);
    } else {
      this.holds.push(part.value);
    }
  }

  /** When the record was purged; undefined where it is live. */
  purgedAt(r: Checked): bigint | undefined {
    const purge = this.events.find((e) => e.action === "PURGE");
    return purge && (r.purgedAt ?? purge.at);
  }

  check(header: PutHeader, r: Checked): void {
    for (const e of this.events) {
      if (!checks.same(e.tombstone, r.tombstone) || e.action === "ARCHIVE") {
        throw new Failed(Kind.INVALID, "the history has an event of another record, or an ARCHIVE", r.tombstone);
      }
      checks.event(e);
    }
    for (const h of this.holds) {
      checks.hold(h, r.tombstone);
    }
    if (this.purgedAt(r) !== undefined && (header.body || r.content.storedSize < 0n)) {
      throw new Failed(Kind.INVALID, "a purged record has a body, or no stored size", r.tombstone);
    }
  }
}

interface HoldRow {
  rowid: bigint;
  name: string;
  released: bigint | null;
}

/** Add a history to its record, which is there; known says that it was before. */
export function takeOver(db: Connection, r: Checked, history: History, known: boolean, now: bigint): void {
  const holds = () => db.all<HoldRow>("SELECT rowid, name, released FROM hold WHERE tombstone = ?", r.tombstone);
  const before = new Set(holds().map((h) => h.rowid));
  const placed = eventsOf(db, r.tombstone).filter((e) => e.action === "HOLD");
  for (const h of history.holds) {
    mergeHold(db, r.tombstone, h, placed);
  }
  const state = "SELECT retain_until, purged_at FROM record WHERE tombstone = ?";
  const row = db.get<{ retain_until: bigint | null; purged_at: bigint | null }>(state, r.tombstone);
  const at = history.purgedAt(r);
  if (at !== undefined && row?.purged_at === null) {
    if (known) {
      const active = holds().filter((h) => before.has(h.rowid) && h.released === null);
      judge(r, history, active, row.retain_until, now);
    }
    db.run("UPDATE record SET purged_at = ? WHERE tombstone = ?", at, r.tombstone);
    const live = "SELECT 1 FROM record WHERE sha256 = ? AND purged_at IS NULL";
    if (!db.get(live, r.content.sha256)) {
      removeBody(db, r.content.sha256);
    }
  }
  for (const e of history.events) {
    takeOverEvent(db, e, history.holds);
  }
}

function takeOverEvent(db: Connection, e: Event, there: Hold[]): void {
  const old = db.get<{ message: Uint8Array }>("SELECT message FROM event WHERE id = ?", e.id);
  if (old && !sameEvent(Event.decode(old.message), e)) {
    throw new Failed(Kind.CONFLICT, "the event id is taken", e.tombstone);
  }
  if (old) {
    return;
  }
  mark(db, e, there);
  insertEvent(db, e);
  if (e.retainUntil !== undefined) {
    const later = "UPDATE record SET retain_until = ?1 WHERE tombstone = ?2 AND coalesce(retain_until < ?1, TRUE)";
    db.run(later, e.retainUntil, e.tombstone);
  }
}

/** Say of a HOLD or RELEASE that its effect was not taken over. */
function mark(db: Connection, e: Event, there: Hold[]): void {
  const cased = there.filter((h) => h.case === e.case);
  const placedThere = cased.some((h) => h.placed === e.at && h.placedBy === e.actor);
  const releasedThere = cased.some((h) => h.released === e.at);
  const placed = "SELECT 1 FROM hold WHERE (tombstone, name, placed, placed_by) = (?, ?, ?, ?)";
  const released = "SELECT 1 FROM hold WHERE (tombstone, name, released) = (?, ?, ?)";
  const at = e.at ?? null;
  e.noEffect =
    (e.action === "HOLD" && (e.noEffect || placedThere) && !db.get(placed, e.tombstone, e.case, at, e.actor)) ||
    (e.action === "RELEASE" && (e.noEffect || releasedThere) && !db.get(released, e.tombstone, e.case, at));
}

/** Add a hold, or release the one that it is; a HOLD that was placed here later stays active. */
function mergeHold(db: Connection, tombstone: Uint8Array, h: Hold, placed: Event[]): void {
  const released = h.released ?? null;
  const same = "SELECT rowid, name, released FROM hold WHERE (tombstone, name, placed, placed_by) = (?, ?, ?, ?)";
  const row = db.get<HoldRow>(same, tombstone, h.case, h.placed ?? null, h.placedBy);
  const active = db.get("SELECT 1 FROM hold WHERE (tombstone, name) = (?, ?) AND released IS NULL", tombstone, h.case);
  const insert = "INSERT INTO hold VALUES (?, ?, ?, ?, ?)";
  if (!row && (released !== null || !active)) {
    db.run(insert, tombstone, h.case, h.placed ?? null, h.placedBy, released);
  } else if (row && row.released === null && released !== null) {
    db.run("UPDATE hold SET released = ? WHERE rowid = ?", released, row.rowid);
    const later = placed.filter((e) => e.case === h.case && (e.at ?? 0n) > released);
    const again = later.sort((a, b) => Number((a.at ?? 0n) - (b.at ?? 0n)))[0];
    if (again) {
      db.run(insert, tombstone, h.case, again.at ?? null, again.actor, null);
    }
  }
}

/** Refuse a purge that was made elsewhere. */
function judge(r: Checked, history: History, active: HoldRow[], retained: bigint | null, now: bigint): void {
  const asked = history.events.filter((e) => e.action === "PRUNE_REQUEST");
  const alone = history.events.find((e) => e.action === "PURGE" && asked.every((a) => samePerson(a.actor, e.actor)));
  let why = "";
  if (active.length > 0) {
    why = `case ${active[0].name} is active`;
  } else if (retained !== null && retained > now) {
    why = "its retention lasts";
  } else if (alone) {
    why = `no person other than ${alone.actor} asked for it`;
  }
  if (why) {
    throw new Failed(Kind.REFUSED, `it was purged elsewhere and may not be purged here: ${why}`, r.tombstone);
  }
}
