package sdk

import (
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"
)

// ID is a UUID: of a record, an event or an archive.
type ID [16]byte

// Tombstone is the ID of a record.
type Tombstone = ID

// String returns the usual form, 8-4-4-4-12 lower-case hex digits.
func (id ID) String() string {
	h := hex.EncodeToString(id[:])
	return h[:8] + "-" + h[8:12] + "-" + h[12:16] + "-" + h[16:20] + "-" + h[20:]
}

// IsZero reports whether id was never set.
func (id ID) IsZero() bool { return id == ID{} }

// MarshalText writes the usual form.
func (id ID) MarshalText() ([]byte, error) { return []byte(id.String()), nil }

// UnmarshalText reads what MarshalText wrote.
func (id *ID) UnmarshalText(text []byte) error {
	parsed, err := ParseID(string(text))
	*id = parsed
	return err
}

// ParseID reads the usual form, in either case.
func ParseID(s string) (ID, error) {
	low, high, err := PrefixRange(s)
	if err != nil || low != high {
		return ID{}, fmt.Errorf("%q is not a UUID", s)
	}
	return low, nil
}

// MinPrefix is the length of the shortest prefix of a tombstone that finds
// anything, in characters: 8 hex digits, the first group.
const MinPrefix = 8

// PrefixRange returns the lowest and the highest ID that begin with prefix, at
// least [MinPrefix] characters of the usual form, in either case.
func PrefixRange(prefix string) (low, high ID, err error) {
	const form = "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx"
	if len(prefix) < MinPrefix || len(prefix) > len(form) {
		return low, high, fmt.Errorf("%q is not the beginning of a UUID", prefix)
	}
	digits := 0
	prefix = strings.ToLower(prefix)
	for i := range len(prefix) {
		c := prefix[i]
		if form[i] == '-' {
			if c != '-' {
				return low, high, fmt.Errorf("%q is not the beginning of a UUID", prefix)
			}
			continue
		}
		v := strings.IndexByte("0123456789abcdef", c)
		if v < 0 {
			return low, high, fmt.Errorf("%q is not the beginning of a UUID", prefix)
		}
		shift := 4 * (1 - digits%2)
		low[digits/2] |= byte(v) << shift
		high[digits/2] |= byte(v) << shift
		digits++
	}
	for ; digits < 32; digits++ {
		high[digits/2] |= 0xf << (4 * (1 - digits%2))
	}
	return low, high, nil
}

// Digest is a SHA-256.
type Digest [32]byte

// String returns 64 lower-case hex digits.
func (d Digest) String() string { return hex.EncodeToString(d[:]) }

// MarshalText writes what String returns.
func (d Digest) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

// Codec says what a body is.
type Codec string

// The codecs. A backend stores the word and does not act on it.
const (
	Zstd Codec = "zstd" // a standard zstd frame (RFC 8878)
	None Codec = "none" // the plain bytes
)

// Content names the bytes of a file and describes the body that holds them.
type Content struct {
	SHA256     Digest // of the plain bytes
	Size       int64  // plain bytes
	Codec      Codec
	StoredSize int64  // bytes of the body; -1: not known before the body has ended
	CRC32C     uint32 // Castagnoli, of the body; means nothing while StoredSize is -1
}

// Record is a retired file: everything that was said about it when it was
// stored, and what became of it since (the last two fields).
type Record struct {
	Tombstone    Tombstone
	Event        ID // of the ARCHIVE event, which this record is
	Content      Content
	Repo         string            // the repository's name, as given; not empty
	Path         string            // as given, cleaned, forward slashes; any bytes but NUL; not empty
	WorkTreePath string            // relative to the top of the git work tree, "" outside one; any bytes but NUL
	Commit       string            // full hash, or "" where none is known
	Reason       string            // one word of the configured list, such as "dead"; not empty
	ContentKind  string            // "code", "doc" or "asset"
	Note         string            // free text
	Tags         []string          // sorted, each once
	Metadata     map[string]string // free pairs
	Mode         uint32            // permission bits, 0 to 0777
	ModTime      time.Time         // of the file
	ArchivedBy   string            // the actor; not empty
	ArchivedAt   time.Time
	RetainUntil  time.Time // nothing purges before; zero: no retention
	PurgedAt     time.Time // zero while live; a backend sets it, Put ignores it
}

// Time cuts t to what an archive keeps: UTC, microseconds, no monotonic part.
func Time(t time.Time) time.Time {
	if t.IsZero() {
		return time.Time{}
	}
	return time.UnixMicro(t.UnixMicro()).UTC()
}

// Validate reports the first thing that is wrong with r as an error of kind
// [Invalid], or [Limit] for what is too long. Backends call it for every item.
func (r *Record) Validate() error {
	switch {
	case r.Tombstone.IsZero():
		return r.invalid("tombstone", "is missing")
	case r.Event.IsZero():
		return r.invalid("event", "is missing")
	case r.Content.Size < 0:
		return r.invalid("size", "is negative")
	case r.Content.StoredSize < -1:
		return r.invalid("stored size", "is negative")
	case r.Content.Codec == "":
		return r.invalid("codec", "is missing")
	case r.Mode&^0o777 != 0:
		return r.invalid("mode", "has more than permission bits")
	case len(r.Tags) > MaxTags:
		return r.tooLong("tags", MaxTags, "of them")
	case !slices.IsSorted(r.Tags) || len(slices.Compact(slices.Clone(r.Tags))) != len(r.Tags):
		return r.invalid("tags", "are not sorted or not unique")
	case strings.ContainsRune(r.Path, 0) || strings.ContainsRune(r.WorkTreePath, 0):
		return r.invalid("path", "holds a NUL")
	case len(r.Path) > MaxPath || len(r.WorkTreePath) > MaxPath:
		return r.tooLong("path", MaxPath, "bytes")
	}
	for _, t := range []struct {
		what, text string
		most       int
		required   bool
	}{
		{"path", pathStandIn(r.Path), MaxPath, true},
		{"repo", r.Repo, MaxName, true},
		{"reason", r.Reason, MaxName, true},
		{"actor", r.ArchivedBy, MaxName, true},
		{"kind", r.ContentKind, MaxName, true},
		{"codec", string(r.Content.Codec), MaxName, true},
		{"commit", r.Commit, MaxName, false},
		{"note", r.Note, MaxText, false},
	} {
		if err := r.text(t.what, t.text, t.most, t.required); err != nil {
			return err
		}
	}
	for _, tag := range r.Tags {
		if err := r.text("tag", tag, MaxName, true); err != nil {
			return err
		}
	}
	total := 0
	for k, v := range r.Metadata {
		total += len(k) + len(v)
		if err := r.text("metadata key", k, MaxName, true); err != nil {
			return err
		}
		if err := r.text("metadata value", v, MaxText, false); err != nil {
			return err
		}
	}
	if total > MaxText {
		return r.tooLong("metadata", MaxText, "bytes")
	}
	for _, t := range []time.Time{r.ModTime, r.ArchivedAt, r.RetainUntil} {
		if !t.Equal(Time(t)) {
			return r.invalid("time", "is finer than a microsecond")
		}
	}
	if r.ArchivedAt.IsZero() {
		return r.invalid("archived at", "is missing")
	}
	return nil
}

// pathStandIn lets the emptiness of a path be checked with the texts, whose
// UTF-8 rule does not apply to paths.
func pathStandIn(path string) string {
	if path == "" {
		return ""
	}
	return "path"
}

func (r *Record) text(what, s string, most int, required bool) error {
	switch {
	case required && s == "":
		return r.invalid(what, "is missing")
	case len(s) > most:
		return r.tooLong(what, most, "bytes")
	case !utf8.ValidString(s):
		return r.invalid(what, "is not UTF-8")
	case strings.ContainsRune(s, 0):
		return r.invalid(what, "holds a NUL")
	}
	return nil
}

func (r *Record) invalid(what, wrong string) error {
	return &Error{Kind: Invalid, Msg: what + " " + wrong, Tombstones: []Tombstone{r.Tombstone}}
}

func (r *Record) tooLong(what string, most int, unit string) error {
	return &Error{Kind: Limit, Msg: fmt.Sprintf("%s: more than %d %s", what, most, unit), Tombstones: []Tombstone{r.Tombstone}}
}

// Same reports whether two records say the same of the same file: whether
// storing one where the other stands is a repeat or a conflict. What the
// archive decides (codec, stored size, CRC, PurgedAt) and what may move later
// (RetainUntil) do not count.
func (r *Record) Same(o *Record) bool {
	return r.Tombstone == o.Tombstone && r.Event == o.Event &&
		r.Content.SHA256 == o.Content.SHA256 && r.Content.Size == o.Content.Size &&
		r.Repo == o.Repo && r.Path == o.Path && r.WorkTreePath == o.WorkTreePath &&
		r.Commit == o.Commit && r.Reason == o.Reason && r.ArchivedBy == o.ArchivedBy &&
		r.ArchivedAt.Equal(o.ArchivedAt)
}

// Action says what an event did.
type Action string

// The actions. ARCHIVE and PURGE events come about by Put and Purge and are
// only read; the others are given to Append.
const (
	ActionArchive      Action = "ARCHIVE"
	ActionRestore      Action = "RESTORE"
	ActionHold         Action = "HOLD"
	ActionRelease      Action = "RELEASE"
	ActionRetain       Action = "RETAIN"
	ActionPruneRequest Action = "PRUNE_REQUEST"
	ActionPurge        Action = "PURGE"
)

// Event is one line of a record's history. Its ID is also that of the evidence
// record which the host keeps.
type Event struct {
	ID          ID
	Tombstone   Tombstone
	Action      Action
	Actor       string
	At          time.Time
	Case        string            // HOLD and RELEASE: which case; else ""
	RetainUntil time.Time         // RETAIN: the new end; else zero
	Detail      map[string]string // free pairs, such as the output of a RESTORE; never a secret
}

// Validate reports what is wrong with e, as [Record.Validate] does.
func (e *Event) Validate() error {
	r := Record{Tombstone: e.Tombstone}
	switch {
	case e.ID.IsZero():
		return r.invalid("event id", "is missing")
	case e.Tombstone.IsZero():
		return r.invalid("tombstone", "is missing")
	case e.At.IsZero() || !e.At.Equal(Time(e.At)) || !e.RetainUntil.Equal(Time(e.RetainUntil)):
		return r.invalid("time", "is missing or finer than a microsecond")
	case !slices.Contains([]Action{ActionRestore, ActionHold, ActionRelease, ActionRetain, ActionPruneRequest}, e.Action):
		return r.invalid("action", fmt.Sprintf("%q is not one that can be appended", e.Action))
	case (e.Action == ActionHold || e.Action == ActionRelease) != (e.Case != ""):
		return r.invalid("case", "belongs to HOLD and RELEASE, and only to them")
	case (e.Action == ActionRetain) == e.RetainUntil.IsZero():
		return r.invalid("retain until", "belongs to RETAIN, and only to it")
	}
	if err := r.text("actor", e.Actor, MaxName, true); err != nil {
		return err
	}
	if err := r.text("case", e.Case, MaxName, false); err != nil {
		return err
	}
	total := 0
	for k, v := range e.Detail {
		total += len(k) + len(v)
		if err := r.text("detail", k+v, MaxText, true); err != nil {
			return err
		}
	}
	if total > MaxText {
		return r.tooLong("detail", MaxText, "bytes")
	}
	return nil
}

// Same reports whether appending one event where the other stands is a repeat
// or a conflict. Detail is only remarks.
func (e *Event) Same(o *Event) bool {
	return e.Tombstone == o.Tombstone && e.Action == o.Action && e.Actor == o.Actor &&
		e.At.Equal(o.At) && e.Case == o.Case && e.RetainUntil.Equal(o.RetainUntil)
}

// Hold is a case that forbids purging a record while it stands.
type Hold struct {
	Case     string
	Placed   time.Time
	PlacedBy string
	Released time.Time // zero while it stands
}

// Query selects records. Zero fields select everything; what is set must all
// hold.
type Query struct {
	Tombstones []Tombstone // these, at most MaxItems
	Prefix     string      // tombstones that begin so: see [PrefixRange]
	Events     []ID        // records with one of these events, at most MaxItems
	Repo       string      // exactly
	Path       string      // path as recorded begins so, byte for byte
	Since      time.Time   // archived at or after
	Until      time.Time   // archived before
	Actor      string      // archived by, exactly
	Reason     string      // exactly
	Tag        string      // carries this tag
	Limit      int         // at most so many; 0: all

	WithEvents bool // fill Entry.Events
	WithHolds  bool // fill Entry.Holds
}

// Entry is one row of a List.
type Entry struct {
	Record  Record
	Present bool    // the body is there (its bytes were not read)
	Events  []Event // oldest first, then by id; the ARCHIVE event included; if asked
	Holds   []Hold  // oldest first, then by case, released ones included; if asked
}

// Purge asks for bodies to be removed.
type Purge struct {
	Items  []PurgeItem
	Actor  string
	At     time.Time // the host's clock; the earlier of it and the database's decides
	DryRun bool      // judge and change nothing
}

// PurgeItem names a record, and the event that its purge will be.
type PurgeItem struct {
	Tombstone Tombstone
	Event     ID
}

// Outcome of the purge of one record.
type Outcome string

// The outcomes. The first that applies, in this order, is the answer.
const (
	OutcomeUnknown      Outcome = "unknown"       // no such record
	OutcomeRepeated     Outcome = "repeated"      // purged by this very event before
	OutcomeAlready      Outcome = "already"       // purged by another event before
	OutcomeHeld         Outcome = "held"          // a hold stands
	OutcomeRetained     Outcome = "retained"      // RetainUntil lies ahead
	OutcomeNotRequested Outcome = "not-requested" // no PRUNE_REQUEST stands
	OutcomeSameActor    Outcome = "same-actor"    // only the same person (see [SamePerson]) asked for it
	OutcomePurged       Outcome = "purged"        // done, or would be done in a dry run
)

// Verdict is what became of one PurgeItem, in the order of the items. Records
// that may not be purged do not keep others from it.
type Verdict struct {
	Tombstone Tombstone
	Outcome   Outcome
	Why       string // for people: the case, the date, the name
	Freed     int64  // bytes of the body that went; 0 when other live records need it
}

// SamePerson reports whether two actors count as one for the rule of four
// eyes: trimmed, and case folded.
func SamePerson(a, b string) bool {
	return strings.EqualFold(strings.TrimSpace(a), strings.TrimSpace(b))
}

// Health is what a backend says of its archive.
type Health struct {
	Server      string    // the database and its version, such as "SQLite 3.50.4"
	Archive     ID        // identity
	Schema      int       // version in the database
	Retrievable int64     // live records whose body is present
	Clock       time.Time // the database's
	Writable    bool      // false: a standby, a role or a file that cannot be written
}
