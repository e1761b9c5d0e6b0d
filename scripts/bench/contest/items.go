package contest

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"iter"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/codex-archive/codex/sdk"
)

// What the benchmarks store and read.
const (
	Items = 10_000
	body  = 2 << 10 // bytes, on average a compressed source file
)

// Item is a record with its stored bytes.
type Item struct {
	Record sdk.Record
	Body   []byte
}

// Small makes n items that all differ, the same ones each time.
func Small(n int) []Item {
	random := rand.NewChaCha8([32]byte{1})
	items := make([]Item, n)
	for i := range items {
		data := make([]byte, body)
		random.Read(data)
		r := sdk.Record{
			Content: sdk.Content{SHA256: sha256.Sum256(data), Size: body, Codec: sdk.None}.WithBody(data), Set: sdk.ID{1}, Type: sdk.RegularFile,
			Repo: "bench", Path: fmt.Sprintf("internal/package%d/file%d.go", i/50, i), Commit: "0123456789abcdef0123456789abcdef01234567",
			Reason: "dead", ContentKind: "code", Mode: 0o644, ModTime: time.Unix(1e9, 0), ArchivedBy: "bench",
			ArchivedAt: time.UnixMicro(1_760_000_000_000_000 + int64(i)),
		}
		random.Read(r.Tombstone[:])
		random.Read(r.Event[:])
		r.Digest = r.ComputeDigest()
		items[i] = Item{r, data}
	}
	return items
}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

func checksum(data []byte) uint32 { return crc32.Checksum(data, castagnoli) }

// Check is what each reader of a body must do with it at least.
func Check(data []byte, sum uint32) error {
	if checksum(data) != sum {
		return errors.New("the body is damaged")
	}
	return nil
}

// Put stores items in groups of [sdk.MaxItems].
func Put(ctx context.Context, archive sdk.Backend, items []Item) error {
	for group := range slices.Chunk(items, sdk.MaxItems) {
		if _, err := archive.Put(ctx, Sequence(group)); err != nil {
			return err
		}
	}
	return nil
}

// Sequence is what Put takes.
func Sequence(items []Item) iter.Seq2[sdk.Item, error] {
	return func(yield func(sdk.Item, error) bool) {
		for i := range items {
			if !yield(sdk.Item{Record: items[i].Record, Body: bytes.NewReader(items[i].Body)}, nil) {
				return
			}
		}
	}
}

// Tombstones is what Get takes.
func Tombstones(items []Item) []sdk.Tombstone {
	ids := make([]sdk.Tombstone, len(items))
	for i := range items {
		ids[i] = items[i].Record.Tombstone
	}
	return ids
}

// Get reads items with their bodies, in groups of [sdk.MaxItems]. The archive
// checks the bodies.
func Get(ctx context.Context, archive sdk.Backend, items []Item) error {
	for group := range slices.Chunk(items, sdk.MaxItems) {
		for found, err := range archive.Get(ctx, Tombstones(group)) {
			if err := cmp.Or(err, found.Err); err != nil {
				return err
			}
			if n, err := io.Copy(io.Discard, found.Body); err != nil || n != found.Record.Content.StoredSize {
				return fmt.Errorf("%d bytes: %w", n, err)
			}
		}
	}
	return nil
}
