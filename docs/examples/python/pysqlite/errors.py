"""Errors of the contract, and how they travel."""
import errno
import sqlite3

import grpc
from google.protobuf import any_pb2

from pysqlite import archive_pb2 as pb

MAX_CULPRITS = 50

# What a kind travels as: the table in archive.proto, as far as this backend
# has a use for it.
CODES = {
    "INTERNAL": grpc.StatusCode.INTERNAL,
    "INVALID": grpc.StatusCode.INVALID_ARGUMENT,
    "NOT_FOUND": grpc.StatusCode.NOT_FOUND,
    "CONFLICT": grpc.StatusCode.ALREADY_EXISTS,
    "PURGED": grpc.StatusCode.FAILED_PRECONDITION,
    "CONTENT_ABSENT": grpc.StatusCode.FAILED_PRECONDITION,
    "CORRUPT": grpc.StatusCode.DATA_LOSS,
    "UNAVAILABLE": grpc.StatusCode.UNAVAILABLE,
    "BUSY": grpc.StatusCode.ABORTED,
    "CANCELED": grpc.StatusCode.CANCELLED,
    "PERMISSION_DENIED": grpc.StatusCode.PERMISSION_DENIED,
    "NO_ARCHIVE": grpc.StatusCode.NOT_FOUND,
    "SCHEMA": grpc.StatusCode.FAILED_PRECONDITION,
    "FULL": grpc.StatusCode.RESOURCE_EXHAUSTED,
    "LIMIT": grpc.StatusCode.OUT_OF_RANGE,
    "REFUSED": grpc.StatusCode.FAILED_PRECONDITION,
    "UNSUPPORTED": grpc.StatusCode.UNIMPLEMENTED,
}


class Failed(Exception):
    """An error of the contract: a kind, a sentence, and who is at fault."""

    def __init__(self, kind, message, *culprits, effect="NONE", native=""):
        super().__init__(message)
        self.kind, self.effect, self.native = kind, effect, native
        self.culprits = [c for c in culprits[:MAX_CULPRITS] if c]  # an event of the archive has no tombstone

    def detail(self):
        return pb.ErrorDetail(
            kind=pb.Kind.Value("KIND_" + self.kind),
            retry=self.kind == "BUSY",  # the only thing here that passes by itself
            effect=pb.Effect.Value("EFFECT_" + self.effect),
            native=self.native,
            tombstones=self.culprits,
        )

    def status(self):
        """The bytes of a google.rpc.Status, whose module is not always installed."""
        detail = any_pb2.Any()
        detail.Pack(self.detail())
        code, message, packed = CODES[self.kind].value[0], str(self).encode(), detail.SerializeToString()
        return b"\x08" + varint(code) + b"\x12" + varint(len(message)) + message + b"\x1a" + varint(len(packed)) + packed


def varint(n):
    """n as protobuf writes it: 7 bits to a byte, the lowest first."""
    out = bytearray()
    while n > 127:
        out.append(n & 127 | 128)
        n >>= 7
    out.append(n)
    return bytes(out)


# What the result codes of SQLite mean. Never decide by the text of an error.
MEANINGS = {
    sqlite3.SQLITE_BUSY: ("BUSY", "the archive is locked by another program"),
    sqlite3.SQLITE_LOCKED: ("BUSY", "the archive is locked by another call"),
    sqlite3.SQLITE_PROTOCOL: ("BUSY", "the archive is locked by another program"),
    sqlite3.SQLITE_SCHEMA: ("BUSY", "the archive is being changed by another program"),
    sqlite3.SQLITE_READONLY: ("PERMISSION_DENIED", "the archive cannot be written"),
    sqlite3.SQLITE_PERM: ("PERMISSION_DENIED", "the archive cannot be opened"),
    sqlite3.SQLITE_CANTOPEN: ("PERMISSION_DENIED", "a file of the archive cannot be opened or made"),
    sqlite3.SQLITE_IOERR: ("UNAVAILABLE", "the disk reports an error"),
    sqlite3.SQLITE_FULL: ("FULL", "the disk is full"),
    sqlite3.SQLITE_CORRUPT: ("CORRUPT", "the database file is damaged"),
    sqlite3.SQLITE_NOTADB: ("NO_ARCHIVE", "the file is not a database of SQLite"),
    sqlite3.SQLITE_TOOBIG: ("LIMIT", "too long for SQLite"),
}


def of_sqlite(error, effect="NONE"):
    """What an error of SQLite is in the contract."""
    code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR)  # errors of the module itself have none
    kind, message = MEANINGS.get(code & 0xFF, ("INTERNAL", "SQLite did not understand this backend"))
    return Failed(kind, message, effect=effect, native=str(code))


def of_file(error, doing):
    """What an error of the file system is in the contract."""
    kind = "UNAVAILABLE"
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        kind = "PERMISSION_DENIED"
    elif error.errno in (errno.ENOSPC, errno.EDQUOT):
        kind = "FULL"
    return Failed(kind, "%s: %s" % (doing, error.strerror), native=errno.errorcode.get(error.errno, ""))
