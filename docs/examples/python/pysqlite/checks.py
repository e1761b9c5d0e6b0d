"""What a request must look like. The limits are those of sdk/backend.go."""
import re

from pysqlite.errors import Failed

MAX_ITEMS = 1000  # items, ids or events of one call
MAX_HISTORY = 4000  # events and holds of one Put
MAX_TEXT = 64 << 10  # bytes of a note, or of all pairs of a record or event
MAX_NAME = 1 << 10  # bytes of a repository, actor, reason, commit, tag or case
MAX_PATH = 4 << 10
MAX_TAGS = 100
CHUNK = 256 << 10  # bytes of a body that travel, and are stored, as one piece
FIRST_TIME, LAST_TIME = -62135596800000000, 253402300799999999  # microseconds: the years 1 to 9999
TYPES = ("file", "symlink")
WORK_TREE_STATES = ("", "clean", "modified", "untracked")
OBJECT_ID = "([0-9a-f]{40}|[0-9a-f]{64})?"


def count(items):
    if len(items) > MAX_ITEMS:
        raise Failed("LIMIT", "more than %d in one call" % MAX_ITEMS)


def ids(values, length=16):
    count(values)
    for value in values:
        if len(value) != length:
            raise Failed("INVALID", "an id has %d bytes, found %d" % (length, len(value)))


def given_id(what, value, *culprit, length=16):
    if len(value) != length or not any(value):
        raise Failed("INVALID", what + " is missing", *culprit)


def content(c, culprit):
    if len(c.sha256) != 32 or c.size < 0 or c.stored_size < -1:
        raise Failed("INVALID", "the content is not described", culprit)
    if c.stored_size >= 0 and len(c.stored_sha256) != 32:
        raise Failed("INVALID", "the SHA-256 of the body is missing", culprit)


def text(what, value, most, required, *culprit):
    """Paths are bytes, everything else is text; limits count bytes."""
    data = value if isinstance(value, bytes) else value.encode()
    if required and not data:
        raise Failed("INVALID", what + " is missing", *culprit)
    if len(data) > most:
        raise Failed("LIMIT", "%s: more than %d bytes" % (what, most), *culprit)
    if 0 in data:
        raise Failed("INVALID", what + " holds a NUL", *culprit)


def pairs(what, values, longest_key, culprit):
    for key, value in values.items():
        text(what, key, longest_key, True, culprit)
        text(what, value, MAX_TEXT, False, culprit)
    if sum(len(key.encode()) + len(value.encode()) for key, value in values.items()) > MAX_TEXT:
        raise Failed("LIMIT", "%s: more than %d bytes" % (what, MAX_TEXT), culprit)


def record(r):
    culprit = r.tombstone
    given_id("tombstone", r.tombstone)
    given_id("event", r.event, culprit)
    given_id("set", r.set, culprit)
    given_id("digest", r.digest, culprit, length=32)
    content(r.content, culprit)
    if r.mode & ~0o777 or not r.HasField("archived_at"):
        raise Failed("INVALID", "mode or time is wrong", culprit)
    for at in (r.mod_time, r.archived_at, r.retain_until, r.retain_at_store):
        if not FIRST_TIME <= at <= LAST_TIME:
            raise Failed("INVALID", "a time is not in the years 1 to 9999", culprit)
    if r.type not in TYPES or r.work_tree_state not in WORK_TREE_STATES or not re.fullmatch(OBJECT_ID, r.git_blob):
        raise Failed("INVALID", "type, state in the work tree or git blob is not known", culprit)
    if len(r.tags) > MAX_TAGS:
        raise Failed("LIMIT", "more than %d tags" % MAX_TAGS, culprit)
    if list(r.tags) != sorted(set(r.tags), key=str.encode):
        raise Failed("INVALID", "tags are not sorted or not unique", culprit)
    for what in ("repo", "reason", "content_kind", "archived_by"):
        text(what, getattr(r, what), MAX_NAME, True, culprit)
    text("codec", r.content.codec, MAX_NAME, True, culprit)
    text("commit", r.commit, MAX_NAME, False, culprit)
    text("host", r.host, MAX_NAME, False, culprit)
    text("note", r.note, MAX_TEXT, False, culprit)
    text("path", r.path, MAX_PATH, True, culprit)
    text("work tree path", r.work_tree_path, MAX_PATH, False, culprit)
    for tag in r.tags:
        text("tag", tag, MAX_NAME, True, culprit)
    pairs("metadata", r.metadata, MAX_NAME, culprit)


def replaces(header):
    """The body whose place the body of an item takes."""
    if header.replaces and (not header.body or len(header.replaces) != 32):
        raise Failed("INVALID", "what the body replaces is wrong", header.record.tombstone)


def event(e):
    if e.action not in ("RESTORE", "HOLD", "RELEASE", "RETAIN", "PRUNE_REQUEST", "VERIFY"):
        raise Failed("INVALID", "the action is not one that can be appended", e.tombstone)
    any_event(e)


def any_event(e):
    culprit = e.tombstone
    given_id("event", e.id, culprit)
    if e.action != "VERIFY":
        given_id("tombstone", e.tombstone)
    elif e.tombstone:
        raise Failed("INVALID", "an event of the archive has no tombstone", culprit)
    text("action", e.action, MAX_NAME, True, culprit)
    if not e.HasField("at"):
        raise Failed("INVALID", "the time is missing", culprit)
    if (e.action in ("HOLD", "RELEASE")) != bool(e.case):
        raise Failed("INVALID", "a case belongs to HOLD and RELEASE", culprit)
    if (e.action == "RETAIN") != e.HasField("retain_until"):
        raise Failed("INVALID", "a time of retention belongs to RETAIN", culprit)
    text("actor", e.actor, MAX_NAME, True, culprit)
    text("case", e.case, MAX_NAME, False, culprit)
    text("host", e.host, MAX_NAME, False, culprit)
    pairs("detail", e.detail, MAX_TEXT, culprit)


def hold(h, culprit):
    text("case", h.case, MAX_NAME, True, culprit)
    text("actor", h.placed_by, MAX_NAME, True, culprit)
    if not h.HasField("placed"):
        raise Failed("INVALID", "the time of a hold is missing", culprit)


def purge(r):
    count(r.items)
    text("actor", r.actor, MAX_NAME, True)
    text("host", r.host, MAX_NAME, False)
    if not r.HasField("at"):
        raise Failed("INVALID", "time is missing")
    for item in r.items:
        given_id("tombstone", item.tombstone)
        given_id("event", item.event, item.tombstone)


def prefix_range(prefix):
    """The lowest and the highest tombstone that begin with prefix."""
    sound = all(c == "-" if i in (8, 13, 18, 23) else c in "0123456789abcdef" for i, c in enumerate(prefix.lower()))
    if not sound or not 8 <= len(prefix) <= 36:
        raise Failed("INVALID", "prefix: not the beginning of a tombstone")
    digits = prefix.replace("-", "")
    return bytes.fromhex(digits.ljust(32, "0")), bytes.fromhex(digits.ljust(32, "f"))
