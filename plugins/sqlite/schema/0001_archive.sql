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

CREATE TABLE codex_item (
	id           INTEGER PRIMARY KEY,
	tombstone    BLOB NOT NULL UNIQUE,
	event        BLOB NOT NULL UNIQUE,
	artifact     INTEGER NOT NULL REFERENCES codex_artifact,
	repo         INTEGER NOT NULL REFERENCES codex_name,
	path         BLOB NOT NULL,
	work_path    BLOB NOT NULL,
	revision     INTEGER NOT NULL REFERENCES codex_name,
	reason       INTEGER NOT NULL REFERENCES codex_name,
	kind         INTEGER NOT NULL REFERENCES codex_name,
	note         TEXT NOT NULL,
	tags         TEXT NOT NULL,
	metadata     TEXT NOT NULL,
	file_mode    INTEGER NOT NULL,
	file_mtime   INTEGER,
	actor        INTEGER NOT NULL REFERENCES codex_name,
	archived_at  INTEGER NOT NULL,
	retain_until INTEGER,
	retain_at_store INTEGER,
	purged_at    INTEGER,
	digest       BLOB NOT NULL,
	set_id       BLOB NOT NULL,
	file_type    TEXT NOT NULL,
	git_blob     TEXT NOT NULL,
	work_state   TEXT NOT NULL,
	host         TEXT NOT NULL
) STRICT;

CREATE INDEX codex_item_archived ON codex_item (archived_at, tombstone);
CREATE INDEX codex_item_artifact ON codex_item (artifact, purged_at);

CREATE TABLE codex_item_tag (
	tag  INTEGER NOT NULL REFERENCES codex_name,
	item INTEGER NOT NULL REFERENCES codex_item,
	PRIMARY KEY (tag, item)
) STRICT, WITHOUT ROWID;

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
	host         TEXT NOT NULL
) STRICT;

CREATE INDEX codex_event_item ON codex_event (item, happened_at);
