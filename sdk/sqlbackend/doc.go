// Package sqlbackend keeps an archive in a SQL database. It implements
// [sdk.Backend] once over database/sql; what a database does differently is a
// [Dialect], a value made of texts and a few functions. A new database is a
// dialect, a schema and a main function.
//
// # Tables
//
// All names begin with codex_, because teams share databases. Integer keys,
// binary hashes and UUIDs, times as 64-bit microseconds since 1970 in UTC,
// text compared by bytes, paths as bytes.
//
//	codex_archive_meta    one row: identity, schema version
//	codex_name            repository, commit, reason, kind, actor, tag: each text once
//	codex_artifact        one row for each content, without its bytes; kept for ever
//	codex_body            bodies up to [sdk.SmallBody], one row each
//	codex_upload          a larger body: of an artifact, or still on its way
//	codex_artifact_chunk  its pieces of [sdk.ChunkSize]
//	codex_directory       directories, as given and in the work tree; a path is one of them and a name
//	codex_origin          what the records of a set have in common
//	codex_item            one row for each record; kept for ever; it is the ARCHIVE event too
//	codex_item_tag        which items carry a tag: the index of codex_origin.tags
//	codex_hold            cases placed on items
//	codex_event           everything that happened to items later
//
// # Storing
//
// Put first reads its whole sequence. Bodies are checked as they come, and held
// in memory while they fit (package intake); what does not fit is staged: chunk
// rows under an upload row of its own, committed every few MiB and seen by no
// query. Then one transaction writes the group, sorted by content and
// tombstone, and adopts what was staged. A transaction therefore never waits
// for the host, and a group of any size costs the same memory. Staged rows of
// a Put that failed are removed by it, those of a process that was killed by
// the first write of another, an hour later.
//
// # Locks
//
// Rows are locked in one order everywhere, so that two groups never wait for
// each other: names, directories, origins, then contents by SHA-256, then records. Purge and Append
// lock records by tombstone, then contents by key.
//
// # Listing
//
// List reads pages that continue below the last record of the one before. The
// indices of set, directory, repository and actor go on with the time, so that a
// page costs as much in a large archive as in a small one. The other selectors
// have none: for them records are read in order of time, and how many is logged
// at the level debug.
//
// # Effect
//
// What a failed call left behind is decided by the stage it failed in. Before
// COMMIT goes out: nothing. From then until the database answers: unknown,
// whatever a driver says. COMMIT is not cancelled and has a limit of its own.
package sqlbackend
