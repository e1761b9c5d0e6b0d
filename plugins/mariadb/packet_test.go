package main

import (
	"bytes"
	"crypto/sha256"
	"io"
	"strings"
	"testing"

	"github.com/codex-archive/codex/scripts/bench/contest"
	"github.com/codex-archive/codex/scripts/databases"
	"github.com/codex-archive/codex/sdk"
)

// TestSmallPackets takes a server whose packets are as small as any server's
// ever were by default, and what is larger: a body, a note, many names.
func TestSmallPackets(t *testing.T) {
	t.Parallel()
	archive := opened(t, databases.NewMariaDB(t, "max_allowed_packet=1M").Database(t).URL(), sdk.Create)
	items := contest.Small(sdk.MaxItems)
	for i := range items {
		r := &items[i].Record
		r.Note = strings.Repeat("n", 5<<10)
		r.Commit = strings.Repeat("c", sdk.MaxName-4) + r.Path[len(r.Path)-4:]
	}
	large := &items[0].Record
	items[0].Body = bytes.Repeat([]byte("0123456789abcdef"), 5<<20/16)
	large.Content.SHA256, large.Content.Size = sha256.Sum256(items[0].Body), 5<<20
	large.Content = large.Content.WithBody(items[0].Body)
	large.Note = strings.Repeat("<", sdk.MaxText)
	large.Metadata = map[string]string{"k": strings.Repeat("<", sdk.MaxText-1)} // six bytes each in JSON
	mustPut(t, archive, items)
	n := 0
	for found, err := range archive.Get(t.Context(), contest.Tombstones(items)) {
		if err != nil || found.Err != nil {
			t.Fatal(err, found.Err)
		}
		body, err := io.ReadAll(found.Body)
		if err != nil || !bytes.Equal(body, items[n].Body) || found.Record.Note != items[n].Record.Note {
			t.Errorf("item %d is not what was stored: %v", n, err)
		}
		n++
	}
	if n != len(items) {
		t.Errorf("%d items, want %d", n, len(items))
	}
}
