package bulk

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"github.com/codex-archive/codex/cli/internal/archiver"
	"github.com/codex-archive/codex/cli/internal/tree"
	"github.com/codex-archive/codex/sdk"
)

// TestStopIsNoInterrupt: the failure of one file ends the run, and a file that is
// being read meanwhile has neither failed nor been interrupted.
func TestStopIsNoInterrupt(t *testing.T) {
	path := filepath.Join(t.TempDir(), "read")
	if err := os.WriteFile(path, []byte("content"), 0o644); err != nil {
		t.Fatal(err)
	}
	compressor, err := archiver.NewCompressor(sdk.Zstd, "", nil)
	if err != nil {
		t.Fatal(err)
	}
	wrong, reading, stopped := errors.New("wrong"), make(chan struct{}), make(chan struct{})
	if runtime.NumCPU() == 1 { // one worker reads one after the other
		close(reading)
	}
	var results []Result
	err = Run{
		Files: func(yield func(tree.Entry, error) bool) {
			_ = yield(tree.Entry{Path: "fails"}, nil) && yield(tree.Entry{Path: path}, nil)
			for yield(tree.Entry{Path: "comes too late"}, nil) { // until the run is stopped
			}
			close(stopped)
		},
		Compressor: compressor,
		Describe: func(e *tree.Entry) (sdk.Record, archiver.ObjectFormat, error) {
			if e.Path == "fails" {
				<-reading
				return sdk.Record{}, "", wrong
			}
			close(reading)
			<-stopped
			return sdk.Record{Path: e.Path}, "", nil
		},
		Complete: func(*tree.Entry, *sdk.Record) error { return nil },
		Present:  func(*Item) bool { return false },
		LeaveOut: func(fs.FileInfo) bool { return false },
		Missing:  func(_ context.Context, all []sdk.Digest) ([]sdk.Digest, error) { return all, nil },
		Put: func(context.Context, []*Item) ([]sdk.PutResult, error) {
			return nil, errors.New("nothing is to be put")
		},
		Done: func(r Result) bool {
			results = append(results, r)
			return false
		},
	}.Start(t.Context())
	if err != nil || len(results) != 1 || results[0].Err != wrong {
		t.Errorf("%v, %+v", err, results)
	}
}
