/**
 * Change an archive behind the backend's back, as a failing disk or an attacker
 * would. The kit's rules about damage need this.
 *
 * On standard input come two lines, the URL of the archive, whose path is relative
 * to the current directory, and the SHA-256 of a content in hex; or four, the
 * URL, what to do, and the tombstones of two records.
 */
import { existsSync, readFileSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";

const TAMPER: { [how: string]: string } = {
  "remove-body": `DELETE FROM chunk WHERE body =
    (SELECT body FROM content JOIN record USING (sha256) WHERE tombstone = unhex($record))`,
  "spoil-record": "UPDATE record SET message = x'ff' WHERE tombstone = unhex($record)",
  "spoil-content": `UPDATE content SET stored_size = -1 WHERE sha256 =
    (SELECT sha256 FROM record WHERE tombstone = unhex($record))`,
  "swap-content": `UPDATE record SET sha256 =
    (SELECT sha256 FROM record WHERE tombstone = unhex($other)) WHERE tombstone = unhex($record)`,
};

const [url, what, record, other] = readFileSync(0, "utf8").split("\n");
const path = url.replace(/^tssqlite:\/\/\//, "");
if (path === url || !existsSync(path)) {
  throw new Error("no archive of tssqlite is there");
}
const db = new DatabaseSync(path, { timeout: 10_000 });
const changed = what in TAMPER ? tamper() : damage();
if (changed === 0) {
  throw new Error("the archive has no such record or body");
}

function tamper(): number {
  const values: { [name: string]: string } = { record: record.replaceAll("-", "") };
  if (what === "swap-content") {
    values.other = other.replaceAll("-", "");
  }
  return Number(db.prepare(TAMPER[what]).run(values).changes);
}

/** Flip a bit in the middle of a body. */
function damage(): number {
  const rows = "SELECT chunk.rowid AS row, data FROM chunk JOIN content USING (body) WHERE sha256 = unhex(?) ORDER BY seq";
  const found = db.prepare(rows).all(what) as { row: number; data: Uint8Array }[];
  if (found.length === 0) {
    return 0;
  }
  const { row, data } = found[Math.floor(found.length / 2)];
  data[Math.floor(data.length / 2)] ^= 1;
  return Number(db.prepare("UPDATE chunk SET data = ? WHERE rowid = ?").run(data, row).changes);
}
