package sdk

import (
	"bytes"
	"path"
	"slices"
	"strings"
	"time"
)

// Query selects records. Zero fields select everything; all that is set must
// hold.
type Query struct {
	Tombstones []Tombstone // these, at most MaxItems
	Prefix     string      // tombstones that begin so: see [PrefixRange]
	Events     []ID        // records with one of these events, at most MaxItems
	Set        ID          // stored by this run
	SHA256     Digest      // of the plain bytes
	Repo       string      // exactly
	// Path is a file or a directory: it selects the records whose Path or
	// WorkTreePath is Path, or begins with Path and a slash, byte for byte. A
	// slash at the end of Path makes no difference.
	Path string
	// Name is a pattern of [path.Match] for the last element of Path, such as
	// "*.go".
	Name   string
	Commit string // begins so
	// Match is a text that the note, Path, WorkTreePath, or a key or a value of
	// the metadata holds. Letters A to Z match in either case.
	Match  string
	Since  time.Time // archived at or after
	Until  time.Time // archived before
	Actor  string    // archived by, exactly
	Reason string    // exactly
	Tag    string    // carries this tag
	Limit  int       // at most so many; 0: all

	WithEvents bool // fill Entry.Events
	WithHolds  bool // fill Entry.Holds

	// OfArchive selects the events of the archive instead of records: see
	// [Action.OfArchive]. Each entry is one of them, in Events, newest first, then
	// by id, descending. Only Events and Limit select among them.
	OfArchive bool
}

// Entry is one row of a List.
type Entry struct {
	Record Record
	// Present says that the record is live and that this call found its body,
	// or all pieces of it, with the recorded length. The bytes were not read.
	Present bool
	Events  []Event // oldest first, then by id; the ARCHIVE event included; if asked
	Holds   []Hold  // oldest first, then by case, released ones included; if asked
	// Err, of kind [Corrupt], says that the row is there and cannot be read.
	// Record.Tombstone is set as far as it is known; nothing else counts. The
	// entries after it follow.
	//
	// A record that can be read is an entry without Err also where what the archive
	// keeps about its content cannot be true, as long as the content's SHA-256 is
	// known: Content.StoredSize is then -1, and Get says what is wrong. So a host can
	// store the record again, with the body that it needs.
	Err error
}

// Validate reports what is wrong with q, as [Record.Validate] does.
func (q *Query) Validate() error {
	c := checker{}
	c.atMost("tombstones", len(q.Tombstones), MaxItems, "in one call")
	c.atMost("events", len(q.Events), MaxItems, "in one call")
	c.require(q.Limit >= 0, "limit", "is negative")
	if q.Prefix != "" {
		_, _, err := PrefixRange(q.Prefix)
		c.require(err == nil, "prefix", "is not the beginning of a UUID")
	}
	_, err := path.Match(q.Name, "")
	c.require(err == nil, "name", "is not a pattern")
	c.path("path", q.Path, false)
	c.path("name", q.Name, false)
	c.path("match", q.Match, false)
	c.text("repo", q.Repo, MaxName, false)
	c.text("commit", q.Commit, MaxName, false)
	c.text("actor", q.Actor, MaxName, false)
	c.text("reason", q.Reason, MaxName, false)
	c.text("tag", q.Tag, MaxName, false)
	return c.err
}

// Matches reports whether r is selected by all of q but Events and Limit. A
// backend may find candidates by what its indexes know and ask Matches for the
// rest.
func (q *Query) Matches(r *Record) bool {
	return q.matchesIDs(r) && q.matchesTexts(r) &&
		(q.Since.IsZero() || !r.ArchivedAt.Before(q.Since)) &&
		(q.Until.IsZero() || r.ArchivedAt.Before(q.Until))
}

func (q *Query) matchesIDs(r *Record) bool {
	if q.Prefix != "" {
		low, high, err := PrefixRange(q.Prefix)
		if err != nil || bytes.Compare(r.Tombstone[:], low[:]) < 0 || bytes.Compare(r.Tombstone[:], high[:]) > 0 {
			return false
		}
	}
	return (len(q.Tombstones) == 0 || slices.Contains(q.Tombstones, r.Tombstone)) &&
		(q.Set.IsZero() || q.Set == r.Set) &&
		(q.SHA256.IsZero() || q.SHA256 == r.Content.SHA256)
}

func (q *Query) matchesTexts(r *Record) bool {
	return (q.Repo == "" || q.Repo == r.Repo) &&
		(q.Actor == "" || q.Actor == r.ArchivedBy) &&
		(q.Reason == "" || q.Reason == r.Reason) &&
		(q.Tag == "" || slices.Contains(r.Tags, q.Tag)) &&
		strings.HasPrefix(r.Commit, q.Commit) &&
		(q.Path == "" || within(r.Path, q.Path) || within(r.WorkTreePath, q.Path)) &&
		(q.Name == "" || matchesName(q.Name, r.Path)) &&
		(q.Match == "" || q.matchesText(r))
}

// within reports whether file is, or lies below, dir.
func within(file, dir string) bool {
	dir = strings.TrimRight(dir, "/")
	rest, ok := strings.CutPrefix(file, dir)
	return ok && file != "" && (rest == "" || rest[0] == '/')
}

func matchesName(pattern, file string) bool {
	ok, err := path.Match(pattern, file[strings.LastIndexByte(file, '/')+1:])
	return ok && err == nil
}

func (q *Query) matchesText(r *Record) bool {
	text := foldASCII(q.Match)
	holds := func(s string) bool { return strings.Contains(foldASCII(s), text) }
	if holds(r.Note) || holds(r.Path) || holds(r.WorkTreePath) {
		return true
	}
	for k, v := range r.Metadata {
		if holds(k) || holds(v) {
			return true
		}
	}
	return false
}

// foldASCII makes small letters of A to Z. Other bytes, which need not be UTF-8
// in a path, stay as they are.
func foldASCII(s string) string {
	upper := func(c rune) bool { return 'A' <= c && c <= 'Z' }
	if !strings.ContainsFunc(s, upper) {
		return s
	}
	b := []byte(s)
	for i, c := range b {
		if upper(rune(c)) {
			b[i] = c + 'a' - 'A'
		}
	}
	return string(b)
}
