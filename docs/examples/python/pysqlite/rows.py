"""Rows that more than one module reads or writes."""


def insert_event(db, e):
    db.execute("INSERT INTO event VALUES (?, ?, ?, ?)", (e.id, e.tombstone, e.at, e.SerializeToString()))


def same_event(a, b):
    return all(getattr(a, f) == getattr(b, f) for f in ("tombstone", "action", "actor", "at", "case", "retain_until", "host"))


def same_person(a, b):
    return a.strip().casefold() == b.strip().casefold()


def remove_body(db, sha256):
    db.execute("DELETE FROM chunk WHERE body = (SELECT body FROM content WHERE sha256 = ?)", (sha256,))
    db.execute("UPDATE content SET body = NULL WHERE sha256 = ?", (sha256,))
