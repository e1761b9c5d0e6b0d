package sqltest

import (
	"bytes"
	"context"
	"crypto/sha256"
	"database/sql"
	"fmt"
	"io"
	"slices"
	"testing"
	"time"

	"github.com/codex-archive/codex/sdk"
)

// Archive is an archive whose database a test changes behind its back.
type Archive struct {
	sdk.Backend
	Admin *sql.DB // of the same database, with every right
	Cut   string  // expression: data without its last byte
	Zero  string  // expression: as many zero bytes as data has
}

// Make makes an archive until the test ends.
type Make func(t *testing.T) *Archive

func (a *Archive) execute(t *testing.T, statement string) {
	t.Helper()
	if _, err := a.Admin.ExecContext(context.Background(), statement); err != nil {
		t.Fatalf("%s: %v", statement, err)
	}
}

// sizes are bodies in one row, in chunks, and staged.
var sizes = []int{2000, 3 * sdk.ChunkSize, sdk.StagedBody + 1000}

// NewItem makes a record of n bytes that no other record has.
func NewItem(n int) sdk.Item {
	id := sdk.NewID()
	text := bytes.Repeat(id[:], n/len(id)+1)[:n]
	r := sdk.Record{
		Tombstone: sdk.NewID(), Event: sdk.NewID(), Set: sdk.NewID(), Type: sdk.RegularFile,
		Repo: "repo", Path: fmt.Sprintf("dir/%x/file", id[:4]), Reason: "dead", ContentKind: "code", ArchivedBy: "actor",
		ArchivedAt: time.UnixMicro(1_760_000_000_000_000).UTC(),
	}
	r.Content = sdk.Content{SHA256: sha256.Sum256(text), Size: int64(n), Codec: sdk.None}.WithBody(text)
	r.Digest = r.ComputeDigest()
	return sdk.Item{Record: r, Body: bytes.NewReader(text)}
}

// again is another record of the content of an item, with its body.
func again(it sdk.Item, body []byte) sdk.Item {
	it.Record.Tombstone, it.Record.Event = sdk.NewID(), sdk.NewID()
	it.Record.Digest = it.Record.ComputeDigest()
	it.Body = bytes.NewReader(body)
	return it
}

func one(it sdk.Item) func(func(sdk.Item, error) bool) {
	return func(yield func(sdk.Item, error) bool) { yield(it, nil) }
}

// damages are ways to damage the only content of an archive.
func (a *Archive) damages(size int) []string {
	common := []string{
		"UPDATE codex_artifact SET crc32c = crc32c + 1",
		"UPDATE codex_artifact SET crc32c = -1",
		"UPDATE codex_artifact SET stored_size = stored_size + 1",
		"UPDATE codex_artifact SET stored_size = 9223372036854775807",
		"UPDATE codex_artifact SET stored_size = -1",
		"UPDATE codex_artifact SET size = 9223372036854775807",
		"UPDATE codex_artifact SET size = -1",
		"UPDATE codex_artifact SET codec = 'zstd'",
		"UPDATE codex_artifact SET codec = ''",
	}
	if size <= sdk.SmallBody {
		return append(common,
			"DELETE FROM codex_body",
			"UPDATE codex_body SET data = "+a.Cut,
			"UPDATE codex_body SET data = "+a.Zero,
			"UPDATE codex_body SET artifact = artifact + 1000",
		)
	}
	return append(common,
		"DELETE FROM codex_artifact_chunk",
		"DELETE FROM codex_artifact_chunk WHERE seq = 1",
		"UPDATE codex_artifact_chunk SET data = "+a.Cut+" WHERE seq = 2",
		"UPDATE codex_artifact_chunk SET data = "+a.Zero+" WHERE seq = 0",
		"UPDATE codex_artifact_chunk SET seq = seq + 1000",
		"UPDATE codex_artifact_chunk SET seq = -1 - seq",
		"UPDATE codex_upload SET artifact = NULL, touched = 1",
		"UPDATE codex_upload SET artifact = artifact + 1000",
	)
}

// Damage damages stored content in every way and stores it again: without a
// body that is an error that names the record, with a body the content is
// repaired, and both records are restored.
func Damage(t *testing.T, newArchive Make) {
	for _, size := range sizes {
		for _, damage := range newArchive(t).damages(size) {
			t.Run(fmt.Sprintf("%d bytes, %s", size, damage), func(t *testing.T) {
				t.Parallel()
				a := newArchive(t)
				first := NewItem(size)
				body := read(t, first.Body)
				first.Body = bytes.NewReader(body)
				if _, err := a.Put(t.Context(), one(first)); err != nil {
					t.Fatal(err)
				}
				a.execute(t, damage)
				for _, it := range []sdk.Item{again(first, body), first} { // a new record, and a repeat
					it.Body = nil
					_, err := a.Put(t.Context(), one(it))
					if e := sdk.AsError(err); sdk.KindOf(err) != sdk.ContentAbsent || !slices.Contains(e.Tombstones, it.Record.Tombstone) {
						t.Errorf("without a body: %v", err)
					}
				}
				second := again(first, body)
				stored, err := a.Put(t.Context(), one(second))
				if err != nil || !stored[0].Repaired || stored[0].Deduplicated {
					t.Fatalf("with a body: %+v, %v", stored, err)
				}
				a.restores(t, body, first.Record.Tombstone, second.Record.Tombstone)
				third := again(first, body)
				if stored, err := a.Put(t.Context(), one(third)); err != nil || !stored[0].Deduplicated {
					t.Errorf("after the repair: %+v, %v", stored, err)
				}
			})
		}
	}
}

// restores reads bodies back.
func (a *Archive) restores(t *testing.T, body []byte, ids ...sdk.Tombstone) {
	t.Helper()
	for found, err := range a.Get(t.Context(), ids) {
		if err != nil || found.Err != nil {
			t.Fatal(err, found.Err)
		}
		if got := read(t, found.Body); !bytes.Equal(got, body) {
			t.Errorf("%v has other bytes", found.Record.Tombstone)
		}
		if err := found.Record.CheckDigest(); err != nil {
			t.Error(err)
		}
	}
}

func read(t *testing.T, r io.Reader) []byte {
	t.Helper()
	data, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// UnreadableRows spoils one of three records in every way. It is an error that
// names its tombstone; the others are listed, restored and purged, and more can be
// stored.
func UnreadableRows(t *testing.T, newArchive Make) {
	for _, spoil := range append(spoiledContents(),
		"DELETE FROM codex_artifact WHERE %s",
		"UPDATE codex_origin SET tags = '{{' WHERE id IN (SELECT origin FROM codex_item WHERE artifact IN (SELECT id FROM codex_artifact WHERE %s))",
		"UPDATE codex_origin SET metadata = 'none' WHERE id IN (SELECT origin FROM codex_item WHERE artifact IN (SELECT id FROM codex_artifact WHERE %s))",
		"UPDATE codex_origin SET note = REPLACE('"+string(bytes.Repeat([]byte("x"), 1000))+"', 'x', '"+string(bytes.Repeat([]byte("y"), 100))+"') WHERE id IN (SELECT origin FROM codex_item WHERE artifact IN (SELECT id FROM codex_artifact WHERE %s))",
		"UPDATE codex_item SET file_mode = -1 WHERE artifact IN (SELECT id FROM codex_artifact WHERE %s)",
		"UPDATE codex_origin SET file_type = 'door' WHERE id IN (SELECT origin FROM codex_item WHERE artifact IN (SELECT id FROM codex_artifact WHERE %s))",
		"UPDATE codex_item SET origin = 9999 WHERE artifact IN (SELECT id FROM codex_artifact WHERE %s)",
		"UPDATE codex_item SET directory = 9999 WHERE artifact IN (SELECT id FROM codex_artifact WHERE %s)",
		"UPDATE codex_item SET repo = 9999 WHERE artifact IN (SELECT id FROM codex_artifact WHERE %s)",
		"UPDATE codex_item SET file_mtime = 9223372036854775807 WHERE artifact IN (SELECT id FROM codex_artifact WHERE %s)",
		"UPDATE codex_item SET artifact = 9999 WHERE artifact IN (SELECT id FROM codex_artifact WHERE %s)",
	) {
		t.Run(spoil[:min(len(spoil), 60)], func(t *testing.T) {
			t.Parallel()
			a := newArchive(t)
			items := []sdk.Item{NewItem(100), NewItem(200), NewItem(300)}
			for _, it := range items {
				if _, err := a.Put(t.Context(), one(it)); err != nil {
					t.Fatal(err)
				}
			}
			a.execute(t, fmt.Sprintf(spoil, "size = 200"))
			spoiled := items[1].Record.Tombstone
			a.othersGoOn(t, items, spoiled, slices.Contains(spoiledContents(), spoil))
		})
	}
}

// spoiledContents spoil what an archive keeps about a content.
func spoiledContents() []string {
	return []string{
		"UPDATE codex_artifact SET size = 9223372036854775807, stored_size = -5 WHERE %s",
		"UPDATE codex_artifact SET crc32c = 99999999999 WHERE %s",
		"UPDATE codex_artifact SET codec = '' WHERE %s",
	}
}

// WrongSize changes the size of a content whose body is intact. A new record of the
// content is a conflict; the old one, whose digest covers the size, repairs it.
func WrongSize(t *testing.T, newArchive Make) {
	a, it := newArchive(t), NewItem(2000)
	body := read(t, it.Body)
	it.Record.Content.Codec = sdk.Zstd // the stored body may have another length then
	it.Record.Content = it.Record.Content.WithBody(body[:1000])
	it.Record.Content.Size = 2000
	it.Record.Digest = it.Record.ComputeDigest()
	put := func(it sdk.Item, body []byte) ([]sdk.PutResult, error) {
		if it.Body = nil; body != nil {
			it.Body = bytes.NewReader(body)
		}
		return a.Put(t.Context(), one(it))
	}
	if _, err := put(it, body[:1000]); err != nil {
		t.Fatal(err)
	}
	a.execute(t, "UPDATE codex_artifact SET size = size + 1")
	if _, err := put(again(it, nil), body[:1000]); sdk.KindOf(err) != sdk.Conflict {
		t.Errorf("a new record: %v", err)
	}
	if _, err := put(it, nil); sdk.KindOf(err) != sdk.ContentAbsent {
		t.Errorf("the record, without a body: %v", err)
	}
	if stored, err := put(it, body[:1000]); err != nil || !stored[0].Repaired || !stored[0].Repeated {
		t.Fatalf("the record: %+v, %v", stored, err)
	}
	a.restores(t, body[:1000], it.Record.Tombstone)
}

// othersGoOn checks what every call says of an archive with one spoiled record.
// listed says that the record itself can be read.
func (a *Archive) othersGoOn(t *testing.T, items []sdk.Item, spoiled sdk.Tombstone, listed bool) {
	t.Helper()
	named := func(what string, id sdk.Tombstone, err error) {
		t.Helper()
		if id != spoiled && err != nil || id == spoiled && sdk.KindOf(err) != sdk.Corrupt {
			t.Errorf("%s of %v: %v", what, id, err)
		}
		if e := sdk.AsError(err); e != nil && !slices.Contains(e.Tombstones, spoiled) {
			t.Errorf("%s: %v does not name the record", what, err)
		}
	}
	n := 0
	for entry, err := range a.List(t.Context(), sdk.Query{WithEvents: true, WithHolds: true}) {
		if err != nil {
			t.Fatal(err)
		}
		n++
		if listed && entry.Record.Tombstone == spoiled {
			if entry.Err != nil || entry.Record.Content.StoredSize != -1 || entry.Record.Path != items[1].Record.Path {
				t.Errorf("list: %+v", entry)
			}
			continue
		}
		named("list", entry.Record.Tombstone, entry.Err)
		if entry.Err == nil && !entry.Present {
			t.Errorf("%v is not present", entry.Record.Tombstone)
		}
	}
	if n != len(items) {
		t.Errorf("%d entries, want %d", n, len(items))
	}
	var ids []sdk.Tombstone
	for _, it := range items {
		ids = append(ids, it.Record.Tombstone)
	}
	for found, err := range a.Get(t.Context(), ids) {
		if err != nil {
			t.Fatal(err)
		}
		named("get", found.Record.Tombstone, found.Err)
	}
	if _, err := a.Put(t.Context(), one(NewItem(400))); err != nil {
		t.Errorf("put: %v", err)
	}
	if h, err := a.Health(t.Context()); err != nil || h.Live == 0 {
		t.Errorf("health: %+v, %v", h, err)
	}
	purge := sdk.Purge{Actor: "another", At: items[0].Record.ArchivedAt}
	for _, id := range ids {
		if id != spoiled {
			request := sdk.Event{ID: sdk.NewID(), Tombstone: id, Action: sdk.ActionPruneRequest, Actor: "asks", At: items[0].Record.ArchivedAt}
			if err := a.Append(t.Context(), []sdk.Event{request}); err != nil {
				t.Fatal(err)
			}
		}
		purge.Items = append(purge.Items, sdk.PurgeItem{Tombstone: id, Event: sdk.NewID()})
	}
	verdicts, err := a.Purge(t.Context(), purge)
	if err != nil {
		t.Fatalf("purge: %v", err)
	}
	for _, v := range verdicts {
		if purged := v.Outcome == sdk.OutcomePurged; purged == (v.Tombstone == spoiled) {
			t.Errorf("purge of %v: %+v", v.Tombstone, v)
		}
	}
}

// MissingBodies removes bodies. Health counts what is left, and List says
// which.
func MissingBodies(t *testing.T, newArchive Make, measured bool) {
	a := newArchive(t)
	var items []sdk.Item
	for _, size := range []int{0, 100, 200, 300, 2 * sdk.ChunkSize, 3 * sdk.ChunkSize, 4*sdk.ChunkSize + 1, sdk.StagedBody + 1} {
		it := NewItem(size)
		items = append(items, it)
		if _, err := a.Put(t.Context(), one(it)); err != nil {
			t.Fatal(err)
		}
	}
	a.counts(t, items)
	of := func(size int) string { return fmt.Sprintf("(SELECT id FROM codex_artifact WHERE size = %d)", size) }
	upload := func(size int) string {
		return "(SELECT id FROM codex_upload WHERE artifact = " + of(size) + ")"
	}
	damage := map[int]string{
		100:                 "DELETE FROM codex_body WHERE artifact = " + of(100),
		2 * sdk.ChunkSize:   "DELETE FROM codex_artifact_chunk WHERE seq = 0 AND upload = " + upload(2*sdk.ChunkSize),
		4*sdk.ChunkSize + 1: "DELETE FROM codex_artifact_chunk WHERE seq = 4 AND upload = " + upload(4*sdk.ChunkSize+1),
	}
	if measured {
		damage[200] = "UPDATE codex_body SET data = " + a.Cut + " WHERE artifact = " + of(200)
		damage[3*sdk.ChunkSize] = "UPDATE codex_artifact_chunk SET data = " + a.Cut + " WHERE seq = 1 AND upload = " + upload(3*sdk.ChunkSize)
	}
	missing := map[int64]bool{}
	for size, statement := range damage {
		a.execute(t, statement)
		missing[int64(size)] = true
		a.counts(t, items, missing)
	}
	if h, err := a.Health(t.Context()); err != nil || measured != (h.Unmeasured == "") {
		t.Errorf("unmeasured: %q, %v", h.Unmeasured, err)
	}
}

// counts compares Health and List with the sizes of bodies that are missing.
func (a *Archive) counts(t *testing.T, items []sdk.Item, missing ...map[int64]bool) {
	t.Helper()
	gone := map[int64]bool{}
	if len(missing) > 0 {
		gone = missing[0]
	}
	h, err := a.Health(t.Context())
	if want := int64(len(items) - len(gone)); err != nil || h.Live != int64(len(items)) || h.Retrievable != want {
		t.Errorf("%d of %d retrievable, %v; want %d of %d", h.Retrievable, h.Live, err, want, len(items))
	}
	for entry, err := range a.List(t.Context(), sdk.Query{}) {
		if err != nil || entry.Err != nil {
			t.Fatal(err, entry.Err)
		}
		if size := entry.Record.Content.Size; entry.Present == gone[size] {
			t.Errorf("%d bytes: present %v", size, entry.Present)
		}
	}
}
