package sdk

import (
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"
)

// checker keeps the first thing that is wrong with a value.
type checker struct {
	about Tombstone // zero: no record
	err   error
}

// require notes that what is wrong, unless ok.
func (c *checker) require(ok bool, what, wrong string) {
	if !ok && c.err == nil {
		c.err = &Error{Kind: Invalid, Msg: what + " " + wrong, Tombstones: c.tombstones()}
	}
}

// atMost notes that n exceeds a limit.
func (c *checker) atMost(what string, n, most int, unit string) {
	if n > most && c.err == nil {
		c.err = &Error{Kind: Limit, Msg: fmt.Sprintf("%s: more than %d %s", what, most, unit), Tombstones: c.tombstones()}
	}
}

func (c *checker) tombstones() []Tombstone {
	if c.about.IsZero() {
		return nil
	}
	return []Tombstone{c.about}
}

func (c *checker) text(what, s string, most int, required bool) {
	c.bytes(what, s, most, required)
	c.require(utf8.ValidString(s), what, "is not UTF-8")
}

func (c *checker) path(what, s string, required bool) { c.bytes(what, s, MaxPath, required) }

// bytes checks what need not be UTF-8.
func (c *checker) bytes(what, s string, most int, required bool) {
	if s == "" {
		c.require(!required, what, "is missing")
		return
	}
	c.atMost(what, len(s), most, "bytes")
	c.require(strings.IndexByte(s, 0) < 0, what, "holds a NUL")
}

// Seconds since 1970 of the first moment of an archive's years, and of the
// first after them.
const (
	firstSecond = -62135596800 // 0001-01-01
	afterSecond = 253402300800 // 10000-01-01
)

func (c *checker) time(what string, t time.Time, required bool) {
	if t.IsZero() {
		c.require(!required, what, "is missing")
		return
	}
	c.require(t.Nanosecond()%1000 == 0, what, "is finer than a microsecond")
	seconds := t.Unix()
	c.require(firstSecond <= seconds && seconds < afterSecond, what, "is not in the years 1 to 9999")
}

func (c *checker) pairs(what string, pairs map[string]string) {
	total := 0
	for k, v := range pairs {
		total += len(k) + len(v)
		c.text(what+" key", k, MaxName, true)
		c.text(what+" value", v, MaxText, false)
	}
	c.atMost(what, total, MaxText, "bytes")
}

// Validate reports the first thing that is wrong with r as an error of kind
// [Invalid], or [Limit] for what is too long. Backends call it for every item
// of a Put, and the host for every record that a backend returns.
func (r *Record) Validate() error {
	c := checker{about: r.Tombstone}
	c.require(!r.Tombstone.IsZero(), "tombstone", "is missing")
	c.require(!r.Event.IsZero(), "event", "is missing")
	c.require(!r.Set.IsZero(), "set", "is missing")
	c.require(!r.Digest.IsZero(), "record digest", "is missing")
	c.content(&r.Content)
	c.path("path", r.Path, true)
	c.path("path in the work tree", r.WorkTreePath, false)
	c.text("repo", r.Repo, MaxName, true)
	c.text("reason", r.Reason, MaxName, true)
	c.text("actor", r.ArchivedBy, MaxName, true)
	c.text("kind", r.ContentKind, MaxName, true)
	c.text("commit", r.Commit, MaxName, false)
	c.text("note", r.Note, MaxText, false)
	c.text("host", r.Host, MaxName, false)
	c.tags(r.Tags)
	c.pairs("metadata", r.Metadata)
	c.require(r.Mode&^0o777 == 0, "mode", "has more than permission bits")
	c.require(r.Type == RegularFile || r.Type == Symlink, "type", "is not known")
	c.require(isObjectID(r.GitBlob), "git blob", "is not an object id")
	c.workTreeState(r.WorkTreeState)
	c.time("archived at", r.ArchivedAt, true)
	c.time("modification time", r.ModTime, false)
	c.time("retain until", r.RetainUntil, false)
	c.time("retain until, when stored,", r.RetainAtStore, false)
	c.time("purged at", r.PurgedAt, false)
	return c.err
}

func (c *checker) workTreeState(s WorkTreeState) {
	switch s {
	case "", WorkTreeClean, WorkTreeModified, WorkTreeUntracked:
	default:
		c.require(false, "state in the work tree", "is not known")
	}
}

func (c *checker) content(content *Content) {
	c.require(content.Size >= 0, "size", "is negative")
	c.require(content.StoredSize >= -1, "stored size", "is negative")
	c.require(max(content.Size, content.StoredSize) <= MaxSize, "size", "is more than any file has")
	c.require(content.StoredSize < 0 || !content.StoredSHA256.IsZero(), "stored SHA-256", "is missing")
	c.text("codec", string(content.Codec), MaxName, true)
}

func (c *checker) tags(tags []string) {
	c.atMost("tags", len(tags), MaxTags, "of them")
	for i, tag := range tags {
		c.text("tag", tag, MaxName, true)
		c.require(i == 0 || tags[i-1] < tag, "tags", "are not sorted or not unique")
	}
}

// isObjectID reports whether s is a SHA-1 or SHA-256 of git, or empty.
func isObjectID(s string) bool {
	for _, digit := range []byte(s) {
		if !(digit >= '0' && digit <= '9' || digit >= 'a' && digit <= 'f') {
			return false
		}
	}
	return s == "" || len(s) == 40 || len(s) == 64
}

// Validate reports what is wrong with e, as [Record.Validate] does, if it is to
// be appended.
func (e *Event) Validate() error {
	c := checker{about: e.Tombstone}
	c.require(slices.Contains([]Action{ActionRestore, ActionHold, ActionRelease, ActionRetain, ActionPruneRequest, ActionVerify}, e.Action),
		"action", "is not one that can be appended")
	c.event(e)
	return c.err
}

// ValidateRead reports what is wrong with e if a backend returns it: it may also
// be an ARCHIVE or a PURGE.
func (e *Event) ValidateRead() error {
	c := checker{about: e.Tombstone}
	c.text("action", string(e.Action), MaxName, true)
	c.event(e)
	return c.err
}

func (c *checker) event(e *Event) {
	c.require(!e.ID.IsZero(), "event id", "is missing")
	c.require(!e.Tombstone.IsZero() || e.Action.OfArchive(), "tombstone", "is missing")
	c.require(e.Tombstone.IsZero() || !e.Action.OfArchive(), "tombstone", "belongs to no event of the archive")
	c.require((e.Action == ActionHold || e.Action == ActionRelease) == (e.Case != ""), "case", "belongs to HOLD and RELEASE, and only to them")
	c.require((e.Action == ActionRetain) != e.RetainUntil.IsZero(), "retain until", "belongs to RETAIN, and only to it")
	c.time("time", e.At, true)
	c.time("retain until", e.RetainUntil, false)
	c.text("actor", e.Actor, MaxName, true)
	c.text("case", e.Case, MaxName, false)
	c.text("host", e.Host, MaxName, false)
	c.pairs("detail", e.Detail)
}

// Validate reports what is wrong with p, as [Record.Validate] does.
func (p *Purge) Validate() error {
	c := checker{}
	c.atMost("tombstones", len(p.Items), MaxItems, "in one call")
	c.text("actor", p.Actor, MaxName, true)
	c.text("host", p.Host, MaxName, false)
	c.time("time", p.At, true)
	for _, item := range p.Items {
		c.about = item.Tombstone
		c.require(!item.Tombstone.IsZero() && !item.Event.IsZero(), "tombstone or event id", "is missing")
	}
	return c.err
}

// Validate reports what is wrong with h, as [Record.Validate] does.
func (h *Hold) Validate() error {
	c := checker{}
	c.hold(h)
	return c.err
}

func (c *checker) hold(h *Hold) {
	c.text("case", h.Case, MaxName, true)
	c.text("actor", h.PlacedBy, MaxName, true)
	c.time("placed", h.Placed, true)
	c.time("released", h.Released, false)
}
