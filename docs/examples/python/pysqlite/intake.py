"""A Put on its way in.

The parts go into a file without a name, in memory while they are few, beside
the archive when they are many. Nothing of them reaches the database before the
commit part has come: a program that is killed, and a host that goes, leave
nothing behind, and no other writer waits for a slow host.
"""
import hashlib

from crcmod.predefined import mkPredefinedCrcFun

from pysqlite import archive_pb2 as pb
from pysqlite import checks
from pysqlite.errors import Failed, of_file
from pysqlite.history import History

IN_MEMORY = 1 << 20  # bytes of a Put that are held in memory

crc32c = mkPredefinedCrcFun("crc-32c")


class Body:
    """The bytes of an item, and what they were found to be."""

    def __init__(self, file, start):
        self.file, self.start, self.size, self.crc32c = file, start, 0, 0
        self.sum = hashlib.sha256()

    def take(self, chunk):
        self.file.write(chunk)
        self.size += len(chunk)
        self.crc32c = crc32c(chunk, self.crc32c)
        self.sum.update(chunk)

    def chunks(self):
        """The bytes again, in pieces as they are stored, however they came."""
        self.file.seek(self.start)
        left = self.size
        while left > 0:
            yield self.file.read(min(left, checks.CHUNK))
            left -= checks.CHUNK


class Intake:
    """The items of one Put. Iterating yields the header, body and history of each."""

    def __init__(self, directory):
        import tempfile  # only where something is stored: every start would pay for it

        self.file = tempfile.SpooledTemporaryFile(max_size=IN_MEMORY, dir=directory)
        self.items = []  # the position and length of each header, the body and the history
        self.told = 0  # events and holds of all histories
        self.header = self.body = None  # of the item that is coming in

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.file.close()

    def __iter__(self):
        for start, length, body, history in self.items:
            self.file.seek(start)
            header = pb.PutHeader.FromString(self.file.read(length))
            yield header, body if header.body else None, history

    def read(self, frames):
        """Take in everything up to the commit part."""
        committed = False
        try:
            for frame in frames:
                for part in frame.parts:
                    if committed:
                        raise Failed("INVALID", "a part after the commit")
                    committed = self.take(part)
                if committed:
                    return
        except OSError as e:
            raise of_file(e, "keep the items that come in") from e
        raise Failed("CANCELED", "the stream ended without a commit")

    def take(self, part):
        """Take one part, and say whether it was the commit."""
        kind = part.WhichOneof("part")
        if kind == "header" and self.header is None:
            self.begin(part.header)
        elif kind in ("event", "hold") and self.header is not None and self.body.size == 0:
            self.tell(kind, getattr(part, kind))
        elif kind == "chunk" and self.header is not None:
            self.body.take(part.chunk)
        elif kind == "end" and self.header is not None:
            self.end(part.end)
        elif kind == "commit" and self.header is None:
            if part.commit.items != len(self.items):
                raise Failed("CORRUPT", "the commit is for %d items, and %d came" % (part.commit.items, len(self.items)))
            return True
        else:
            raise Failed("INVALID", "%s out of order" % (kind or "an unknown part"))
        return False

    def begin(self, header):
        if len(self.items) == checks.MAX_ITEMS:
            raise Failed("LIMIT", "more than %d items in one call" % checks.MAX_ITEMS)
        checks.record(header.record)
        checks.replaces(header)
        self.header = header
        start, data = self.file.tell(), header.SerializeToString()
        self.file.write(data)
        self.body = Body(self.file, start + len(data))
        self.history = History()
        self.items.append((start, len(data), self.body, self.history))

    def tell(self, kind, value):
        if self.told == checks.MAX_HISTORY:
            raise Failed("LIMIT", "more than %d events and holds in one call" % checks.MAX_HISTORY)
        self.told += 1
        self.history.take(kind, value)

    def end(self, end):
        self.history.check(self.header)
        content, body = self.header.record.content, self.body
        found = (body.size, body.crc32c, body.sum.digest())
        announced = (content.stored_size, content.crc32c, content.stored_sha256)
        if not self.header.body:
            announced = found[:2] == (0, 0) and found
        elif content.stored_size < 0:
            announced = found  # it was still being compressed, and the end alone proves it
        if found != announced or found[:2] != (end.stored_size, end.crc32c):
            raise Failed("CORRUPT", "the body is not what was announced", self.header.record.tombstone)
        self.header = self.body = None
