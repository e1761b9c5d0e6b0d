/**
 * A Put on its way in.
 *
 * The parts go into memory while they are few, and into a file without a name,
 * beside the archive, when they are many. Nothing of them reaches the database
 * before the commit part has come: a program that is killed, and a host that
 * goes, leave nothing behind, and no other writer waits for a slow host.
 */
import { createHash, randomUUID } from "node:crypto";
import { closeSync, openSync, readSync, unlinkSync, writeSync } from "node:fs";
import { Kind, PutHeader, type BodyEnd, type PutFrame, type PutPart } from "./archive.js";
import * as checks from "./checks.js";
import { crc32c } from "./crc32c.js";
import { Failed, ofFile } from "./errors.js";
import { History } from "./history.js";

const IN_MEMORY = 1 << 20; // bytes of a Put that are held in memory

/** Bytes that are written once, one after the other, and read anywhere. */
class Spool {
  size = 0;
  private held: Buffer[] = [];
  private file = -1;

  constructor(private readonly directory: Buffer) {}

  append(data: Uint8Array): void {
    if (this.file < 0 && this.size + data.length > IN_MEMORY) {
      this.spill();
    }
    if (this.file < 0) {
      this.held.push(Buffer.from(data)); // a copy: data is a part of its frame
    } else {
      write(this.file, data, this.size);
    }
    this.size += data.length;
  }

  private spill(): void {
    const name = Buffer.concat([this.directory, Buffer.from(`/.tssqlite-${randomUUID()}`)]);
    this.file = openSync(name, "wx+", 0o600);
    unlinkSync(name);
    const held = Buffer.concat(this.held);
    this.held = [];
    write(this.file, held, 0);
  }

  read(start: number, length: number): Buffer {
    if (this.file < 0) {
      if (this.held.length > 1) {
        this.held = [Buffer.concat(this.held)];
      }
      return Buffer.from(this.held[0]?.subarray(start, start + length) ?? []);
    }
    const data = Buffer.alloc(length);
    for (let done = 0; done < length; ) {
      const n = readSync(this.file, data, done, length - done, start + done);
      if (n === 0) {
        throw new Error("the file of the intake is too short");
      }
      done += n;
    }
    return data;
  }

  close(): void {
    if (this.file >= 0) {
      closeSync(this.file);
    }
  }
}

function write(file: number, data: Uint8Array, position: number): void {
  for (let done = 0; done < data.length; ) {
    done += writeSync(file, data, done, data.length - done, position + done);
  }
}

/** The bytes of an item, and what they were found to be. */
export class Body {
  size = 0;
  crc32c = 0;
  sha256 = Buffer.alloc(0); // at the end
  private readonly hash = createHash("sha256");

  constructor(
    private readonly spool: Spool,
    private readonly start: number,
  ) {}

  take(chunk: Uint8Array): void {
    this.spool.append(chunk);
    this.size += chunk.length;
    this.crc32c = crc32c(chunk, this.crc32c);
    this.hash.update(chunk);
  }

  end(): void {
    this.sha256 = this.hash.digest();
  }

  /** The bytes again, in pieces as they are stored, however they came. */
  *chunks(): Generator<Buffer> {
    for (let at = 0; at < this.size; at += checks.CHUNK) {
      yield this.spool.read(this.start + at, Math.min(checks.CHUNK, this.size - at));
    }
  }
}

export interface Item {
  record: checks.Checked;
  body: Body | undefined;
  replaces: Buffer; // SHA-256 of the intact body whose place the body takes
  history: History;
}

interface Coming {
  header: PutHeader;
  record: checks.Checked;
  start: number; // of the header in the spool
  length: number;
  body: Body;
  history: History;
}

/** The items of one Put. */
export class Intake {
  private readonly spool: Spool;
  private readonly came: Omit<Coming, "header" | "record">[] = [];
  private coming: Coming | undefined; // the item that is coming in
  private told = 0; // events and holds of all histories

  constructor(directory: Buffer) {
    this.spool = new Spool(directory);
  }

  close(): void {
    this.spool.close();
  }

  *items(): Generator<Item> {
    for (const { start, length, body, history } of this.came) {
      const header = PutHeader.decode(this.spool.read(start, length));
      yield { record: checks.record(header.record), body: header.body ? body : undefined, replaces: header.replaces, history };
    }
  }

  /** Take in everything up to the commit part. */
  async read(frames: AsyncIterable<PutFrame>): Promise<void> {
    let committed = false;
    for await (const frame of frames) {
      for (const { part } of frame.parts) {
        if (committed) {
          throw new Failed(Kind.INVALID, "a part after the commit");
        }
        try {
          committed = this.take(part);
        } catch (e) {
          throw ofFile(e, "keep the items that come in");
        }
      }
      if (committed) {
        return;
      }
    }
    throw new Failed(Kind.CANCELED, "the stream ended without a commit");
  }

  /** Take one part, and say whether it was the commit. */
  private take(part: PutPart["part"]): boolean {
    const item = this.coming;
    if (part?.$case === "header" && !item) {
      this.begin(part.value);
    } else if ((part?.$case === "event" || part?.$case === "hold") && item?.body.size === 0) {
      if (this.told++ === checks.MAX_HISTORY) {
        throw new Failed(Kind.LIMIT, `more than ${checks.MAX_HISTORY} events and holds in one call`);
      }
      item.history.take(part);
    } else if (part?.$case === "chunk" && item) {
      item.body.take(part.value);
    } else if (part?.$case === "end" && item) {
      this.end(item, part.value);
    } else if (part?.$case === "commit" && !item) {
      if (part.value.items !== this.came.length) {
        throw new Failed(Kind.CORRUPT, `the commit is for ${part.value.items} items, and ${this.came.length} came`);
      }
      return true;
    } else {
      throw new Failed(Kind.INVALID, `${part?.$case ?? "an unknown part"} out of order`);
    }
    return false;
  }

  private begin(header: PutHeader): void {
    if (this.came.length === checks.MAX_ITEMS) {
      throw new Failed(Kind.LIMIT, `more than ${checks.MAX_ITEMS} items in one call`);
    }
    const record = checks.record(header.record);
    checks.replaces(header, record);
    const start = this.spool.size;
    const data = PutHeader.encode(header).finish();
    this.spool.append(data);
    const body = new Body(this.spool, this.spool.size);
    this.coming = { header, record, start, length: data.length, body, history: new History() };
  }

  private end(item: Coming, end: BodyEnd): void {
    const { header, record, body, history, start, length } = item;
    body.end();
    history.check(header, record);
    const { storedSize, crc32c, storedSha256 } = record.content;
    let found = BigInt(body.size) === end.storedSize && body.crc32c === end.crc32c;
    if (!header.body) {
      found &&= body.size === 0 && body.crc32c === 0;
    } else if (storedSize >= 0n) {
      // Else it was still being compressed, and the end alone proves it.
      found &&= storedSize === end.storedSize && crc32c === end.crc32c && checks.same(storedSha256, body.sha256);
    }
    if (!found) {
      throw new Failed(Kind.CORRUPT, "the body is not what was announced", record.tombstone);
    }
    this.came.push({ start, length, body, history });
    this.coming = undefined;
  }
}
