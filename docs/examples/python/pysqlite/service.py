"""The calls of archive.proto, and the server that answers them."""
import contextlib
import os
import threading
import time
import traceback
from concurrent import futures

import grpc
from google.protobuf.message import DecodeError

from pysqlite import archive_pb2 as pb
from pysqlite import checks
from pysqlite.errors import CODES, Failed
from pysqlite.intake import Intake, crc32c
from pysqlite.store import Archive

NAME = "pysqlite"
VERSION = "1"
PROTOCOL = 1
MAX_MESSAGE = 4 << 20  # bytes
THREADS = 64  # a call has one as long as it lasts: 32, and those of connections that are going

DESCRIPTION = pb.Description(
    name=NAME, version=VERSION, protocol=PROTOCOL, schemes=[NAME], max_items=checks.MAX_ITEMS, chunk_size=checks.CHUNK,
    protocols=[PROTOCOL], capabilities=["identity"],
)

# What may be wrong with one item of a Get without ending it.
OF_ONE_ITEM = ("NOT_FOUND", "PURGED", "CONTENT_ABSENT", "CORRUPT", "BUSY")


class Session:
    """What one connection has opened."""

    def __init__(self, archive):
        self.archive, self.ended = archive, False
        self.mutex = threading.RLock()  # guards ended and waiting
        self.waiting = set()  # calls that wait for the host, which end cuts off

    @contextlib.contextmanager
    def for_host(self, context):
        """What is done in here waits for the host, and changes nothing. Other calls are never cut off: what one of
        them commits while the session ends, it still answers."""
        with self.mutex:
            self.waiting.add(context)
        try:
            yield
        finally:
            with self.mutex:
                self.waiting.discard(context)

    def alive(self, context):
        """What a call asks before each step, and last before COMMIT."""

        def check():
            if self.ended or not context.is_active():
                raise Failed("CANCELED", "the call was canceled")

        return check

    def end(self):
        """Close the archive when the calls that write have rolled back, or committed."""
        with self.mutex:
            self.ended = True
            for context in list(self.waiting):
                context.cancel()
        self.archive.close()


class Service:
    """The calls. Those that answer with a stream yield parts, which are packed into frames further down."""

    def __init__(self):
        self.server = None
        self.mutex = threading.Lock()
        # By peer, which is the address of a TCP connection. All connections of a Unix socket are one peer to gRPC for
        # Python, which does no harm: the host makes only one.
        self.sessions = {}

    def serve(self, address):
        """Serve an address, "HOST:PORT" or "unix:PATH", from now on. Returns the port."""
        options = {
            "grpc.max_receive_message_length": MAX_MESSAGE,
            "grpc.max_send_message_length": MAX_MESSAGE,
            "grpc.so_reuseport": 0,  # a port that is taken is an error
        }
        self.server = grpc.server(futures.ThreadPoolExecutor(THREADS), options=options.items())
        archive = pb.DESCRIPTOR.services_by_name["Archive"]
        # A method that is not there belongs to a capability that this backend does not have.
        calls = {method.name: handler(self, method) for method in archive.methods if hasattr(self, method.name)}
        health = {"Check": grpc.unary_unary_rpc_method_handler(check_health)}
        self.server.add_generic_rpc_handlers([
            grpc.method_handlers_generic_handler(archive.full_name, calls),
            grpc.method_handlers_generic_handler("grpc.health.v1.Health", health),
        ])
        port = self.server.add_insecure_port(address)
        if not port:
            raise OSError("cannot listen on " + address)
        self.server.start()
        return port

    def end(self):
        for session in list(self.sessions.values()):
            session.end()

    def session(self, context):
        session = self.sessions.get(context.peer())
        if not session:
            raise Failed("INVALID", "this connection has no archive")
        return session

    def Describe(self, request, context):
        return pb.DescribeReply(description=DESCRIPTION)

    def Open(self, r, context):
        if r.protocol != PROTOCOL:
            raise Failed("UNSUPPORTED", "the host speaks protocol %d, this backend %d" % (r.protocol, PROTOCOL))
        if r.mode not in pb.Mode.values():
            raise Failed("UNSUPPORTED", "open mode %d is not known" % r.mode)
        with self.mutex:
            if context.peer() in self.sessions:
                raise Failed("INVALID", "this connection has an archive already")
            session = self.sessions[context.peer()] = Session(Archive(r.url, r.dir, r.mode))
        log("debug", "opened an archive", mode=pb.Mode.Name(r.mode))
        return pb.OpenReply(description=DESCRIPTION, archive=session.archive.identity())

    def Drain(self, request, context):
        with self.mutex:
            session = self.sessions.pop(context.peer(), None)
        if session:
            session.end()
        return pb.DrainReply()

    def Put(self, frames, context):
        session = self.session(context)
        archive = session.archive
        archive.must_write()
        with Intake(os.path.dirname(archive.path)) as items:
            with session.for_host(context):
                items.read(frames)
            return pb.PutReply(stored=archive.put(items, session.alive(context)))

    def Missing(self, r, context):
        session = self.session(context)
        checks.ids(r.contents, 32)
        return pb.MissingReply(contents=session.archive.missing(r.contents))

    def Get(self, r, context):
        session = self.session(context)
        checks.ids(r.tombstones)
        with session.for_host(context):
            for tombstone in r.tombstones:
                try:
                    yield from item(session.archive, tombstone)
                except Failed as f:
                    if f.kind not in OF_ONE_ITEM:
                        raise
                    yield pb.GetPart(failure=pb.Failure(tombstone=tombstone, message=str(f), error=f.detail()))
            yield pb.GetPart(all=pb.End())

    def List(self, q, context):
        session = self.session(context)
        checks.ids(q.tombstones)
        checks.ids(q.events)
        with session.for_host(context):
            for entry, events, holds in session.archive.list(q):
                if isinstance(entry, Failed):
                    yield pb.ListPart(failure=pb.Failure(tombstone=entry.culprits[0], message=str(entry), error=entry.detail()))
                    continue
                yield pb.ListPart(entry=entry)
                for event in events:
                    yield pb.ListPart(event=event)
                for hold in holds:
                    yield pb.ListPart(hold=hold)
            yield pb.ListPart(all=pb.End())

    def Append(self, r, context):
        session = self.session(context)
        checks.count(r.events)
        for event in r.events:
            checks.event(event)
        session.archive.append(r.events, session.alive(context))
        return pb.AppendReply()

    def Purge(self, r, context):
        session = self.session(context)
        checks.purge(r)
        return pb.PurgeReply(verdicts=session.archive.purge(r, session.alive(context)))

    def Health(self, request, context):
        return self.session(context).archive.health()


def item(archive, tombstone):
    """The parts of one item of a Get."""
    record, number = archive.find(tombstone)
    yield pb.GetPart(header=record)
    size = crc = 0
    for data in archive.chunks(number):
        size, crc = size + len(data), crc32c(data, crc)
        yield pb.GetPart(chunk=data)
    if (size, crc) != (record.content.stored_size, record.content.crc32c):
        if archive.find(tombstone)[1] != number:  # which says so itself where the content was purged meanwhile
            raise Failed("BUSY", "its content was replaced while it was read", tombstone)
        raise Failed("CORRUPT", "the stored body does not match its size or checksum", tombstone)
    yield pb.GetPart(end=pb.BodyEnd(stored_size=size, crc32c=crc))


def packed(frame, parts):
    """Parts in frames of about the size of a chunk."""
    ready, size = [], 0
    for part in parts:
        length = part.ByteSize()
        if ready and size + length > checks.CHUNK:
            yield frame(parts=ready)
            ready, size = [], 0
        ready.append(part)
        size += length
    yield frame(parts=ready)


def parsed(message, data):
    try:
        return message.FromString(data)
    except DecodeError:
        raise Failed("INVALID", "the message cannot be read") from None


def fail(error, context, method):
    """Answer a call with an error. What is no error of the contract is a bug of this program."""
    if isinstance(error, grpc.RpcError):  # the client went while its frames were awaited
        error = Failed("CANCELED", "the call was canceled")
    if not isinstance(error, Failed):
        log("error", "a bug in the backend", method=method, trace=traceback.format_exc())
        error = Failed("INTERNAL", "a bug in the backend: " + type(error).__name__, effect="MAYBE")
    context.set_trailing_metadata((("grpc-status-details-bin", error.status()),))
    context.abort(CODES[error.kind], str(error))


def handler(service, method):
    """What gRPC calls for a method. Messages are read here, so that a broken one is an error of the contract."""
    call, request, reply = getattr(service, method.name), message_of(method.input_type), message_of(method.output_type)

    def unary(data, context):
        try:
            return call(parsed(request, data), context).SerializeToString()
        except Exception as e:
            fail(e, context, method.name)

    def client_stream(frames, context):
        try:
            return call((parsed(request, data) for data in frames), context).SerializeToString()
        except Exception as e:
            fail(e, context, method.name)

    def server_stream(data, context):
        try:
            for frame in packed(reply, call(parsed(request, data), context)):
                yield frame.SerializeToString()
        except Exception as e:
            fail(e, context, method.name)

    if method.name == "Put":
        return grpc.stream_unary_rpc_method_handler(client_stream)
    if method.name in ("Get", "List"):
        return grpc.unary_stream_rpc_method_handler(server_stream)
    return grpc.unary_unary_rpc_method_handler(unary)


def message_of(descriptor):
    return getattr(pb, descriptor.name)


def check_health(request, context):
    """grpc.health.v1.Health/Check, without its package: the request is a name, the answer 1 for SERVING."""
    if request not in (b"", b"\x0a\x06plugin"):
        context.abort(grpc.StatusCode.NOT_FOUND, "no such service")
    return b"\x08\x01"


LEVELS = ("trace", "debug", "info", "warn", "error")


def log(level, message, **pairs):
    """One line on standard error, as the host reads it. No URL and no password ever comes here."""
    least = os.environ.get("CODEX_ARCHIVE_PLUGIN_LOG_LEVEL", "info")
    if least in LEVELS and LEVELS.index(level) < LEVELS.index(least):
        return
    import json  # rarely needed, and every start would pay for it

    seconds, micros = divmod(time.time_ns() // 1000, 1000000)
    stamp = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds)) + ".%06dZ" % micros
    line = json.dumps({"@level": level, "@message": message, "@timestamp": stamp, **pairs})
    os.write(2, line.encode() + b"\n")
