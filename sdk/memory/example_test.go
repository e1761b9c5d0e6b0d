package memory_test

import (
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/codex-archive/codex/sdk"
	"github.com/codex-archive/codex/sdk/memory"
)

// The journey of a file to an archive and back, as a host makes it.
func Example() {
	ctx := context.Background()
	backend, err := memory.Driver().Open(ctx, sdk.Options{URL: "memory://example", Mode: sdk.Create})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer backend.Close()

	text := "package old\n"
	record := sdk.Record{
		Tombstone: sdk.NewID(), Event: sdk.NewID(), Set: sdk.NewID(), Type: sdk.RegularFile,
		Content: sdk.Content{SHA256: sha256.Sum256([]byte(text)), Size: int64(len(text)), Codec: sdk.None, StoredSize: -1},
		Repo:    "my-repo", Path: "old.go", Reason: "dead", ContentKind: "code", Mode: 0o644,
		ArchivedBy: "anna", ArchivedAt: sdk.Time(time.Now()),
	}
	record.Digest = record.ComputeDigest()
	stored, err := backend.Put(ctx, func(yield func(sdk.Item, error) bool) {
		yield(sdk.Item{Record: record, Body: strings.NewReader(text)}, nil)
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println("stored", stored[0].Content.StoredSize, "bytes")

	for found, err := range backend.Get(ctx, []sdk.Tombstone{record.Tombstone, {3}}) {
		if err != nil {
			fmt.Println(err)
			return
		}
		if found.Err != nil {
			fmt.Println(found.Err)
			continue
		}
		body, err := io.ReadAll(found.Body)
		fmt.Printf("%s: %q %v\n", found.Record.Path, body, err)
	}
	// Output:
	// stored 12 bytes
	// old.go: "package old\n" <nil>
	// get: no such tombstone (tombstone 03000000-0000-0000-0000-000000000000)
}
