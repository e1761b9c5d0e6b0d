"""What became of a record in another archive, and comes with a copy of it.

The rules are those of Put in archive.proto.
"""
from pysqlite import archive_pb2 as pb
from pysqlite import checks
from pysqlite.errors import Failed
from pysqlite.rows import insert_event, remove_body, same_event, same_person


class History:
    """The events and holds of one item."""

    def __init__(self):
        self.events, self.holds = [], []

    def __bool__(self):
        return bool(self.events or self.holds)

    def take(self, kind, value):
        (self.events if kind == "event" else self.holds).append(value)

    def purged_at(self, record):
        """When the record was purged; None where it is live."""
        for e in self.events:
            if e.action == "PURGE":
                return record.purged_at if record.HasField("purged_at") else e.at
        return None

    def check(self, header):
        culprit = header.record.tombstone
        for e in self.events:
            if e.tombstone != culprit or e.action == "ARCHIVE":
                raise Failed("INVALID", "the history has an event of another record, or an ARCHIVE", culprit)
            checks.any_event(e)
        for h in self.holds:
            checks.hold(h, culprit)
        if self.purged_at(header.record) is not None and (header.body or header.record.content.stored_size < 0):
            raise Failed("INVALID", "a purged record has a body, or no stored size", culprit)


def take_over(db, r, history, known, now):
    """Add a history to its record, which is there; known says that it was before."""
    here = "SELECT rowid, name, placed, placed_by, released FROM hold WHERE tombstone = ?"
    before = {row[0] for row in db.execute(here, (r.tombstone,))}
    placed = [e for e in events(db, r.tombstone) if e.action == "HOLD"]
    for h in history.holds:
        merge_hold(db, r.tombstone, h, placed)
    retained, purged = db.execute("SELECT retain_until, purged_at FROM record WHERE tombstone = ?", (r.tombstone,)).fetchone()
    at = history.purged_at(r)
    if at is not None and purged is None:
        if known:
            active = [row[1] for row in db.execute(here, (r.tombstone,)) if row[0] in before and row[4] is None]
            judge(r, history, active, retained, now)
        db.execute("UPDATE record SET purged_at = ? WHERE tombstone = ?", (at, r.tombstone))
        live = "SELECT 1 FROM record WHERE sha256 = ? AND purged_at IS NULL"
        if not db.execute(live, (r.content.sha256,)).fetchone():
            remove_body(db, r.content.sha256)
    for e in history.events:
        old = db.execute("SELECT message FROM event WHERE id = ?", (e.id,)).fetchone()
        if old and not same_event(pb.Event.FromString(old[0]), e):
            raise Failed("CONFLICT", "the event id is taken", r.tombstone)
        if not old:
            mark(db, e, history.holds)
            insert_event(db, e)
            later = "UPDATE record SET retain_until = ?1 WHERE tombstone = ?2 AND coalesce(retain_until < ?1, TRUE)"
            if e.action == "RETAIN":
                db.execute(later, (e.retain_until, r.tombstone))


def mark(db, e, there):
    """Say of a HOLD or RELEASE that its effect was not taken over."""
    came = any(
        h.case == e.case and ((h.placed, h.placed_by) == (e.at, e.actor) if e.action == "HOLD" else h.HasField("released") and h.released == e.at)
        for h in there
    )
    shown = {
        "HOLD": "SELECT 1 FROM hold WHERE (tombstone, name, placed, placed_by) = (?, ?, ?, ?)",
        "RELEASE": "SELECT 1 FROM hold WHERE (tombstone, name, released) = (?, ?, ?) AND ? != ''",
    }.get(e.action)
    e.no_effect = shown is not None and (e.no_effect or came) and not db.execute(shown, (e.tombstone, e.case, e.at, e.actor)).fetchone()


def events(db, tombstone):
    rows = db.execute("SELECT message FROM event WHERE tombstone = ?", (tombstone,)).fetchall()
    return [pb.Event.FromString(message) for message, in rows]


def merge_hold(db, tombstone, h, placed):
    """Add a hold, or release the one that it is; a HOLD that was placed here later stays active."""
    released = h.released if h.HasField("released") else None
    same = "SELECT rowid, released FROM hold WHERE (tombstone, name, placed, placed_by) = (?, ?, ?, ?)"
    row = db.execute(same, (tombstone, h.case, h.placed, h.placed_by)).fetchone()
    active = db.execute("SELECT 1 FROM hold WHERE (tombstone, name) = (?, ?) AND released IS NULL", (tombstone, h.case)).fetchone()
    insert = "INSERT INTO hold VALUES (?, ?, ?, ?, ?)"
    if row is None and (released is not None or not active):
        db.execute(insert, (tombstone, h.case, h.placed, h.placed_by, released))
    elif row is not None and row[1] is None and released is not None:
        db.execute("UPDATE hold SET released = ? WHERE rowid = ?", (released, row[0]))
        later = [e for e in placed if e.case == h.case and e.at > released]
        if later:
            again = min(later, key=lambda e: e.at)
            db.execute(insert, (tombstone, h.case, again.at, again.actor, None))


def judge(r, history, active, retained, now):
    """Refuse a purge that was made elsewhere."""
    why = "case %s is active" % active[0] if active else ""
    if retained is not None and retained > now:
        why = why or "its retention lasts"
    asked = [e.actor for e in history.events if e.action == "PRUNE_REQUEST"]
    for e in history.events:
        if e.action == "PURGE" and all(same_person(who, e.actor) for who in asked):
            why = why or "no person other than %s asked for it" % e.actor
    if why:
        raise Failed("REFUSED", "it was purged elsewhere and may not be purged here: " + why, r.tombstone)
