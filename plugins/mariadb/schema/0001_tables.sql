-- Version 1. See package sqlbackend for what the tables are for. Times are
-- microseconds since 1970 in UTC; paths are bytes.
--
-- Text that is looked for is VARBINARY: compared by bytes, trailing blanks
-- included, and 1024 bytes of it fit into an index, which ends at 3072 and
-- counts 4 for each character of utf8mb4. Text that is only read back is
-- MEDIUMTEXT, because a note may have one byte more than TEXT holds, and JSON
-- may need six bytes for one. So may bodies, hence MEDIUMBLOB.
--
-- There are no foreign keys: the engine locks what rows lean on, and each key
-- would cost a look-up and a lock for every row. Every statement can be run
-- again, because MariaDB commits each by itself.

CREATE TABLE IF NOT EXISTS codex_archive_meta (
	id INT PRIMARY KEY CHECK (id = 1),
	archive BINARY(16) NOT NULL,
	schema_version INT NOT NULL,
	schema_step INT NOT NULL,
	created_at BIGINT NOT NULL
) ENGINE=InnoDB ROW_FORMAT=DYNAMIC;

CREATE TABLE IF NOT EXISTS codex_name (
	id BIGINT AUTO_INCREMENT PRIMARY KEY,
	name VARBINARY(1024) NOT NULL,
	UNIQUE KEY codex_name_name (name)
) ENGINE=InnoDB ROW_FORMAT=DYNAMIC;

CREATE TABLE IF NOT EXISTS codex_artifact (
	id BIGINT AUTO_INCREMENT PRIMARY KEY,
	sha256 BINARY(32) NOT NULL,
	stored_sha256 BINARY(32) NOT NULL,
	size BIGINT NOT NULL,
	codec VARBINARY(1024) NOT NULL,
	stored_size BIGINT NOT NULL,
	crc32c BIGINT NOT NULL,
	present TINYINT NOT NULL,
	UNIQUE KEY codex_artifact_sha256 (sha256)
) ENGINE=InnoDB ROW_FORMAT=DYNAMIC;

CREATE TABLE IF NOT EXISTS codex_body (
	artifact BIGINT PRIMARY KEY,
	data MEDIUMBLOB NOT NULL
) ENGINE=InnoDB ROW_FORMAT=DYNAMIC;

-- touched is NULL once the upload belongs to an artifact.
CREATE TABLE IF NOT EXISTS codex_upload (
	id BIGINT AUTO_INCREMENT PRIMARY KEY,
	owner BINARY(16) NOT NULL,
	artifact BIGINT,
	touched BIGINT,
	UNIQUE KEY codex_upload_artifact (artifact),
	KEY codex_upload_touched (touched)
) ENGINE=InnoDB ROW_FORMAT=DYNAMIC;

CREATE TABLE IF NOT EXISTS codex_artifact_chunk (
	upload BIGINT NOT NULL,
	seq BIGINT NOT NULL,
	data MEDIUMBLOB NOT NULL,
	PRIMARY KEY (upload, seq)
) ENGINE=InnoDB ROW_FORMAT=DYNAMIC;

-- A path is that of its directory, which ends in a slash or is empty, and the
-- name in the item. work_path is NULL outside a work tree.
CREATE TABLE IF NOT EXISTS codex_directory (
	id BIGINT AUTO_INCREMENT PRIMARY KEY,
	path VARBINARY(1024) NOT NULL,
	work_path VARBINARY(1024),
	KEY codex_directory_path (path, work_path),
	KEY codex_directory_work (work_path)
) ENGINE=InnoDB ROW_FORMAT=DYNAMIC;

-- What the items of a set have in common.
CREATE TABLE IF NOT EXISTS codex_origin (
	id BIGINT AUTO_INCREMENT PRIMARY KEY,
	set_id BINARY(16) NOT NULL,
	hash BINARY(16) NOT NULL,
	revision BIGINT NOT NULL,
	reason BIGINT NOT NULL,
	kind BIGINT NOT NULL,
	note MEDIUMTEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
	tags MEDIUMTEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
	metadata MEDIUMTEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
	file_type VARBINARY(32) NOT NULL,
	work_state VARBINARY(32) NOT NULL,
	host VARBINARY(1024) NOT NULL,
	UNIQUE KEY codex_origin_set (set_id, hash)
) ENGINE=InnoDB ROW_FORMAT=DYNAMIC;

-- event is NULL where it is the tombstone. work_name is NULL where it is name.
-- The tombstone is in the indices because MariaDB would sort all records of one
-- value by it, where other databases sort those of one moment.
CREATE TABLE IF NOT EXISTS codex_item (
	id BIGINT AUTO_INCREMENT PRIMARY KEY,
	tombstone BINARY(16) NOT NULL,
	event BINARY(16),
	artifact BIGINT NOT NULL,
	origin BIGINT NOT NULL,
	repo BIGINT NOT NULL,
	actor BIGINT NOT NULL,
	directory BIGINT NOT NULL,
	name VARBINARY(4096) NOT NULL,
	work_name VARBINARY(4096),
	file_mode INT NOT NULL,
	file_mtime BIGINT,
	archived_at BIGINT NOT NULL,
	retain_until BIGINT,
	retain_at_store BIGINT,
	purged_at BIGINT,
	digest BINARY(32) NOT NULL,
	git_blob VARBINARY(32) NOT NULL,
	UNIQUE KEY codex_item_tombstone (tombstone),
	UNIQUE KEY codex_item_event (event),
	KEY codex_item_archived (archived_at, tombstone),
	KEY codex_item_origin (origin, archived_at, tombstone),
	KEY codex_item_repo (repo, archived_at, tombstone),
	KEY codex_item_actor (actor, archived_at, tombstone),
	KEY codex_item_directory (directory, archived_at, tombstone),
	KEY codex_item_artifact (artifact)
) ENGINE=InnoDB ROW_FORMAT=DYNAMIC;

CREATE TABLE IF NOT EXISTS codex_item_tag (
	tag BIGINT NOT NULL,
	item BIGINT NOT NULL,
	PRIMARY KEY (tag, item),
	KEY codex_item_tag_item (item)
) ENGINE=InnoDB ROW_FORMAT=DYNAMIC;

CREATE TABLE IF NOT EXISTS codex_hold (
	id BIGINT AUTO_INCREMENT PRIMARY KEY,
	item BIGINT NOT NULL,
	case_name VARBINARY(1024) NOT NULL,
	placed_at BIGINT NOT NULL,
	placed_by BIGINT NOT NULL,
	released_at BIGINT,
	KEY codex_hold_item (item)
) ENGINE=InnoDB ROW_FORMAT=DYNAMIC;

CREATE TABLE IF NOT EXISTS codex_event (
	id BINARY(16) PRIMARY KEY,
	item BIGINT, -- NULL: of the archive
	action VARBINARY(32) NOT NULL,
	actor BIGINT NOT NULL,
	happened_at BIGINT NOT NULL,
	case_name VARBINARY(1024) NOT NULL,
	retain_until BIGINT,
	detail MEDIUMTEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
	host VARBINARY(1024) NOT NULL,
	no_effect TINYINT NOT NULL, -- 1: HOLD or RELEASE that placed or released no hold
	KEY codex_event_item (item)
) ENGINE=InnoDB ROW_FORMAT=DYNAMIC;
