-- What sdk/sqlbackend expects. Times are microseconds since 1970 in UTC.

CREATE TABLE codex_archive_meta (
	id             INTEGER PRIMARY KEY CHECK (id = 1),
	archive        BLOB NOT NULL,
	schema_version INTEGER NOT NULL,
	schema_step    INTEGER NOT NULL,
	created_at     INTEGER NOT NULL
) STRICT;

CREATE TABLE codex_name (
	id   INTEGER PRIMARY KEY,
	name TEXT NOT NULL UNIQUE
) STRICT;

CREATE TABLE codex_artifact (
	id          INTEGER PRIMARY KEY,
	sha256      BLOB NOT NULL UNIQUE,
	stored_sha256 BLOB NOT NULL,
	size        INTEGER NOT NULL,
	codec       TEXT NOT NULL,
	stored_size INTEGER NOT NULL,
	crc32c      INTEGER NOT NULL,
	present     INTEGER NOT NULL
) STRICT;

CREATE TABLE codex_body (
	artifact INTEGER PRIMARY KEY REFERENCES codex_artifact,
	data     BLOB NOT NULL
) STRICT;

-- AUTOINCREMENT: a reader that is behind must never find another body under
-- the number of one that was removed.
CREATE TABLE codex_upload (
	id       INTEGER PRIMARY KEY AUTOINCREMENT,
	owner    BLOB NOT NULL,
	touched  INTEGER,
	artifact INTEGER UNIQUE REFERENCES codex_artifact
) STRICT;

CREATE INDEX codex_upload_touched ON codex_upload (touched);

CREATE TABLE codex_artifact_chunk (
	upload INTEGER NOT NULL REFERENCES codex_upload,
	seq    INTEGER NOT NULL,
	data   BLOB NOT NULL,
	UNIQUE (upload, seq)
) STRICT;

-- A path is that of its directory, which ends in a slash or is empty, and the
-- name in the item. work_path is NULL outside a work tree.
CREATE TABLE codex_directory (
	id        INTEGER PRIMARY KEY,
	path      BLOB NOT NULL,
	work_path BLOB
) STRICT;

CREATE INDEX codex_directory_path ON codex_directory (path, work_path);
CREATE INDEX codex_directory_work ON codex_directory (work_path);

-- What the items of a set have in common.
CREATE TABLE codex_origin (
	id         INTEGER PRIMARY KEY,
	set_id     BLOB NOT NULL,
	hash       BLOB NOT NULL,
	revision   INTEGER NOT NULL REFERENCES codex_name,
	reason     INTEGER NOT NULL REFERENCES codex_name,
	kind       INTEGER NOT NULL REFERENCES codex_name,
	note       TEXT NOT NULL,
	tags       TEXT NOT NULL,
	metadata   TEXT NOT NULL,
	file_type  TEXT NOT NULL,
	work_state TEXT NOT NULL,
	host       TEXT NOT NULL,
	UNIQUE (set_id, hash)
) STRICT;

-- event is NULL where it is the tombstone. work_name is NULL where it is name.
CREATE TABLE codex_item (
	id           INTEGER PRIMARY KEY,
	tombstone    BLOB NOT NULL UNIQUE,
	event        BLOB,
	artifact     INTEGER NOT NULL REFERENCES codex_artifact,
	origin       INTEGER NOT NULL REFERENCES codex_origin,
	repo         INTEGER NOT NULL REFERENCES codex_name,
	actor        INTEGER NOT NULL REFERENCES codex_name,
	directory    INTEGER NOT NULL REFERENCES codex_directory,
	name         BLOB NOT NULL,
	work_name    BLOB,
	file_mode    INTEGER NOT NULL,
	file_mtime   INTEGER,
	archived_at  INTEGER NOT NULL,
	retain_until INTEGER,
	retain_at_store INTEGER,
	purged_at    INTEGER,
	digest       BLOB NOT NULL,
	git_blob     BLOB NOT NULL
) STRICT;

CREATE UNIQUE INDEX codex_item_event ON codex_item (event) WHERE event IS NOT NULL;
CREATE INDEX codex_item_archived ON codex_item (archived_at);
CREATE INDEX codex_item_origin ON codex_item (origin, archived_at);
CREATE INDEX codex_item_repo ON codex_item (repo, archived_at);
CREATE INDEX codex_item_actor ON codex_item (actor, archived_at);
CREATE INDEX codex_item_directory ON codex_item (directory, archived_at);
CREATE INDEX codex_item_artifact ON codex_item (artifact, purged_at);

CREATE TABLE codex_item_tag (
	tag  INTEGER NOT NULL REFERENCES codex_name,
	item INTEGER NOT NULL REFERENCES codex_item,
	PRIMARY KEY (tag, item)
) STRICT, WITHOUT ROWID;

CREATE INDEX codex_item_tag_item ON codex_item_tag (item);

CREATE TABLE codex_hold (
	id          INTEGER PRIMARY KEY,
	item        INTEGER NOT NULL REFERENCES codex_item,
	case_name   TEXT NOT NULL,
	placed_at   INTEGER NOT NULL,
	placed_by   INTEGER NOT NULL REFERENCES codex_name,
	released_at INTEGER
) STRICT;

CREATE INDEX codex_hold_item ON codex_hold (item);

CREATE TABLE codex_event (
	id           BLOB NOT NULL UNIQUE,
	item         INTEGER REFERENCES codex_item, -- NULL: of the archive
	action       TEXT NOT NULL,
	actor        INTEGER NOT NULL REFERENCES codex_name,
	happened_at  INTEGER NOT NULL,
	case_name    TEXT NOT NULL,
	retain_until INTEGER,
	detail       TEXT NOT NULL,
	host         TEXT NOT NULL,
	no_effect    INTEGER NOT NULL -- 1: HOLD or RELEASE that placed or released no hold
) STRICT;

CREATE INDEX codex_event_item ON codex_event (item, happened_at);
