/** The calls of archive.proto, and the server that answers them. */
import { configureTextEncoding, getTextEncoding } from "@bufbuild/protobuf/wire";
import * as grpc from "@grpc/grpc-js";
import { once } from "node:events";
import { writeSync } from "node:fs";
import { addAbortSignal, type Readable, type Writable } from "node:stream";
import { setImmediate as turnOfOthers } from "node:timers/promises";
import * as pb from "./archive.js";
import { Effect, Kind, Mode } from "./archive.js";
import * as checks from "./checks.js";
import { crc32c } from "./crc32c.js";
import { directoryOf } from "./database.js";
import { Failed } from "./errors.js";
import { Intake } from "./intake.js";
import { Archive, type Alive } from "./store.js";

export const NAME = "tssqlite";
export const PROTOCOL = 1;
const VERSION = "1";
const MAX_MESSAGE = 4 << 20; // bytes

const description: pb.Description = {
  name: NAME, version: VERSION, protocol: PROTOCOL, schemes: [NAME], maxItems: checks.MAX_ITEMS, chunkSize: checks.CHUNK,
  protocols: [PROTOCOL], capabilities: ["identity"],
};

/** What may be wrong with one item of a Get without ending it. */
const OF_ONE_ITEM = [Kind.NOT_FOUND, Kind.PURGED, Kind.CONTENT_ABSENT, Kind.CORRUPT, Kind.BUSY];

/** What one connection has opened. */
class Session {
  /** Ends the calls that wait for the host. Others go on: what one of them commits while the session ends, it still answers. */
  readonly cut = new AbortController();

  constructor(readonly archive: Archive) {}

  async end(): Promise<void> {
    this.cut.abort();
    await this.archive.close();
  }
}

/** The part of a call that all kinds of calls have. */
interface Call {
  readonly cancelled: boolean;
  getPeer(): string;
  on(event: "cancelled", listener: () => void): unknown;
}

/** The calls. */
export class Service {
  private readonly server = new grpc.Server({
    "grpc.max_receive_message_length": MAX_MESSAGE,
    "grpc.max_send_message_length": MAX_MESSAGE,
  });
  /**
   * By peer, which is the address of a TCP connection. All connections of a Unix socket are one peer to gRPC for
   * Node.js, which does no harm: the host makes only one.
   */
  private readonly sessions = new Map<string, Session>();

  /** Serve an address, "HOST:PORT" or "unix:PATH", from now on. Returns the port. */
  async serve(address: string): Promise<number> {
    const d = pb.ArchiveService;
    this.server.addService(raw(d), {
      describe: unary(d.describe, async () => ({ description })),
      open: unary(d.open, (r, call) => this.open(r, call)),
      drain: unary(d.drain, (_, call) => this.drain(call)),
      put: clientStream(d.put, (frames, call) => this.put(frames, call)),
      missing: unary(d.missing, (r, call) => this.missing(r, call)),
      get: serverStream(d.get, (r, call) => [this.session(call).cut.signal, pb.GetPart, this.get(r, call)]),
      list: serverStream(d.list, (q, call) => [this.session(call).cut.signal, pb.ListPart, this.list(q, call)]),
      append: unary(d.append, (r, call) => this.append(r, call)),
      purge: unary(d.purge, (r, call) => this.purge(r, call)),
      health: unary(d.health, async (_, call) => this.session(call).archive.health()),
    });
    this.server.addService(HEALTH, { check: checkHealth });
    return new Promise((resolve, reject) => {
      this.server.bindAsync(address, grpc.ServerCredentials.createInsecure(), (e, port) => (e ? reject(e) : resolve(port)));
    });
  }

  async end(): Promise<void> {
    await Promise.all([...this.sessions.values()].map((session) => session.end()));
  }

  private session(call: Call): Session {
    const session = this.sessions.get(call.getPeer());
    if (!session) {
      throw new Failed(Kind.INVALID, "this connection has no archive");
    }
    return session;
  }

  private async open(r: pb.OpenRequest, call: Call): Promise<pb.OpenReply> {
    if (r.protocol !== PROTOCOL) {
      throw new Failed(Kind.UNSUPPORTED, `the host speaks protocol ${r.protocol}, this backend ${PROTOCOL}`);
    }
    if (Mode[r.mode] === undefined || r.mode < 0) {
      throw new Failed(Kind.UNSUPPORTED, `open mode ${r.mode} is not known`);
    }
    const taken = () => {
      if (this.sessions.has(call.getPeer())) {
        throw new Failed(Kind.INVALID, "this connection has an archive already");
      }
    };
    taken();
    const session = new Session(await Archive.opened(r.url, r.dir, r.mode));
    try {
      taken();
    } catch (e) {
      await session.end();
      throw e;
    }
    this.sessions.set(call.getPeer(), session);
    log("debug", "opened an archive", { mode: Mode[r.mode] });
    return { description, archive: session.archive.identity() };
  }

  private async drain(call: Call): Promise<pb.DrainReply> {
    const session = this.sessions.get(call.getPeer());
    this.sessions.delete(call.getPeer());
    await session?.end();
    return {};
  }

  private async put(frames: Frames<pb.PutFrame>, call: Call): Promise<pb.PutReply> {
    const { archive, cut } = this.session(call);
    archive.mustWrite();
    const items = new Intake(directoryOf(archive.path));
    try {
      await items.read(frames(cut.signal));
      return { stored: await archive.put(items, alive(call, cut.signal)) };
    } finally {
      items.close();
    }
  }

  private async missing(r: pb.MissingRequest, call: Call): Promise<pb.MissingReply> {
    const { archive } = this.session(call);
    checks.ids(r.contents, 32);
    return { contents: archive.missing(r.contents) };
  }

  private *get(r: pb.GetRequest, call: Call): Generator<pb.GetPart> {
    const { archive } = this.session(call);
    checks.ids(r.tombstones);
    for (const tombstone of r.tombstones) {
      try {
        yield* item(archive, tombstone);
      } catch (e) {
        if (!(e instanceof Failed) || !OF_ONE_ITEM.includes(e.kind)) {
          throw e;
        }
        yield { part: { $case: "failure", value: { tombstone, message: e.message, error: e.detail() } } };
      }
    }
    yield { part: { $case: "all", value: {} } };
  }

  private *list(q: pb.ListRequest, call: Call): Generator<pb.ListPart> {
    const { archive } = this.session(call);
    checks.ids(q.tombstones);
    checks.ids(q.events);
    for (const found of archive.list(q)) {
      if (found instanceof Failed) {
        const failure = { tombstone: Buffer.from(found.culprits[0]), message: found.message, error: found.detail() };
        yield { part: { $case: "failure", value: failure } };
        continue;
      }
      yield { part: { $case: "entry", value: found.entry } };
      for (const value of found.events) {
        yield { part: { $case: "event", value } };
      }
      for (const value of found.holds) {
        yield { part: { $case: "hold", value } };
      }
    }
    yield { part: { $case: "all", value: {} } };
  }

  private async append(r: pb.AppendRequest, call: Call): Promise<pb.AppendReply> {
    const { archive, cut } = this.session(call);
    checks.count(r.events);
    r.events.forEach(checks.appended);
    await archive.append(r.events, alive(call, cut.signal));
    return {};
  }

  private async purge(r: pb.PurgeRequest, call: Call): Promise<pb.PurgeReply> {
    const { archive, cut } = this.session(call);
    checks.purge(r);
    return { verdicts: await archive.purge(r, alive(call, cut.signal)) };
  }
}

/** What a call asks before each step, and last before COMMIT. */
function alive(call: Call, cut: AbortSignal): Alive {
  return () => {
    if (call.cancelled || cut.aborted) {
      throw new Failed(Kind.CANCELED, "the call was canceled");
    }
  };
}

/** The parts of one item of a Get. */
function* item(archive: Archive, tombstone: Buffer): Generator<pb.GetPart> {
  const [record, number] = archive.find(tombstone);
  yield { part: { $case: "header", value: record } };
  let size = 0;
  let crc = 0;
  for (const value of archive.chunks(number)) {
    size += value.length;
    crc = crc32c(value, crc);
    yield { part: { $case: "chunk", value } };
  }
  if (BigInt(size) !== record.content.storedSize || crc !== record.content.crc32c) {
    if (archive.find(tombstone)[1] !== number) { // which says so itself where the content was purged meanwhile
      throw new Failed(Kind.BUSY, "its content was replaced while it was read", tombstone);
    }
    throw new Failed(Kind.CORRUPT, "the stored body does not match its size or checksum", tombstone);
  }
  yield { part: { $case: "end", value: { storedSize: BigInt(size), crc32c: crc } } };
}

/** Parts in frames of about the size of a chunk. */
function* packed<Part>(parts: Iterable<Part>, message: pb.MessageFns<Part>): Generator<{ parts: Part[] }> {
  let ready: Part[] = [];
  let size = 0;
  for (const part of parts) {
    const length = message.encode(part).finish().length;
    if (ready.length > 0 && size + length > checks.CHUNK) {
      yield { parts: ready };
      ready = [];
      size = 0;
    }
    ready.push(part);
    size += length;
  }
  yield { parts: ready };
}

/** The description of a service whose requests stay bytes, so that a broken one is an error of the contract. */
function raw(service: typeof pb.ArchiveService): grpc.ServiceDefinition {
  const requestDeserialize = (data: Buffer) => data;
  return Object.fromEntries(Object.entries(service).map(([name, method]) => [name, { ...method, requestDeserialize }]));
}

// Text that is not UTF-8 is an error, and a mark at its beginning is a part of it.
const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
configureTextEncoding({ ...getTextEncoding(), decodeUtf8: (bytes) => utf8.decode(bytes) });

/** A call of archive.proto, as its generated description has it. */
interface Method<Request> {
  path: string;
  requestDeserialize(data: Buffer): Request;
}

function parsed<Request>(method: Method<Request>, data: Buffer): Request {
  try {
    return method.requestDeserialize(data);
  } catch {
    throw new Failed(Kind.INVALID, "the message cannot be read");
  }
}

function unary<Request, Reply>(method: Method<Request>, answer: (r: Request, call: Call) => Promise<Reply>) {
  return (call: grpc.ServerUnaryCall<Buffer, Reply>, reply: grpc.sendUnaryData<Reply>) => {
    const run = async () => answer(parsed(method, call.request), call);
    run().then((r) => reply(null, r), (e) => reply(statusOf(e, method.path)));
  };
}

function clientStream<Request, Reply>(method: Method<Request>, answer: (frames: Frames<Request>, call: Call) => Promise<Reply>) {
  return (call: grpc.ServerReadableStream<Buffer, Reply>, reply: grpc.sendUnaryData<Reply>) => {
    answer(framesOf(call, method), call).then((r) => reply(null, r), (e) => reply(statusOf(e, method.path)));
  };
}

/** The frames of a stream, until cut ends them. */
type Frames<Request> = (cut: AbortSignal) => AsyncIterable<Request>;

function framesOf<Request>(call: Readable, method: Method<Request>): Frames<Request> {
  return async function* (cut) {
    addAbortSignal(cut, call);
    for await (const data of call) {
      yield parsed(method, data);
    }
  };
}

type Parts<Part> = [cut: AbortSignal, message: pb.MessageFns<Part>, parts: Iterable<Part>];

function serverStream<Request, Part>(method: Method<Request>, answer: (r: Request, call: Call) => Parts<Part>) {
  return (call: grpc.ServerWritableStream<Buffer, { parts: Part[] }>) => {
    const run = async () => send(call, ...answer(parsed(method, call.request), call));
    run().then(() => call.end(), (e) => call.emit("error", statusOf(e, method.path)));
  };
}

/** Send parts as fast as the host takes them, until cut, or the host, ends the call. */
async function send<Part>(call: Writable & Call, cut: AbortSignal, message: pb.MessageFns<Part>, parts: Iterable<Part>): Promise<void> {
  const gone = new AbortController();
  call.on("cancelled", () => gone.abort());
  const signal = AbortSignal.any([cut, gone.signal]);
  for (const frame of packed(parts, message)) {
    if (!call.write(frame)) {
      await once(call, "drain", { signal });
    }
    await turnOfOthers();
    signal.throwIfAborted();
  }
}

/** The answer to a call that failed. What is no error of the contract is a bug of this program. */
function statusOf(error: unknown, method: string): Partial<grpc.StatusObject> {
  if (error instanceof Failed) {
    return error.status();
  }
  const cut = error instanceof Error && "code" in error && error.code === "ERR_STREAM_PREMATURE_CLOSE";
  if (cut || (error instanceof Error && error.name === "AbortError")) {
    return new Failed(Kind.CANCELED, "the call was canceled").status();
  }
  log("error", "a bug in the backend", { method, trace: String(error instanceof Error ? error.stack : error) });
  const failed = new Failed(Kind.INTERNAL, `a bug in the backend: ${error instanceof Error ? error.name : typeof error}`);
  failed.effect = Effect.MAYBE;
  return failed.status();
}

/** grpc.health.v1.Health/Check, without its package: the request is a name, the answer 1 for SERVING. */
const HEALTH: grpc.ServiceDefinition = {
  check: {
    path: "/grpc.health.v1.Health/Check",
    requestStream: false,
    responseStream: false,
    requestSerialize: (data: Buffer) => data,
    requestDeserialize: (data: Buffer) => data,
    responseSerialize: (data: Buffer) => data,
    responseDeserialize: (data: Buffer) => data,
  },
};

function checkHealth(call: grpc.ServerUnaryCall<Buffer, Buffer>, reply: grpc.sendUnaryData<Buffer>): void {
  if (["", "0a06706c7567696e"].includes(call.request.toString("hex"))) {
    reply(null, Buffer.from("0801", "hex"));
  } else {
    reply({ code: grpc.status.NOT_FOUND, details: "no such service" });
  }
}

const LEVELS = ["trace", "debug", "info", "warn", "error"];

/** One line on standard error, as the host reads it. No URL and no password ever comes here. */
function log(level: string, message: string, pairs: { [name: string]: string }): void {
  const least = LEVELS.indexOf(process.env.CODEX_ARCHIVE_PLUGIN_LOG_LEVEL ?? "info");
  if (LEVELS.indexOf(level) >= least) {
    const line = { "@level": level, "@message": message, "@timestamp": new Date().toISOString(), ...pairs };
    writeSync(2, `${JSON.stringify(line)}\n`);
  }
}
