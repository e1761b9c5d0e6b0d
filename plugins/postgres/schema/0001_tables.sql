-- Version 1. See package sqlbackend for what the tables are for. Within a row
-- wide columns come first, which saves padding. Times are microseconds since
-- 1970 in UTC; paths are bytes; text is compared by bytes.
--
-- There are no foreign keys: the engine locks what rows lean on, and each key
-- would cost a look-up and a lock for every row.

CREATE TABLE codex_archive_meta (
	created_at bigint NOT NULL,
	id integer PRIMARY KEY CHECK (id = 1),
	schema_version integer NOT NULL,
	schema_step integer NOT NULL,
	archive bytea NOT NULL
);

CREATE TABLE codex_name (
	id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	name text COLLATE "C" NOT NULL UNIQUE
);

CREATE TABLE codex_artifact (
	id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	size bigint NOT NULL,
	stored_size bigint NOT NULL,
	crc32c bigint NOT NULL,
	present smallint NOT NULL,
	sha256 bytea NOT NULL UNIQUE,
	stored_sha256 bytea NOT NULL,
	codec text COLLATE "C" NOT NULL
);

CREATE TABLE codex_body (
	artifact bigint PRIMARY KEY,
	data bytea NOT NULL
);

-- Bodies are compressed already: the database need not try.
ALTER TABLE codex_body ALTER COLUMN data SET STORAGE EXTERNAL;

-- touched is NULL once the upload belongs to an artifact.
CREATE TABLE codex_upload (
	id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	artifact bigint UNIQUE,
	touched bigint,
	owner bytea NOT NULL
);

CREATE INDEX codex_upload_touched ON codex_upload (touched) WHERE touched IS NOT NULL;

CREATE TABLE codex_artifact_chunk (
	upload bigint NOT NULL,
	seq bigint NOT NULL,
	data bytea NOT NULL,
	PRIMARY KEY (upload, seq)
);

ALTER TABLE codex_artifact_chunk ALTER COLUMN data SET STORAGE EXTERNAL;

-- A path is that of its directory, which ends in a slash or is empty, and the
-- name in the item. work_path is NULL outside a work tree.
CREATE TABLE codex_directory (
	id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	path bytea NOT NULL,
	work_path bytea
);

CREATE INDEX codex_directory_path ON codex_directory (path, work_path);
CREATE INDEX codex_directory_work ON codex_directory (work_path);

-- What the items of a set have in common.
CREATE TABLE codex_origin (
	id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	revision bigint NOT NULL,
	reason bigint NOT NULL,
	kind bigint NOT NULL,
	set_id bytea NOT NULL,
	hash bytea NOT NULL,
	note text COLLATE "C" NOT NULL,
	tags text COLLATE "C" NOT NULL,
	metadata text COLLATE "C" NOT NULL,
	file_type text COLLATE "C" NOT NULL,
	work_state text COLLATE "C" NOT NULL,
	host text COLLATE "C" NOT NULL,
	UNIQUE (set_id, hash)
);

-- event is NULL where it is the tombstone. work_name is NULL where it is name.
CREATE TABLE codex_item (
	id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	artifact bigint NOT NULL,
	origin bigint NOT NULL,
	repo bigint NOT NULL,
	actor bigint NOT NULL,
	directory bigint NOT NULL,
	archived_at bigint NOT NULL,
	file_mtime bigint,
	retain_until bigint,
	purged_at bigint,
	retain_at_store bigint,
	file_mode integer NOT NULL,
	tombstone bytea NOT NULL UNIQUE,
	event bytea,
	digest bytea NOT NULL,
	git_blob bytea NOT NULL,
	name bytea NOT NULL,
	work_name bytea
);

CREATE UNIQUE INDEX codex_item_event ON codex_item (event) WHERE event IS NOT NULL;
CREATE INDEX codex_item_archived ON codex_item (archived_at);
CREATE INDEX codex_item_origin ON codex_item (origin, archived_at);
CREATE INDEX codex_item_repo ON codex_item (repo, archived_at);
CREATE INDEX codex_item_actor ON codex_item (actor, archived_at);
CREATE INDEX codex_item_directory ON codex_item (directory, archived_at);
CREATE INDEX codex_item_artifact ON codex_item (artifact);

CREATE TABLE codex_item_tag (
	tag bigint NOT NULL,
	item bigint NOT NULL,
	PRIMARY KEY (tag, item)
);

CREATE INDEX codex_item_tag_item ON codex_item_tag (item);

CREATE TABLE codex_hold (
	id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	item bigint NOT NULL,
	placed_at bigint NOT NULL,
	released_at bigint,
	placed_by bigint NOT NULL,
	case_name text COLLATE "C" NOT NULL
);

CREATE INDEX codex_hold_item ON codex_hold (item);

CREATE TABLE codex_event (
	id bytea PRIMARY KEY,
	item bigint, -- NULL: of the archive
	happened_at bigint NOT NULL,
	retain_until bigint,
	actor bigint NOT NULL,
	no_effect smallint NOT NULL, -- 1: HOLD or RELEASE that placed or released no hold
	action text COLLATE "C" NOT NULL,
	case_name text COLLATE "C" NOT NULL,
	detail text COLLATE "C" NOT NULL,
	host text COLLATE "C" NOT NULL
);

CREATE INDEX codex_event_item ON codex_event (item);
