package intake_test

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/codex-archive/codex/sdk"
	"github.com/codex-archive/codex/sdk/intake"
)

// Put reads its items to their end before it begins a transaction. Small bodies
// are kept in memory, large ones in a temporary file.
func ExampleTake() {
	text := "package old\n"
	content := sdk.Content{Codec: sdk.None, Size: int64(len(text))}.WithBody([]byte(text))
	content.SHA256 = content.StoredSHA256
	record := sdk.Record{
		Tombstone: sdk.NewID(), Event: sdk.NewID(), Set: sdk.NewID(), Digest: sdk.Digest{1}, Type: sdk.RegularFile, Content: content,
		Repo: "my-repo", Path: "old.go", Reason: "dead", ContentKind: "code", ArchivedBy: "anna", ArchivedAt: sdk.Time(time.Now()),
	}
	items := func(yield func(sdk.Item, error) bool) {
		yield(sdk.Item{Record: record, Body: strings.NewReader(text)}, nil)
	}
	spill := &intake.File{}
	defer spill.Close()
	entries, err := intake.Take(context.Background(), items, spill)
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, e := range entries {
		fmt.Println(e.Record.Path, e.Body.Content.StoredSize, "bytes, in memory:", !e.Body.Spilled)
	}
	// Output:
	// old.go 12 bytes, in memory: true
}
