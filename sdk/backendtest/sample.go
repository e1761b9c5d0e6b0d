package backendtest

import (
	"bytes"
	"crypto/sha256"
	"io"
	"iter"
	"math/rand/v2"
	"strings"
	"time"

	"github.com/codex-archive/codex/sdk"
)

// dawn is when the first record of each rule was archived: a time whose
// microseconds show when they are lost.
var dawn = time.Date(2024, 2, 29, 23, 58, 57, 654_321_000, time.UTC)

func digest(data []byte) sdk.Digest { return sha256.Sum256(data) }

// id returns a new UUID (version 4).
func (t *T) id() sdk.ID {
	key := t.key(t.serial())
	id := sdk.ID(key[:16])
	id[6], id[8] = id[6]&0x0f|0x40, id[8]&0x3f|0x80 // as sdk.NewID
	return id
}

// bytes returns n new bytes that do not compress.
func (t *T) bytes(n int) []byte {
	data := make([]byte, n)
	rand.NewChaCha8(t.key(t.serial())).Read(data)
	return data
}

// set is the set that all records of this rule belong to.
func (t *T) set() sdk.ID { key := t.key(0); return sdk.ID(key[:16]) }

// repo is the repository that this rule stores under. No other rule does.
func (t *T) repo() string { return "backendtest " + t.rule.ID }

// plain describes content that is stored as it is.
func plain(data []byte) sdk.Content {
	return sdk.Content{SHA256: digest(data), Size: int64(len(data)), Codec: sdk.None}.WithBody(data)
}

// frame returns data as a zstd frame (RFC 8878) of raw blocks, and describes
// it: another body for the same content.
func frame(data []byte) ([]byte, sdk.Content) {
	const block = 128 << 10 // the largest of a window of this size
	body := []byte{0x28, 0xb5, 0x2f, 0xfd, 0x00, 0x38}
	for rest := data; ; {
		n := min(len(rest), block)
		head := uint32(n) << 3
		if n == len(rest) {
			head |= 1 // the last block
		}
		body = append(body, byte(head), byte(head>>8), byte(head>>16))
		body = append(body, rest[:n]...)
		if rest = rest[n:]; len(rest) == 0 {
			break
		}
	}
	return body, sdk.Content{SHA256: digest(data), Size: int64(len(data)), Codec: sdk.Zstd}.WithBody(body)
}

// record returns a new record of content, complete but plain. Records of one
// rule are a second apart.
func (t *T) record(c sdk.Content) sdk.Record {
	n := t.serial()
	return sdk.Record{
		Tombstone: t.id(), Event: t.id(), Content: c,
		Repo: t.repo(), Path: "src/file.go", Commit: strings.Repeat("0123456789", 4), Reason: "dead", ContentKind: "code",
		Mode: 0o644, ModTime: dawn.Add(-time.Hour), ArchivedBy: "kit", ArchivedAt: dawn.Add(time.Duration(n) * time.Second),
		Set: t.set(), Type: sdk.RegularFile,
	}
}

// item is a new record with a new body of n bytes.
func (t *T) item(n int) sample {
	data := t.bytes(n)
	return sample{t.record(plain(data)), data}
}

// items returns n small items.
func (t *T) items(n int) []sample {
	all := make([]sample, n)
	for i := range all {
		all[i] = t.item(100)
	}
	return all
}

// sample is a record and the body to store for it; nil: none is sent. While its
// Digest is zero, the one that it should have is meant.
type sample struct {
	sdk.Record
	body []byte
}

// again returns a new record of the same content, with the same body.
func (t *T) again(s sample) sample { return sample{t.record(s.Content), s.body} }

// item returns what Put takes, with a fresh reader.
func (s sample) item() sdk.Item {
	i := sdk.Item{Record: sealed(s.Record)}
	if s.body != nil {
		i.Body = bytes.NewReader(s.body)
	}
	return i
}

// sealed returns r with the digest that it should have, unless it has one.
func sealed(r sdk.Record) sdk.Record {
	if r.Digest.IsZero() {
		r.Digest = r.ComputeDigest()
	}
	return r
}

// unknown returns c as it is announced while its body is still being made.
func unknown(c sdk.Content) sdk.Content {
	c.StoredSize, c.CRC32C, c.StoredSHA256 = -1, 0, sdk.Digest{}
	return c
}

// sequence yields samples as items.
func sequence(samples ...sample) iter.Seq2[sdk.Item, error] {
	return func(yield func(sdk.Item, error) bool) {
		for _, s := range samples {
			if !yield(s.item(), nil) {
				return
			}
		}
	}
}

// broken yields samples and then err.
func broken(err error, samples ...sample) iter.Seq2[sdk.Item, error] {
	return func(yield func(sdk.Item, error) bool) {
		for i, e := range sequence(samples...) {
			if !yield(i, e) {
				return
			}
		}
		yield(sdk.Item{}, err)
	}
}

// one yields a single item.
func one(i sdk.Item) iter.Seq2[sdk.Item, error] {
	return func(yield func(sdk.Item, error) bool) { yield(i, nil) }
}

// reader counts what is taken from it, and notes reads after it has died.
type reader struct {
	io.Reader
	taken int
	dead  bool
	late  bool
}

func (r *reader) Read(p []byte) (int, error) {
	r.late = r.late || r.dead
	n, err := r.Reader.Read(p)
	r.taken += n
	return n, err
}

func tombstones(samples ...sample) []sdk.Tombstone {
	ids := make([]sdk.Tombstone, len(samples))
	for i, s := range samples {
		ids[i] = s.Tombstone
	}
	return ids
}

// event returns a new event of a record, a minute after the last.
func (t *T) event(about sdk.Tombstone, a sdk.Action) sdk.Event {
	return sdk.Event{ID: t.id(), Tombstone: about, Action: a, Actor: "kit", At: dawn.Add(time.Duration(t.serial()) * time.Minute), Host: "host.example.com"}
}

// hold and release are the events of a case.
func (t *T) hold(about sdk.Tombstone, name string) sdk.Event {
	return t.caseEvent(about, sdk.ActionHold, name)
}

func (t *T) release(about sdk.Tombstone, name string) sdk.Event {
	return t.caseEvent(about, sdk.ActionRelease, name)
}

func (t *T) caseEvent(about sdk.Tombstone, a sdk.Action, name string) sdk.Event {
	e := t.event(about, a)
	e.Case = name
	return e
}

// retain is the event that moves the end of the retention.
func (t *T) retain(about sdk.Tombstone, until time.Time) sdk.Event {
	e := t.event(about, sdk.ActionRetain)
	e.RetainUntil = until
	return e
}

// request is the event of a person who asks for a purge.
func (t *T) request(about sdk.Tombstone, actor string) sdk.Event {
	e := t.event(about, sdk.ActionPruneRequest)
	e.Actor = actor
	return e
}

// purge asks, as "purger", for records to be purged now, by new events.
func (t *T) purge(ids ...sdk.Tombstone) sdk.Purge {
	p := sdk.Purge{Actor: "purger", At: sdk.Time(time.Now()), Host: "host.example.com"}
	for _, id := range ids {
		p.Items = append(p.Items, sdk.PurgeItem{Tombstone: id, Event: t.id()})
	}
	return p
}
