/** Errors of the contract, and how they travel. */
import { BinaryWriter } from "@bufbuild/protobuf/wire";
import { Metadata, status, type StatusObject } from "@grpc/grpc-js";
import { Effect, ErrorDetail, Kind } from "./archive.js";

const MAX_CULPRITS = 50;

/** What a kind travels as: the table in archive.proto, as far as this backend has a use for it. */
const CODES: Partial<Record<Kind, status>> = {
  [Kind.INTERNAL]: status.INTERNAL,
  [Kind.INVALID]: status.INVALID_ARGUMENT,
  [Kind.NOT_FOUND]: status.NOT_FOUND,
  [Kind.CONFLICT]: status.ALREADY_EXISTS,
  [Kind.PURGED]: status.FAILED_PRECONDITION,
  [Kind.CONTENT_ABSENT]: status.FAILED_PRECONDITION,
  [Kind.CORRUPT]: status.DATA_LOSS,
  [Kind.UNAVAILABLE]: status.UNAVAILABLE,
  [Kind.BUSY]: status.ABORTED,
  [Kind.CANCELED]: status.CANCELLED,
  [Kind.PERMISSION_DENIED]: status.PERMISSION_DENIED,
  [Kind.NO_ARCHIVE]: status.NOT_FOUND,
  [Kind.SCHEMA]: status.FAILED_PRECONDITION,
  [Kind.FULL]: status.RESOURCE_EXHAUSTED,
  [Kind.LIMIT]: status.OUT_OF_RANGE,
  [Kind.REFUSED]: status.FAILED_PRECONDITION,
  [Kind.UNSUPPORTED]: status.UNIMPLEMENTED,
};

/** An error of the contract: a kind, a sentence, and the tombstones at fault. */
export class Failed extends Error {
  effect = Effect.NONE;
  native = "";
  readonly culprits: Uint8Array[];

  constructor(
    readonly kind: Kind,
    message: string,
    ...culprits: Uint8Array[]
  ) {
    super(message);
    this.culprits = culprits.filter((c) => c.length > 0).slice(0, MAX_CULPRITS); // an event of the archive has no tombstone
  }

  detail(): ErrorDetail {
    return {
      kind: this.kind,
      retry: this.kind === Kind.BUSY, // the only thing here that passes by itself
      effect: this.effect,
      native: this.native,
      tombstones: this.culprits.map((c) => Buffer.from(c)),
      op: "",
    };
  }

  status(): Partial<StatusObject> {
    const code = CODES[this.kind] ?? status.INTERNAL;
    const any = new BinaryWriter().uint32(10).string("type.googleapis.com/codex.archive.v1.ErrorDetail");
    any.uint32(18).bytes(ErrorDetail.encode(this.detail()).finish());
    const google = new BinaryWriter().uint32(8).int32(code).uint32(18).string(this.message);
    google.uint32(26).bytes(any.finish()); // a google.rpc.Status
    const metadata = new Metadata();
    metadata.set("grpc-status-details-bin", Buffer.from(google.finish()));
    return { code, details: this.message, metadata };
  }
}

/** What the result codes of SQLite mean. Never decide by the text of an error. */
const MEANINGS: Partial<{ [code: number]: [Kind, string] }> = {
  3: [Kind.PERMISSION_DENIED, "the archive cannot be opened"], // PERM
  5: [Kind.BUSY, "the archive is locked by another program"], // BUSY
  6: [Kind.BUSY, "the archive is locked by another call"], // LOCKED
  8: [Kind.PERMISSION_DENIED, "the archive cannot be written"], // READONLY
  10: [Kind.UNAVAILABLE, "the disk reports an error"], // IOERR
  11: [Kind.CORRUPT, "the database file is damaged"], // CORRUPT
  13: [Kind.FULL, "the disk is full"], // FULL
  14: [Kind.PERMISSION_DENIED, "a file of the archive cannot be opened or made"], // CANTOPEN
  15: [Kind.BUSY, "the archive is locked by another program"], // PROTOCOL
  17: [Kind.BUSY, "the archive is being changed by another program"], // SCHEMA
  18: [Kind.LIMIT, "too long for SQLite"], // TOOBIG
  26: [Kind.NO_ARCHIVE, "the file is not a database of SQLite"], // NOTADB
};

/** The result code of an error of SQLite, without what extends it; undefined for any other error. */
export function codeOf(error: unknown): number | undefined {
  const code = error instanceof Error && "errcode" in error ? error.errcode : undefined;
  return typeof code === "number" ? code & 0xff : undefined;
}

/** What an error of SQLite is in the contract; any other error as it is. */
export function ofSQLite(error: unknown, effect = Effect.NONE): unknown {
  const code = codeOf(error);
  if (code === undefined) {
    return error;
  }
  const failed = new Failed(...(MEANINGS[code] ?? [Kind.INTERNAL, "SQLite did not understand this backend"]));
  failed.effect = effect;
  failed.native = String((error as { errcode?: number }).errcode);
  return failed;
}

/** What an error of the file system is in the contract; any other error as it is. */
export function ofFile(error: unknown, doing: string): unknown {
  const code = error instanceof Error && "syscall" in error && "code" in error ? String(error.code) : undefined;
  if (code === undefined) {
    return error;
  }
  let kind = Kind.UNAVAILABLE;
  if (["EACCES", "EPERM", "EROFS"].includes(code)) {
    kind = Kind.PERMISSION_DENIED;
  } else if (["ENOSPC", "EDQUOT"].includes(code)) {
    kind = Kind.FULL;
  }
  const failed = new Failed(kind, `${doing}: ${code}`);
  failed.native = code;
  return failed;
}
