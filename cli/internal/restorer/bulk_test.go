package restorer

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/codex-archive/codex/cli/internal/filetest"
	"github.com/codex-archive/codex/cli/internal/output"
	"github.com/codex-archive/codex/scripts/smallfs"
	"github.com/codex-archive/codex/sdk"
)

// group takes files through all steps, as a batch does. It returns what went wrong
// with each.
func group(t *testing.T, dir string, records []stored, between func([]*File)) []error {
	t.Helper()
	base, err := os.OpenRoot(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer base.Close()
	b, err := NewBulk(&Restorer{}, base)
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	errs := make([]error, len(records))
	var ready []*File
	index := map[*File]int{}
	for i := range records {
		f, err := b.Prepare(t.Context(), &records[i].record, Body{Bytes: records[i].body}, Destination{Path: groupName(i), Base: base})
		if f != nil {
			defer f.Close()
		}
		if errs[i] = err; err == nil {
			ready, index[f] = append(ready, f), i
		}
	}
	if between != nil {
		between(ready)
	}
	b.Sync(ready)
	for _, f := range ready {
		if f.Err == nil {
			f.Err = f.Publish(t.Context())
		}
	}
	b.SyncNames(ready)
	for f, i := range index {
		errs[i] = f.Err
	}
	return errs
}

// groupName is where file i goes: some directories are below others that are open.
func groupName(i int) string {
	if i%2 == 0 {
		return fmt.Sprintf("d%d/f%d", i%3, i)
	}
	return fmt.Sprintf("d%d/e/deep%d/f%d", i%3, i%5, i)
}

func groupOf(n, size int) []stored {
	records := make([]stored, n)
	for i := range records {
		content := filetest.Noise(size + i)
		records[i] = newStored(content, content, sdk.None)
	}
	return records
}

// whole checks that each file without an error is there, and no other.
func whole(t *testing.T, dir string, records []stored, errs []error) (restored int) {
	t.Helper()
	for i := range records {
		found, err := os.ReadFile(filepath.Join(dir, groupName(i)))
		switch {
		case errs[i] == nil && !bytes.Equal(found, records[i].body):
			t.Errorf("file %d is not what was stored: %v", i, err)
		case errs[i] != nil && !errors.Is(err, os.ErrNotExist):
			t.Errorf("file %d failed with %v, and is there: %v", i, errs[i], err)
		case errs[i] == nil:
			restored++
		}
	}
	for _, where := range []string{"d*", "d*/e", "d*/e/deep*"} {
		if left, _ := filepath.Glob(filepath.Join(dir, where, ".*")); len(left) > 0 {
			t.Errorf("left: %v", left)
		}
	}
	return restored
}

// TestGroupOnFullDisk: what has room is restored, and the rest has no name.
func TestGroupOnFullDisk(t *testing.T) {
	smallfs.Run(t, "size=1m", func(t *testing.T, dir string) {
		records := groupOf(40, 60<<10)
		errs := group(t, dir, records, nil)
		for i, err := range errs {
			if err != nil && !errors.Is(err, syscall.ENOSPC) {
				t.Errorf("file %d: %v", i, err)
			}
		}
		if n := whole(t, dir, records, errs); n == 0 || n == len(records) {
			t.Errorf("%d of %d files are restored", n, len(records))
		}
	})
}

// TestSyncOfGroupFails: where the whole file system cannot be synced each file is
// synced by itself, and one that cannot be has no name.
func TestSyncOfGroupFails(t *testing.T) {
	dir := t.TempDir()
	records := groupOf(40, 100)
	bad := map[int]bool{3: true, 17: true}
	errs := group(t, dir, records, func(files []*File) {
		for i, f := range files {
			if f.system.all != nil {
				_ = f.system.all.Close() // a sync of it fails from now on
			}
			if bad[i] {
				_ = f.temp.File.Close() // and so does one of this file
			}
		}
	})
	for i, err := range errs {
		if (err != nil) != bad[i] {
			t.Errorf("file %d: %v", i, err)
		}
	}
	if n := whole(t, dir, records, errs); n != len(records)-len(bad) {
		t.Errorf("%d files are restored", n)
	}
}

// TestNameTakenMeanwhile: a name that was free when a file was prepared, and is
// taken when it is published, keeps what it has. The same bytes are no error.
func TestNameTakenMeanwhile(t *testing.T) {
	dir := t.TempDir()
	records := groupOf(4, 100)
	other := []byte("written meanwhile")
	var same *File
	errs := group(t, dir, records, func(files []*File) {
		for i, content := range [][]byte{other, records[1].body} {
			filetest.Write(t, filepath.Join(dir, groupName(i)), content)
		}
		same = files[1]
	})
	if output.CodeOf(errs[0]) != output.ExitRefused || !bytes.Equal(filetest.Read(t, filepath.Join(dir, groupName(0))), other) {
		t.Errorf("other bytes: %v", errs[0])
	}
	if errs[1] != nil || !same.Done.Unchanged {
		t.Errorf("the same bytes: %v, unchanged: %v", errs[1], same.Done.Unchanged)
	}
	if errs[0] = nil; errors.Join(errs...) != nil {
		t.Error(errors.Join(errs...))
	}
}
