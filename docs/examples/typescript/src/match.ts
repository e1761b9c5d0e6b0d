/** What the database asks about each record, where an index does not know the answer. */
import type { SQLOutputValue } from "node:sqlite";
import { Kind, Record, type ListRequest } from "./archive.js";
import { Failed } from "./errors.js";

/** Bytes as a text with a letter for each, A to Z made small. */
const lower = (bytes: Buffer | string) => Buffer.from(bytes as string).toString("latin1").replace(/[A-Z]+/g, (s) => s.toLowerCase());

/** A function that says, 1 or 0, whether a query selects a record, given as its message. */
export function matcher(q: ListRequest): (message: SQLOutputValue) => number {
  const directory = `${q.path.toString("latin1").replace(/\/+$/, "")}/`;
  const name = pattern(q.name.toString());
  const text = lower(q.match);
  return (message) => {
    let r: Record;
    try {
      r = Record.decode(message as Uint8Array);
    } catch {
      return 1; // a row that cannot be read is shown
    }
    const paths = [r.path, r.workTreePath].filter((p) => p.length > 0);
    const selected =
      r.commit.startsWith(q.commit) &&
      (q.path.length === 0 || paths.some((p) => `${p.toString("latin1")}/`.startsWith(directory))) &&
      (q.name.length === 0 || name.test(r.path.subarray(r.path.lastIndexOf("/") + 1).toString())) &&
      (text === "" || [r.note, ...paths, ...[...r.metadata].flat()].some((t) => lower(t).includes(text)));
    return selected ? 1 : 0;
  };
}

/** The regular expression for a pattern as archive.proto describes it. */
function pattern(name: string): RegExp {
  const literal = (sign: string) => `\\u{${(sign.codePointAt(0) ?? 0).toString(16)}}`;
  const inside = (set: string) => set.replace(/\\(.)|[^-]/gsu, (sign, escaped?: string) => literal(escaped ?? sign));
  const parts: string[] = [];
  for (const [token] of name.matchAll(/\\.|\[\^?(?:\\.|[^\]\\])+\]|./gsu)) {
    if (token === "*") {
      parts.push(".*");
    } else if (token === "?") {
      parts.push(".");
    } else if (token === "[" || token === "\\") {
      throw new Failed(Kind.INVALID, "name is not a pattern");
    } else if (token.startsWith("[")) {
      const not = token.startsWith("[^") ? "^" : "";
      parts.push(`[${not}${inside(token.slice(1 + not.length, -1))}]`);
    } else {
      parts.push(literal(token.startsWith("\\") ? token.slice(1) : token));
    }
  }
  return new RegExp(`^${parts.join("")}$`, "su");
}
