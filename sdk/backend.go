package sdk

import (
	"context"
	"fmt"
	"io"
	"iter"
)

// Limits of one call. The host keeps them, a backend refuses what exceeds them
// with [Limit].
const (
	MaxItems    = 1000      // items in one Put; ids in one Get, Missing, Append, Purge: bounds a transaction and a reply
	MaxText     = 64 << 10  // bytes of note, or of metadata keys and values together
	MaxName     = 1 << 10   // bytes of repository, commit, actor, reason, tag, case
	MaxPath     = 4 << 10   // bytes of a path: PATH_MAX on Linux
	MaxTags     = 100       // tags of one record
	ChunkSize   = 256 << 10 // bytes of a body that travel, and are stored, as one piece: throughput is flat above this
	SmallBody   = 64 << 10  // bytes up to which a body is stored in one row
	MaxSize     = 1 << 50   // bytes of a file or a body: more than any has; bounds what a damaged row may claim
	StagedBody  = 8 << 20   // bytes above which a body is staged before its transaction: see sqlbackend
	MaxCulprits = 50        // tombstones that one error names
	MaxHistory  = 4000      // events and holds that the items of one Put carry: bounds its transaction
)

// Item is one thing to store.
type Item struct {
	// Record is complete before the first attempt, its Digest included. What its
	// Content says of the body is checked against the body; while
	// Content.StoredSize is -1 it says nothing.
	Record Record
	// Body yields the stored bytes. It is read to its end before the loop body
	// returns and is dead afterwards. An error of its Read, io.EOF aside, ends
	// Put like an error in the sequence. nil says that the host believes the
	// content to be present already. A body for content that is present and
	// intact is read, checked and dropped.
	Body io.Reader
	// Replaces, where it is not zero, is the SHA-256 of the body whose place Body
	// takes although it is intact: the same content, stored in another way. If the
	// archive has another intact body by then, that one stays, and Body is read,
	// checked and dropped.
	Replaces Digest
	// History is what became of the record in another archive. Of the record of a
	// new file it is empty.
	History History
}

// PutResult is what became of one item, in the order of the items.
type PutResult struct {
	Tombstone Tombstone
	// Content as the archive keeps it. With Deduplicated set it describes the
	// body that was there before.
	Content      Content
	Deduplicated bool // the content was present before this item, and its body stays: this call read it, and it is intact
	Repaired     bool // the content was known, its body was damaged or missing (not purged), and the body of this call has replaced it
	Repeated     bool // the very record was present before: a repeat after a lost answer
}

// GetResult is one record with its body, or what went wrong with it.
type GetResult struct {
	Record Record
	// Body yields the stored bytes and ends in an error of kind [Corrupt] when
	// their size or CRC-32C is not that of Record.Content. It is valid until the loop body
	// returns. It is nil when Err is set.
	Body io.Reader
	// Err concerns this item only; Record.Tombstone is always set. Kinds:
	// [NotFound], [Purged], [ContentAbsent], [Corrupt].
	Err error
}

// Backend is one opened archive. All methods may be called at the same time
// from several goroutines.
//
// Sequences. Put ranges over its items exactly once and in its own goroutine.
// An error in the sequence makes Put undo everything and return that error
// unchanged. Breaking out of Get or List frees everything they hold before the
// range statement ends. A sequence given to Put must not call the same Backend;
// the body of a loop over Get or List may: neither holds a connection or a
// cursor while it waits for the loop. A non-nil error in the second place of a
// pair is always the last pair, and is about the whole call.
//
// Errors are of type [*Error]. They name the tombstones at fault where there
// are any. When ctx ends, methods stop and return an error of kind [Canceled]
// or [Timeout] for which errors.Is(err, ctx.Err()) holds.
type Backend interface {
	// Put stores items, at most [MaxItems], in one transaction. Items may be
	// yielded while their bodies are still being made, so a body above
	// [StagedBody] should not be held in an open transaction.
	//
	// Put answers for no content that this call has not seen intact: it has
	// read either the body of an item or the body in the archive, and compared
	// size, CRC-32C and SHA-256. A body in the archive that is damaged is
	// replaced by the body of an item, if there is one. If there is none, Put
	// is [ContentAbsent] and names the tombstones; the host then sends the body.
	// Large bodies are read before the transaction, inside which it is enough
	// that their rows have not changed.
	//
	// An item with a [History] is taken over from another archive: Put adds the
	// events that are not there, with their effect, to a record that is new or
	// known. An event that is there is a repeat, another under its id is
	// [Conflict]. The holds become what [MergeHolds] says, NoEffect of what is added
	// what [MarkEffects] says of them, a RETAIN moves
	// RetainUntil later and never earlier, and a new record has the RetainUntil
	// that it comes with. With a PURGE among the events a new record comes
	// without body and is purged from the start; one that is live here is purged,
	// unless [Item.CheckPurge] refuses it, and loses its body as by Purge. A
	// record that is purged here stays so.
	Put(ctx context.Context, items iter.Seq2[Item, error]) ([]PutResult, error)

	// Missing returns those of contents that the archive does not have a body
	// for, in the order given. It is a hint that saves sending bodies; nothing
	// is acknowledged because of it. A body that is damaged need not be missing.
	Missing(ctx context.Context, contents []Digest) ([]Digest, error)

	// Get yields one GetResult for each id, in the order given, duplicates
	// included. An id that is unknown does not end the sequence.
	Get(ctx context.Context, ids []Tombstone) iter.Seq2[GetResult, error]

	// List yields entries, newest first: by ArchivedAt, then tombstone, both
	// descending. A record that is written meanwhile may or may not appear;
	// none appears twice. A row that cannot be read is an entry with Err.
	List(ctx context.Context, q Query) iter.Seq2[Entry, error]

	// Append records events, at most [MaxItems], in one transaction, with
	// their effect: HOLD and RELEASE place and release a case, RETAIN moves
	// RetainUntil later (earlier is [Refused]). HOLD of an active case, and
	// RELEASE of one that is not, are recorded with NoEffect and change nothing
	// else. What NoEffect was before does not count. HOLD and
	// RETAIN of a record that is purged are [Purged], and an unknown tombstone is
	// [NotFound]: then nothing is written.
	Append(ctx context.Context, events []Event) error

	// Purge removes bodies, at most [MaxItems] tombstones, in one
	// transaction, judged inside it. See [Purge] and [Verdict].
	Purge(ctx context.Context, p Purge) ([]Verdict, error)

	// Health measures the archive and changes nothing.
	Health(ctx context.Context) (Health, error)

	// Close ends what is under way and frees everything. Calls after it are
	// [Invalid]. Closing twice is harmless.
	Close() error
}

// Identified is a [Backend] that has known the identity of its archive,
// [Health.Archive], since it was opened. It is optional: a host that needs the
// identity of another asks Health. Identity asks no database and is zero where it
// is not known. A [Driver] whose backends always know it declares [IdentityAtOpen].
type Identified interface {
	Identity() ID
}

// IdentityOf returns the identity of the archive of b, zero where b does not know
// it.
func IdentityOf(b Backend) ID {
	if i, ok := b.(Identified); ok {
		return i.Identity()
	}
	return ID{}
}

// Mode says what Open may do.
type Mode int

// The modes, from the most careful to the least.
const (
	// ReadOnly opens what exists and never writes a byte, not even beside it.
	ReadOnly Mode = iota
	// ReadWrite opens what exists. An archive that cannot be written opens
	// all the same; writes then are [PermissionDenied].
	ReadWrite
	// Create also makes an archive in an empty database, and an embedded
	// database's file and directory.
	Create
	// Upgrade also brings an older schema up to date. Nothing else does.
	Upgrade
)

// String returns the mode in words.
func (m Mode) String() string {
	names := []string{"read-only", "read-write", "create", "upgrade"}
	if m < 0 || int(m) >= len(names) {
		return fmt.Sprintf("mode %d", int(m))
	}
	return names[m]
}

// Options is what a backend is told when it opens an archive.
type Options struct {
	// URL as the user configured it, secrets included, ${VAR} replaced.
	URL string
	// Password, where not empty, takes the place of one in the URL.
	Password string
	// Dir is the absolute directory that relative paths in URL start from.
	Dir string
	// Mode says what Open may do.
	Mode Mode
	// Parallel is how many calls the host may have under way at once, 1 to 32.
	Parallel int
}

// Driver is what a backend program serves: how to open an archive, and what
// can be said without a database.
type Driver struct {
	// Name is the NAME of codex-archive-NAME.
	Name string
	// Version of the program, for people.
	Version string
	// Commit of its sources, for people; empty where it is not known.
	Commit string
	// Schemes of the URLs it takes, such as "postgres", without "://".
	Schemes []string
	// Capabilities are the optional abilities of its backends.
	Capabilities []Capability
	// Open opens an archive. It returns [NoArchive] when there is none and
	// the mode forbids making one, and [Schema] naming both versions when the
	// schema is not the one it knows.
	Open func(ctx context.Context, o Options) (Backend, error)
}
