package intake_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"io"
	"math/rand/v2"
	"os"
	"testing"
	"testing/iotest"
	"time"

	"github.com/codex-archive/codex/sdk"
	"github.com/codex-archive/codex/sdk/intake"
)

// item is a new record with a body of n random bytes.
func item(n int) (sdk.Item, []byte) {
	body := make([]byte, n)
	_, _ = rand.NewChaCha8([32]byte{byte(n), byte(n >> 8), byte(n >> 16)}).Read(body) // never fails
	content := sdk.Content{SHA256: sha256.Sum256(body), Size: int64(n), Codec: sdk.None}.WithBody(body)
	r := sdk.Record{
		Tombstone: sdk.NewID(), Event: sdk.NewID(), Set: sdk.NewID(), Digest: sdk.Digest{1}, Content: content, Repo: "r", Path: "p", Reason: "dead",
		ContentKind: "code", ArchivedBy: "anna", ArchivedAt: sdk.Time(time.Now()), Type: sdk.RegularFile,
	}
	return sdk.Item{Record: r, Body: bytes.NewReader(body)}, body
}

func sequence(items []sdk.Item, end error) func(func(sdk.Item, error) bool) {
	return func(yield func(sdk.Item, error) bool) {
		for _, it := range items {
			if !yield(it, nil) {
				return
			}
		}
		if end != nil {
			yield(sdk.Item{}, end)
		}
	}
}

// Bodies come back from memory and from the file as they were, whatever their
// order and size; one that is known, or comes twice, is not kept.
func TestTakeSpillsToFile(t *testing.T) {
	var items []sdk.Item
	var bodies [][]byte
	for _, n := range []int{0, 10, sdk.ChunkSize, intake.Held - 100, sdk.ChunkSize + 1, intake.Held + sdk.ChunkSize + 7, 20, 3 * intake.Held} {
		it, body := item(n)
		if n%2 == 1 {
			it.Record.Content.StoredSize, it.Record.Content.CRC32C, it.Record.Content.StoredSHA256 = -1, 0, sdk.Digest{}
		}
		items, bodies = append(items, it), append(bodies, body)
	}
	twice, _ := item(10)
	known, body := item(2 * intake.Held)
	bare, _ := item(30)
	bare.Body = nil
	items, bodies = append(items, twice, known, bare), append(bodies, nil, body, nil)

	dir := t.TempDir()
	f := &intake.File{Dir: dir, Known: func(_ context.Context, b *intake.Body) (bool, error) {
		return b.Content.SHA256 == known.Record.Content.SHA256, nil
	}}
	entries, err := intake.Take(t.Context(), sequence(items, nil), f)
	if err != nil {
		t.Fatal(err)
	}
	spilled := 0
	for i, e := range entries {
		if e.Index != i || e.Record.Tombstone != items[i].Record.Tombstone {
			t.Fatalf("entry %d is %d, %v", i, e.Index, e.Record.Tombstone)
		}
		switch {
		case bodies[i] == nil:
			if e.Body != nil {
				t.Errorf("entry %d has a body", i)
			}
			continue
		case e.Body.Dropped != (i == 9):
			t.Errorf("entry %d: dropped is %v", i, e.Body.Dropped)
		case e.Body.Dropped:
			continue
		}
		if e.Body.Spilled {
			spilled++
		}
		got, err := io.ReadAll(sdk.NewBodyReader(f.Reader(e.Body), e.Record.Content))
		if err != nil || !bytes.Equal(got, bodies[i]) {
			t.Errorf("entry %d: %d bytes, %v; want %d", i, len(got), err, len(bodies[i]))
		}
	}
	if spilled < 2 {
		t.Errorf("%d bodies were spilled", spilled)
	}
	if err := f.Close(); err != nil {
		t.Error(err)
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

func TestTakeErrors(t *testing.T) {
	failure := errors.New("the host's own")
	torn, _ := item(100)
	torn.Body = iotest.ErrReader(failure)
	corrupt, _ := item(100)
	corrupt.Record.Content.CRC32C ^= 1
	invalid, _ := item(100)
	invalid.Record.Repo = ""
	good, _ := item(100)
	many := make([]sdk.Item, sdk.MaxItems+1)
	for i := range many {
		many[i].Record = good.Record
	}
	for name, c := range map[string]struct {
		items []sdk.Item
		end   error
		host  bool
		kind  sdk.Kind
	}{
		"sequence": {end: failure, host: true},
		"body":     {items: []sdk.Item{torn}, host: true},
		"corrupt":  {items: []sdk.Item{corrupt}, host: true, kind: sdk.Corrupt},
		"invalid":  {items: []sdk.Item{invalid}, kind: sdk.Invalid},
		"many":     {items: many, kind: sdk.Limit},
	} {
		_, err := intake.Take(t.Context(), sequence(c.items, c.end), &intake.File{})
		var host intake.HostError
		if errors.As(err, &host) != c.host || c.kind == 0 && host.Err != failure {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if c.host {
			err = host.Err
		}
		if c.kind != 0 && sdk.KindOf(err) != c.kind {
			t.Errorf("%s: %v, want %v", name, err, c.kind)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := intake.Take(ctx, sequence([]sdk.Item{good}, nil), &intake.File{}); !errors.Is(err, context.Canceled) {
		t.Errorf("after its context ended: %v", err)
	}
}
