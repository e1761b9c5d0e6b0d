package sdk

import (
	"time"
)

// FileType says what a record's file was.
type FileType string

// The types of files.
const (
	RegularFile FileType = "file"
	Symlink     FileType = "symlink" // the content is the text of the link
)

// WorkTreeState compares a file with the commit of its record.
type WorkTreeState string

// The states. The empty word says that there was no commit to compare with.
const (
	WorkTreeClean     WorkTreeState = "clean"     // the commit has the same bytes
	WorkTreeModified  WorkTreeState = "modified"  // the commit has other bytes at this path
	WorkTreeUntracked WorkTreeState = "untracked" // git does not track the path
)

// Record is a retired file: everything that was said about it when it was
// stored, and what became of it since (RetainUntil and PurgedAt).
type Record struct {
	Tombstone     Tombstone
	Event         ID // of the ARCHIVE event, which this record is; it may be the tombstone
	Content       Content
	Repo          string            // the repository's name, as given; not empty
	Path          string            // as given, cleaned, forward slashes; any bytes but NUL; not empty
	WorkTreePath  string            // relative to the top of the git work tree, "" outside one; any bytes but NUL
	Commit        string            // full hash, or "" where none is known
	Reason        string            // one word of the configured list, such as "dead"; not empty
	ContentKind   string            // "code", "doc" or "asset"
	Note          string            // free text
	Tags          []string          // sorted, each once
	Metadata      map[string]string // free pairs
	Mode          uint32            // permission bits, 0 to 0777
	ModTime       time.Time         // of the file
	ArchivedBy    string            // the actor; not empty
	ArchivedAt    time.Time
	RetainUntil   time.Time     // nothing purges before; zero: no retention. At first RetainAtStore; events move it later
	PurgedAt      time.Time     // zero while live; a backend sets it, Put ignores it unless a [History] says so
	Digest        Digest        // of what was said when the record was stored: see [Record.ComputeDigest]
	RetainAtStore time.Time     // RetainUntil as it was said when the record was stored; never changes
	Set           ID            // of the run that stored the record; all records of one run have the same
	Type          FileType      // what the file was
	GitBlob       string        // git's object id of the plain bytes: 40 or 64 lower-case hex digits, or ""
	WorkTreeState WorkTreeState // how the file compared with Commit
	Host          string        // name of the machine that stored the record
}

// Time cuts t to what an archive keeps: UTC, microseconds, no monotonic part.
// An archive keeps times in the years 1 to 9999.
func Time(t time.Time) time.Time {
	if t.IsZero() {
		return time.Time{}
	}
	return time.UnixMicro(t.UnixMicro()).UTC()
}

// Same reports whether two records are one: whether storing r where o is present
// is a repeat or a conflict. What may change after a record was stored is not
// covered by its digest and does not count.
func (r *Record) Same(o *Record) bool {
	return r.Tombstone == o.Tombstone && r.Event == o.Event && r.Digest == o.Digest
}

// ArchiveEvent returns the event that r is.
func (r *Record) ArchiveEvent() Event {
	return Event{
		ID: r.Event, Tombstone: r.Tombstone, Action: ActionArchive, Actor: r.ArchivedBy, At: Time(r.ArchivedAt), Host: r.Host,
	}
}
