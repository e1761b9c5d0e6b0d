"""What an archive does. Nothing of the database is held between two steps of a
reader, and bodies are read and written a chunk at a time.
"""
import hashlib
import re
import sqlite3
import sys
import time

from google.protobuf.message import DecodeError

from pysqlite import archive_pb2 as pb
from pysqlite import checks
from pysqlite.database import SCHEMA, Database
from pysqlite.errors import Failed
from pysqlite.history import take_over
from pysqlite.rows import insert_event, remove_body, same_event, same_person

PAGE = 100  # records that List reads at a time


def now():
    return time.time_ns() // 1000


class Archive(Database):
    """The calls. alive is what a call that writes asks between its steps: it raises when the call is over."""

    def identity(self):
        with self.connection() as db:
            return db.execute("SELECT id FROM archive").fetchone()[0]

    def health(self):
        identity = self.identity()
        with self.reading() as db:
            known, purged = db.execute("SELECT count(*), count(purged_at) FROM record").fetchone()
            found = db.execute("SELECT count(*) FROM record WHERE purged_at IS NULL AND " + WHOLE).fetchone()[0]
            held = db.execute(HELD).fetchone()[0]
        server = "SQLite %s, Python %d.%d.%d" % (sqlite3.sqlite_version, *sys.version_info[:3])
        return pb.HealthReply(
            server=server, archive=identity, schema=SCHEMA, live=known - purged, retrievable=found, held=held,
            purged=purged, clock=now(), writable=self.writable(), durable=True,
        )

    def put(self, items, alive):
        stored, absent = [], []
        with self.writing(alive) as db:
            for header, body, history in items:
                alive()
                one = self.put_one(db, header, body, history, alive)
                if one is None:
                    absent.append(header.record.tombstone)
                    continue
                stored.append(one)
                if history:
                    take_over(db, header.record, history, one.repeated, now())
            if absent:
                raise Failed("CONTENT_ABSENT", "items without body need content that is not there", *absent)
        return stored

    def put_one(self, db, header, body, history, alive):
        """Store an item, and return what became of it: None where its content is not there."""
        r = header.record
        old = db.execute("SELECT message, purged_at FROM record WHERE tombstone = ?", (r.tombstone,)).fetchone()
        if old and not same_record(pb.Record.FromString(old[0]), r):
            raise Failed("CONFLICT", "the tombstone is taken by another record", r.tombstone)
        if not old and db.execute("SELECT 1 FROM event WHERE id = ?", (r.event,)).fetchone():
            raise Failed("CONFLICT", "the event id is taken", r.tombstone)
        kept, number = content(db, r.content.sha256)
        purged = history.purged_at(r) is not None
        if old and (purged or old[1] is not None):  # it stays or becomes purged
            return pb.Stored(tombstone=r.tombstone, content=kept, repeated=True)
        if purged:
            insert_content(db, r.content)
            insert_record(db, r)
            return pb.Stored(tombstone=r.tombstone, content=content(db, r.content.sha256)[0])
        if kept and kept.size != r.content.size:
            raise Failed("CONFLICT", "the content is known with another size", r.tombstone)
        present = number is not None and intact(kept, db_chunks(db, number), alive)
        if not present and not body:
            return None
        replaced = present and header.replaces == kept.stored_sha256
        if not present or replaced:
            kept = replace_body(db, r.content, number, body, alive)
        if not old:
            insert_record(db, r)
        repaired = number is not None and not present
        return pb.Stored(tombstone=r.tombstone, content=kept, deduplicated=present and not replaced, repeated=bool(old), repaired=repaired)

    def missing(self, contents):
        with self.reading() as db:
            return [sha256 for sha256 in contents if content(db, sha256)[1] is None]

    def find(self, tombstone):
        """A record and the number of its body."""
        with self.connection() as db:
            row = db.execute(SELECT + "WHERE tombstone = ?", (tombstone,)).fetchone()
        if not row:
            raise Failed("NOT_FOUND", "no such tombstone", tombstone)
        found, number = record(row)
        if found.HasField("purged_at"):
            raise Failed("PURGED", "its content was purged", tombstone)
        if number is None:
            raise Failed("CONTENT_ABSENT", "the archive does not have its content", tombstone)
        return found, number

    def chunks(self, number):
        """The pieces of a body, each read when it is asked for. A gap ends them."""
        seq = 0
        while True:
            with self.connection() as db:
                row = db.execute("SELECT data FROM chunk WHERE body = ? AND seq = ?", (number, seq)).fetchone()
            if not row:
                return
            yield row[0]
            seq += 1

    def list(self, q):
        """Entries with their events and holds, newest first, read a page at a time."""
        if q.of_archive:
            yield from self.list_own(q)
            return
        where, args = selection(q)
        left = q.limit or sys.maxsize
        while left > 0:
            with self.reading() as db:
                db.create_function("matches", 1, matcher(q), deterministic=True)
                query = SELECT + where + "ORDER BY archived_at DESC, tombstone DESC LIMIT ?"
                rows = db.execute(query, (*args, min(left, PAGE))).fetchall()
                page = [self.entry(db, q, row) for row in rows]
            yield from page
            if len(page) < PAGE:
                return
            left -= PAGE
            where, args = selection(q, "(archived_at, tombstone) < (?, ?)", *rows[-1][-2:])

    def list_own(self, q):
        """The events of the archive, newest first, each as an entry without a record."""
        only = "AND id IN (%s) " % ", ".join("?" * len(q.events)) if q.events else ""
        query = "SELECT message FROM event WHERE tombstone = x'' %sORDER BY at DESC, id DESC LIMIT ?" % only
        with self.reading() as db:
            rows = db.execute(query, (*q.events, q.limit or sys.maxsize)).fetchall()
        for message, in rows:
            yield pb.Entry(), [pb.Event.FromString(message)], []

    def entry(self, db, q, row):
        """An entry with its events and holds; of a row that cannot be read, what is wrong with it."""
        try:
            found, _ = record(row)
        except Failed as f:
            return f, [], []
        key, events, holds = (found.tombstone,), [], []
        if q.with_events:
            rows = db.execute("SELECT message FROM event WHERE tombstone = ? ORDER BY at, id", key)
            events = [pb.Event.FromString(message) for message, in rows]
        if q.with_holds:
            cases = "SELECT name, placed, placed_by, released FROM hold WHERE tombstone = ? ORDER BY placed, name"
            rows = db.execute(cases, key)
            holds = [pb.Hold(case=name, placed=at, placed_by=by, released=end) for name, at, by, end in rows]
        whole = "SELECT 1 FROM record WHERE tombstone = ? AND purged_at IS NULL AND " + WHOLE
        present = db.execute(whole, key).fetchone() is not None
        return pb.Entry(record=found, present=present), events, holds

    def append(self, events, alive):
        with self.writing(alive) as db:
            for e in events:
                self.append_one(db, e)

    def append_one(self, db, e):
        old = db.execute("SELECT message FROM event WHERE id = ?", (e.id,)).fetchone()
        if old and same_event(pb.Event.FromString(old[0]), e):
            return
        if old:
            raise Failed("CONFLICT", "the event id is taken", e.tombstone)
        row = db.execute("SELECT retain_until, purged_at FROM record WHERE tombstone = ?", (e.tombstone,)).fetchone()
        if not row and e.action != "VERIFY":
            raise Failed("NOT_FOUND", "no such tombstone", e.tombstone)
        if e.action in ("HOLD", "RETAIN") and row[1] is not None:
            raise Failed("PURGED", "its content was purged", e.tombstone)
        active = bool(standing(db, e.tombstone, e.case))
        e.no_effect = e.action == "HOLD" and active or e.action == "RELEASE" and not active
        if e.action == "HOLD" and not active:
            db.execute("INSERT INTO hold VALUES (?, ?, ?, ?, NULL)", (e.tombstone, e.case, e.at, e.actor))
        elif e.action == "RELEASE":
            release = "UPDATE hold SET released = ? WHERE tombstone = ? AND name = ? AND released IS NULL"
            db.execute(release, (e.at, e.tombstone, e.case))
        elif e.action == "RETAIN":
            if row[0] is not None and e.retain_until < row[0]:
                raise Failed("REFUSED", "it is retained longer already", e.tombstone)
            db.execute("UPDATE record SET retain_until = ? WHERE tombstone = ?", (e.retain_until, e.tombstone))
        insert_event(db, e)

    def purge(self, r, alive):
        """The verdicts. A dry run comes to the same without writing."""
        at = min(r.at, now())
        with self.reading() if r.dry_run else self.writing(alive) as db:
            check_purge_events(db, r.items)
            gone, users, verdicts = {}, {}, []
            for item in r.items:
                outcome, why = judge(db, item, gone, r.actor, at)
                verdict = pb.Verdict(tombstone=item.tombstone, outcome=outcome, why=why)
                if outcome == "purged":
                    gone[item.tombstone] = item.event
                    verdict.freed = count_out(db, item.tombstone, users)
                verdicts.append(verdict)
            if not r.dry_run:
                remove(db, gone, users, r, at)
        return verdicts


SELECT = """SELECT message, retain_until, purged_at, sha256, codec, stored_size, crc32c, stored_sha256, body, archived_at, tombstone
    FROM record JOIN content USING (sha256) """

# All chunks of the body of a record are there, and have its length together.
WHOLE = """EXISTS (SELECT 1 FROM content WHERE content.sha256 = record.sha256 AND body IS NOT NULL AND
    stored_size = (SELECT coalesce(sum(length(data)), 0) FROM chunk WHERE chunk.body = content.body))"""

# How many live records have an active hold.
HELD = """SELECT count(DISTINCT tombstone) FROM hold JOIN record USING (tombstone)
    WHERE released IS NULL AND purged_at IS NULL"""


def record(row):
    """A record as it is now, with its content as it is kept, and the number of its body."""
    message, retain_until, purged_at, sha256, codec, stored_size, crc32c, stored_sha256, number, _, tombstone = row
    try:
        r = pb.Record.FromString(message)
        checks.record(r)
    except (DecodeError, Failed):
        raise Failed("CORRUPT", "the record cannot be read", tombstone) from None
    if r.content.sha256 != sha256:
        raise Failed("CORRUPT", "the record is tied to other content", tombstone)
    r.content.codec, r.content.stored_size, r.content.crc32c = codec, stored_size, crc32c
    r.content.stored_sha256 = stored_sha256
    if retain_until is not None:
        r.retain_until = retain_until
    if purged_at is not None:
        r.purged_at = purged_at
    return r, number


def content(db, sha256):
    """How content is kept and the number of its body; (None, None) where it was never stored."""
    query = "SELECT size, codec, stored_size, crc32c, stored_sha256, body FROM content WHERE sha256 = ?"
    row = db.execute(query, (sha256,)).fetchone()
    if not row:
        return None, None
    names = ("size", "codec", "stored_size", "crc32c", "stored_sha256")
    return pb.Content(sha256=sha256, **dict(zip(names, row))), row[5]


def db_chunks(db, number):
    for data, in db.execute("SELECT data FROM chunk WHERE body = ? ORDER BY seq", (number,)):
        yield data


def intact(kept, chunks, alive):
    """Read a body that the archive has, and say whether it is what it should be."""
    size, sum = 0, hashlib.sha256()
    for data in chunks:
        alive()
        size += len(data)
        sum.update(data)
    return (size, sum.digest()) == (kept.stored_size, kept.stored_sha256)


def replace_body(db, given, old, body, alive):
    """Store a body in the place of old, which is None where there is none."""
    db.execute("DELETE FROM chunk WHERE body = ?", (old,))
    number = db.execute("UPDATE archive SET bodies = bodies + 1 RETURNING bodies").fetchone()[0]
    for seq, data in enumerate(body.chunks()):
        alive()
        db.execute("INSERT INTO chunk VALUES (?, ?, ?)", (number, seq, data))
    db.execute(
        """INSERT INTO content VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET
        codec = excluded.codec, stored_size = excluded.stored_size, crc32c = excluded.crc32c,
        stored_sha256 = excluded.stored_sha256, body = excluded.body""",
        (given.sha256, given.size, given.codec, body.size, body.crc32c, body.sum.digest(), number),
    )
    return content(db, given.sha256)[0]


def insert_content(db, given):
    """Note a content that has no body."""
    row = (given.sha256, given.size, given.codec, given.stored_size, given.crc32c, given.stored_sha256)
    db.execute("INSERT INTO content VALUES (?, ?, ?, ?, ?, ?, NULL) ON CONFLICT DO NOTHING", row)


def insert_record(db, r):
    retain_until = r.retain_until if r.HasField("retain_until") else None
    message = pb.Record()
    message.CopyFrom(r)
    message.ClearField("purged_at")  # this backend's to set
    db.execute(
        "INSERT INTO record VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, NULL, ?)",
        (
            r.tombstone, r.archived_at, r.content.sha256, r.set, r.repo, r.path, r.reason, r.archived_by,
            retain_until, message.SerializeToString(),
        ),
    )
    db.executemany("INSERT INTO tag VALUES (?, ?)", [(tag, r.tombstone) for tag in r.tags])
    archive = pb.Event(id=r.event, tombstone=r.tombstone, action="ARCHIVE", actor=r.archived_by, at=r.archived_at, host=r.host)
    insert_event(db, archive)


def same_record(a, b):
    """The digest covers all but what may change later."""
    return (a.tombstone, a.event, a.digest) == (b.tombstone, b.event, b.digest)


def standing(db, tombstone, name=None):
    """An active case: this one, or any."""
    query = "SELECT name FROM hold WHERE tombstone = ?1 AND released IS NULL AND name = coalesce(?2, name)"
    row = db.execute(query, (tombstone, name)).fetchone()
    return row and row[0]


def selection(q, further="", *further_args):
    """The WHERE of a query, and the values of its question marks."""
    places = lambda values: ", ".join("?" * len(values))
    conditions = [(further, further_args)] if further else []
    if q.tombstones:
        conditions.append(("tombstone IN (%s)" % places(q.tombstones), q.tombstones))
    if q.prefix:
        conditions.append(("tombstone BETWEEN ? AND ?", checks.prefix_range(q.prefix)))
    if q.events:
        conditions.append(("tombstone IN (SELECT tombstone FROM event WHERE id IN (%s))" % places(q.events), q.events))
    if q.set:
        conditions.append(("run = ?", (q.set,)))
    if q.sha256:
        conditions.append(("sha256 = ?", (q.sha256,)))
    if q.path or q.name or q.commit or q.match:
        conditions.append(("matches(message)", ()))
    if q.tag:
        conditions.append(("tombstone IN (SELECT tombstone FROM tag WHERE tag = ?)", (q.tag,)))
    for column, value in (("repo", q.repo), ("actor", q.actor), ("reason", q.reason)):
        if value:
            conditions.append((column + " = ?", (value,)))
    if q.HasField("since"):
        conditions.append(("archived_at >= ?", (q.since,)))
    if q.HasField("until"):
        conditions.append(("archived_at < ?", (q.until,)))
    where = " AND ".join(condition for condition, _ in conditions)
    return "WHERE " + (where or "TRUE") + " ", [arg for _, args in conditions for arg in args]


def matcher(q):
    """What the database asks about each record, where an index does not know the answer."""
    directory, name, text = q.path.rstrip(b"/") + b"/", pattern(q.name), q.match.lower()

    def matches(message):
        try:
            r = pb.Record.FromString(message)
        except DecodeError:
            return True  # a row that cannot be read is shown
        paths = [path for path in (r.path, r.work_tree_path) if path]
        texts = [r.note.encode(), *paths, *(text.encode() for pair in r.metadata.items() for text in pair)]
        return (
            r.commit.startswith(q.commit)
            and (not q.path or any((path + b"/").startswith(directory) for path in paths))
            and (not q.name or name.fullmatch(r.path.rpartition(b"/")[2].decode(errors="replace")) is not None)
            and (not text or any(text in t.lower() for t in texts))  # of bytes, lower changes A to Z alone
        )

    return matches


def pattern(name):
    """The regular expression for a pattern as archive.proto describes it."""
    signs, parts = name.decode(errors="replace"), []
    for token in re.findall(r"\\.|\[\^?(?:\\.|[^]\\])+\]|.", signs, re.DOTALL):
        if token in ("*", "?"):
            parts.append({"*": ".*", "?": "."}[token])
        elif len(token) > 2:
            parts.append(token)
        elif token == "[" or token == "\\":
            raise Failed("INVALID", "name is not a pattern")
        else:
            parts.append(re.escape(token[-1]))
    return re.compile("".join(parts), re.DOTALL)


def check_purge_events(db, items):
    """An event id belongs to one purge of one record."""
    asked = {}
    for item in items:
        row = db.execute("SELECT message FROM event WHERE id = ?", (item.event,)).fetchone()
        old = row and pb.Event.FromString(row[0])
        taken = old and (old.tombstone, old.action) != (item.tombstone, "PURGE")
        if taken or asked.setdefault(item.event, item.tombstone) != item.tombstone:
            raise Failed("CONFLICT", "the event id is taken", item.tombstone)


def judge(db, item, gone, actor, at):
    """The verdict on one record, and why; gone is what this call purges: event by tombstone."""
    row = db.execute("SELECT retain_until, purged_at FROM record WHERE tombstone = ?", (item.tombstone,)).fetchone()
    if not row:
        return "unknown", "no such tombstone"
    if gone.get(item.tombstone) == item.event or db.execute("SELECT 1 FROM event WHERE id = ?", (item.event,)).fetchone():
        return "repeated", "purged by this very request before"
    if item.tombstone in gone or row[1] is not None:
        return "already", "purged before"
    case = standing(db, item.tombstone)
    if case:
        return "held", "case %s is active" % case
    if row[0] is not None and row[0] > at:
        return "retained", "retained until " + time.strftime("%Y-%m-%d", time.gmtime(row[0] // 1000000))
    events = db.execute("SELECT message FROM event WHERE tombstone = ?", (item.tombstone,)).fetchall()
    asked = [e.actor for e in (pb.Event.FromString(message) for message, in events) if e.action == "PRUNE_REQUEST"]
    if not asked:
        return "not-requested", "it was not asked for"
    if all(same_person(who, actor) for who in asked):
        return "same-actor", "only %s asked for it" % actor
    return "purged", ""


def count_out(db, tombstone, users):
    """Take a record off the users of its content, and return the bytes that go with the last."""
    sha256 = db.execute("SELECT sha256 FROM record WHERE tombstone = ?", (tombstone,)).fetchone()[0]
    if sha256 not in users:
        live = "SELECT count(*) FROM record WHERE sha256 = ? AND purged_at IS NULL"
        users[sha256] = db.execute(live, (sha256,)).fetchone()[0]
    users[sha256] -= 1
    kept, number = content(db, sha256)
    return kept.stored_size if users[sha256] == 0 and number is not None else 0


def remove(db, gone, users, request, at):
    """Mark the records as purged, and remove the bodies that no live record needs."""
    for tombstone, event in gone.items():
        db.execute("UPDATE record SET purged_at = ? WHERE tombstone = ?", (at, tombstone))
        insert_event(db, pb.Event(id=event, tombstone=tombstone, action="PURGE", actor=request.actor, at=at, host=request.host))
    for sha256 in (sha256 for sha256, left in users.items() if left == 0):
        remove_body(db, sha256)
