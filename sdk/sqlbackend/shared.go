package sqlbackend

import (
	"bytes"
	"database/sql"
)

// shared is what a record shares with others. The records of one call mostly lean
// on the same rows, so a query leaves out those that the one before it ended with.
type shared struct {
	originKey, directoryKey, repoKey, actorKey int64 // 0: not known
	origin                                     sharedOrigin
	directory                                  sharedDirectory
	repo, actor                                sql.NullString
}

// sharedOrigin is a row of codex_origin with its names.
type sharedOrigin struct {
	set                   sql.RawBytes
	note, tags, metadata  sql.NullString
	fileType, state, host sql.NullString
	commit, reason, kind  sql.NullString
}

// sharedDirectory is a row of codex_directory.
type sharedDirectory struct {
	key        sql.NullInt64 // NULL: there is no such row
	path, work sql.RawBytes
	inWorkTree int64
}

// complete takes from known what the query left out.
func (s *shared) complete(known *shared) {
	if s.originKey == known.originKey {
		s.origin = known.origin
	}
	if s.directoryKey == known.directoryKey {
		s.directory = known.directory
	}
	if s.repoKey == known.repoKey {
		s.repo = known.repo
	}
	if s.actorKey == known.actorKey {
		s.actor = known.actor
	}
}

// follow makes s a copy of row that outlives it.
func (s *shared) follow(row *shared) {
	if s.originKey != row.originKey {
		s.originKey, s.origin = row.originKey, row.origin
		s.origin.set = bytes.Clone(row.origin.set)
	}
	if s.directoryKey != row.directoryKey {
		s.directoryKey, s.directory = row.directoryKey, row.directory
		s.directory.path, s.directory.work = bytes.Clone(row.directory.path), bytes.Clone(row.directory.work)
	}
	s.repoKey, s.repo, s.actorKey, s.actor = row.repoKey, row.repo, row.actorKey, row.actor
}
