// Package memory is the reference backend: the whole contract of [sdk.Backend]
// with maps and a mutex. It keeps nothing when the process ends; it exists to
// be read, and to be tested against.
//
// It is the one backend that holds bodies in memory: where [sdk] says that
// memory does not grow with a file, this package is the exception.
package memory

import (
	"bytes"
	"context"
	"io"
	"strings"
	"sync"
	"time"

	"github.com/codex-archive/codex/sdk"
)

// scheme of the URLs, "memory://NAME".
const scheme = "memory"

// schemaVersion is what Health reports; there is nothing to migrate.
const schemaVersion = 1

// Driver returns a driver whose archives live as long as it does: opening
// "memory://NAME" again finds what was stored under NAME before.
func Driver() sdk.Driver { return new(Archives).Driver() }

// Archives holds archives by name. The zero value holds none and is ready.
type Archives struct {
	mu     sync.Mutex
	byName map[string]*archive
}

// Driver returns a driver that opens the archives of a.
func (a *Archives) Driver() sdk.Driver {
	return sdk.Driver{Name: "memory", Version: "1", Schemes: []string{scheme}, Open: a.open}
}

// archive returns the archive that url names, or nil.
func (a *Archives) archive(url string) *archive {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.byName[strings.TrimPrefix(url, scheme+"://")]
}

// Damage flips a bit in the body of content in the archive that url names, as
// a failing disk would, and reports whether there was one to flip. Tests use it.
func (a *Archives) Damage(url string, content sdk.Digest) bool {
	found := a.archive(url)
	if found == nil {
		return false
	}
	found.mu.Lock()
	defer found.mu.Unlock()
	b := found.bodies[content]
	if b == nil || len(b.data) == 0 {
		return false
	}
	data := append([]byte(nil), b.data...) // readers under way keep the sound one
	data[len(data)/2] ^= 1
	found.bodies[content] = &body{content: b.content, data: data}
	return true
}

// RemoveBody takes the stored bytes of content away, as a table that was not
// restored would lack them. It reports whether there were any.
func (a *Archives) RemoveBody(url string, id sdk.Tombstone) bool {
	return a.tamper(url, id, func(archive *archive, r *record) {
		b := archive.bodies[r.Content.SHA256]
		archive.bodies[r.Content.SHA256] = &body{content: b.content}
	})
}

// SpoilRecord gives a record a mode that no file has.
func (a *Archives) SpoilRecord(url string, id sdk.Tombstone) bool {
	return a.tamper(url, id, func(_ *archive, r *record) { r.Mode = 1 << 31 })
}

// SwapContent ties a record to the content of another.
func (a *Archives) SwapContent(url string, id, other sdk.Tombstone) bool {
	return a.tamper(url, id, func(archive *archive, r *record) { r.Content = archive.records[other].Content })
}

// tamper changes a copy of a record, which then takes its place.
func (a *Archives) tamper(url string, id sdk.Tombstone, change func(*archive, *record)) bool {
	found := a.archive(url)
	if found == nil {
		return false
	}
	found.mu.Lock()
	defer found.mu.Unlock()
	r := found.records[id].clone()
	if r == nil {
		return false
	}
	change(found, r)
	found.records[id] = r
	return true
}

func (a *Archives) open(ctx context.Context, o sdk.Options) (sdk.Backend, error) {
	if ctx.Err() != nil {
		return nil, ended(ctx)
	}
	name, ok := strings.CutPrefix(o.URL, scheme+"://")
	switch {
	case !ok:
		return nil, sdk.Errorf(sdk.Unsupported, "the memory backend takes memory://NAME")
	case name == "":
		return nil, sdk.Errorf(sdk.Invalid, "memory:// names no archive")
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	found := a.byName[name]
	if found == nil {
		if o.Mode < sdk.Create {
			return nil, sdk.Errorf(sdk.NoArchive, "no archive of this name in memory")
		}
		found = newArchive()
		if a.byName == nil {
			a.byName = map[string]*archive{}
		}
		a.byName[name] = found
	}
	return &Backend{archive: found, readOnly: o.Mode == sdk.ReadOnly}, nil
}

// archive is what all handles on one name share. mu guards everything in it;
// it is not held while a loop of the caller runs.
type archive struct {
	id sdk.ID

	mu      sync.Mutex
	records map[sdk.Tombstone]*record
	bodies  map[sdk.Digest]*body
	events  map[sdk.ID]sdk.Event // by id, ARCHIVE and PURGE included: ids are taken once
}

// record is a row: what was stored, and what happened to it since.
type record struct {
	sdk.Record             // Content as it was given: [archive.content] has it as it is kept
	events     []sdk.Event // in the order they came
	holds      []sdk.Hold
}

// body is never changed once it is in the map, so that readers need no lock.
type body struct {
	content sdk.Content
	data    []byte
}

// reader yields the body and checks it.
func (b *body) reader(about sdk.Tombstone) io.Reader {
	return sdk.NewBodyReader(bytes.NewReader(b.data), b.content, about)
}

// intact reports whether the body is what its content says.
func (b *body) intact() bool {
	_, err := io.Copy(io.Discard, b.reader(sdk.Tombstone{}))
	return err == nil
}

func newArchive() *archive {
	a := &archive{
		id:      sdk.NewID(),
		records: map[sdk.Tombstone]*record{},
		bodies:  map[sdk.Digest]*body{},
		events:  map[sdk.ID]sdk.Event{},
	}
	return a
}

// retrievable reports whether r is live and its body present, with the recorded
// length.
func (a *archive) retrievable(r *record) bool {
	b := a.bodies[r.Content.SHA256]
	return r.PurgedAt.IsZero() && b != nil && int64(len(b.data)) == b.content.StoredSize
}

// Backend is one handle on an archive.
type Backend struct {
	archive  *archive
	readOnly bool
	closed   bool // guarded by archive.mu
}

var _ sdk.Backend = (*Backend)(nil)

// Identity implements [sdk.Identified].
func (b *Backend) Identity() sdk.ID { return b.archive.id }

// lock takes the archive for a short step, unless the call is over: because
// ctx ended or the handle was closed.
func (b *Backend) lock(ctx context.Context) error {
	b.archive.mu.Lock()
	switch {
	case b.closed:
		b.archive.mu.Unlock()
		return sdk.Errorf(sdk.Invalid, "the backend is closed")
	case ctx.Err() != nil:
		b.archive.mu.Unlock()
		return ended(ctx)
	}
	return nil
}

// lockWrite is lock for the methods that change something.
func (b *Backend) lockWrite(ctx context.Context) error {
	if err := b.lock(ctx); err != nil {
		return err
	}
	if b.readOnly {
		b.archive.mu.Unlock()
		return sdk.Errorf(sdk.PermissionDenied, "the archive was opened for reading only")
	}
	return nil
}

// ended is the error of a call whose ctx ended.
func ended(ctx context.Context) error {
	return sdk.AsError(ctx.Err())
}

func tooMany(what string) error {
	return sdk.Errorf(sdk.Limit, "more than %d %s in one call", sdk.MaxItems, what)
}

// at returns kind and message about one tombstone.
func at(t sdk.Tombstone, k sdk.Kind, msg string) *sdk.Error {
	e := sdk.Errorf(k, "%s", msg)
	if !t.IsZero() {
		e.Tombstones = []sdk.Tombstone{t}
	}
	return e
}

// Health implements [sdk.Backend].
func (b *Backend) Health(ctx context.Context) (sdk.Health, error) {
	if err := b.lock(ctx); err != nil {
		return sdk.Health{}, err
	}
	defer b.archive.mu.Unlock()
	h := sdk.Health{
		Server: "memory", Archive: b.archive.id, Schema: schemaVersion, Clock: clock(), Writable: !b.readOnly,
		NotDurable: "everything ends with the process",
	}
	for _, r := range b.archive.records {
		if r.PurgedAt.IsZero() {
			h.Live++
		}
		if b.archive.retrievable(r) {
			h.Retrievable++
		}
	}
	return h, nil
}

// Close implements [sdk.Backend]. The archive stays with its driver.
func (b *Backend) Close() error {
	b.archive.mu.Lock()
	defer b.archive.mu.Unlock()
	b.closed = true
	return nil
}

// clock is the time of the database.
func clock() time.Time { return sdk.Time(time.Now()) }
