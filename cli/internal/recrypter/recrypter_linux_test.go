package recrypter

import (
	"bytes"
	"crypto/sha256"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/codex-archive/codex/cli/internal/filetest"
	"github.com/codex-archive/codex/cli/internal/restorer"
	"github.com/codex-archive/codex/cli/internal/spool"
	"github.com/codex-archive/codex/sdk"
)

// What a spool holds can be read through the descriptor of its file, which has no
// name. The process of the test has no other spool.
func TestContentGetsIntoNoFileBeforeItIsEncrypted(t *testing.T) {
	way := newWay(t)
	content := filetest.Noise(spool.Memory + 1000)
	r := &sdk.Record{Tombstone: sdk.Tombstone{7}, Content: sdk.Content{
		SHA256: sha256.Sum256(content), Size: int64(len(content)), Codec: sdk.None, StoredSize: int64(len(content)),
	}}
	if _, err := way.Make(t.Context(), r, bytes.NewReader(content[:len(content)-1])); err == nil {
		t.Error("a body was made of content that ends early")
	}
	body, err := way.Make(t.Context(), r, bytes.NewReader(content))
	if err != nil {
		t.Fatal(err)
	}
	defer body.Close()
	files := spooled(t)
	if len(files) == 0 {
		t.Error("no spool was found")
	}
	for _, file := range files {
		if bytes.Contains(file, content[:1000]) {
			t.Error("plain content is in a file")
		}
	}
	for range 2 { // the second is a second attempt
		stored, err := body.Open()
		if err != nil {
			t.Fatal(err)
		}
		sealed := *r
		sealed.Content = body.Content
		if err := (restorer.Opener{Identities: way.Identities}).Check(t.Context(), &sealed, stored); err != nil {
			t.Error(err)
		}
	}
}

// spooled reads the spools that are open.
func spooled(t *testing.T) (files [][]byte) {
	descriptors, err := filepath.Glob("/proc/self/fd/*")
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range descriptors {
		if name, err := os.Readlink(d); err != nil || !strings.Contains(name, "codex-spool-") {
			continue
		}
		f, err := os.Open(d)
		if err != nil {
			t.Fatal(err)
		}
		content, err := io.ReadAll(f)
		f.Close()
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, content)
	}
	return files
}
