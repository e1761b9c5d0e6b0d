/** Rows that more than one module reads or writes. */
import { Event } from "./archive.js";
import { same } from "./checks.js";
import type { Connection } from "./database.js";

export function eventsOf(db: Connection, tombstone: Uint8Array): Event[] {
  const rows = db.all<{ message: Uint8Array }>("SELECT message FROM event WHERE tombstone = ? ORDER BY at, id", tombstone);
  return rows.map((row) => Event.decode(row.message));
}

export function insertEvent(db: Connection, e: Event): void {
  db.run("INSERT INTO event VALUES (?, ?, ?, ?)", e.id, e.tombstone, e.at ?? null, Event.encode(e).finish());
}

export function sameEvent(a: Event, b: Event): boolean {
  const texts = (e: Event) => [e.action, e.actor, e.case, e.host, e.at, e.retainUntil].map(String).join("\0");
  return same(a.tombstone, b.tombstone) && texts(a) === texts(b);
}

/** Whether two actors are one person: they are equal but for blanks around them and for case. */
export function samePerson(a: string, b: string): boolean {
  const folded = (s: string) => s.trim().toUpperCase().toLowerCase();
  return folded(a) === folded(b);
}

export function removeBody(db: Connection, sha256: Uint8Array): void {
  db.run("DELETE FROM chunk WHERE body = (SELECT body FROM content WHERE sha256 = ?)", sha256);
  db.run("UPDATE content SET body = NULL WHERE sha256 = ?", sha256);
}
