package archiver

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/codex-archive/codex/cli/internal/filetest"
	"github.com/codex-archive/codex/sdk"
)

// writers change a whole file, again and again, until stop is closed. They return
// how long the longest change took.
var writers = map[string]func(f *os.File, contents [2][]byte, stop chan struct{}) (time.Duration, error){
	"pwrite": func(f *os.File, contents [2][]byte, stop chan struct{}) (time.Duration, error) {
		return alternate(contents, stop, func(b []byte) error {
			_, err := f.WriteAt(b, 0)
			return err
		})
	},
	"mmap": func(f *os.File, contents [2][]byte, stop chan struct{}) (time.Duration, error) {
		m, err := unix.Mmap(int(f.Fd()), 0, len(contents[0]), unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
		if err != nil {
			return 0, err
		}
		defer unix.Munmap(m)
		return alternate(contents, stop, func(b []byte) error {
			copy(m, b)
			return nil
		})
	},
}

func alternate(contents [2][]byte, stop chan struct{}, write func([]byte) error) (longest time.Duration, err error) {
	for i := 0; ; i++ {
		select {
		case <-stop:
			return longest, nil
		default:
			since := time.Now()
			if err := write(contents[i%2]); err != nil {
				return longest, err
			}
			longest = max(longest, time.Since(since))
		}
	}
}

// What is archived of a file that another process writes is one of its contents,
// never a mix. A machine may stop the writer within a change for longer than a
// reader waits: then a mix is what the file holds.
func TestTornReads(t *testing.T) {
	for name, write := range writers {
		for _, size := range []int{100_000, 1 << 20, sdk.StagedBody + 1<<20} {
			t.Run(name, func(t *testing.T) {
				contents := [2][]byte{bytes.Repeat([]byte("A"), size), bytes.Repeat([]byte("B"), size)}
				path := filetest.Write(t, filepath.Join(t.TempDir(), "f"), contents[0])
				f, err := os.OpenFile(path, os.O_RDWR, 0)
				if err != nil {
					t.Fatal(err)
				}
				defer f.Close()
				stop, done := make(chan struct{}), make(chan error)
				var longest time.Duration
				go func() {
					var err error
					longest, err = write(f, contents, stop)
					done <- err
				}()
				mixes := 0
				for range 20 {
					plain, err := archive(t, path)
					if errors.Is(err, ErrChanged) {
						continue
					}
					if err != nil {
						t.Error(err)
					} else if !bytes.Equal(plain, contents[0]) && !bytes.Equal(plain, contents[1]) {
						mixes++
					}
				}
				close(stop)
				if err := <-done; err != nil {
					t.Fatal(err)
				}
				if mixes > 0 && longest < quiet {
					t.Errorf("a mix of A and B was accepted %d times; the longest change took %v", mixes, longest)
				}
			})
		}
	}
}

// A write that is stopped halfway is not taken for the end of the writing, also if
// the writer puts the time of the file back. What is only open for writing can be
// archived.
func TestTornReadOfAStoppedWriter(t *testing.T) {
	for _, size := range []int{100_000, sdk.StagedBody + 1<<20} {
		for _, putBack := range []bool{false, true} {
			t.Run(fmt.Sprintf("%d bytes, time put back: %v", size, putBack), func(t *testing.T) {
				t.Parallel()
				stoppedWriter(t, size, putBack)
			})
		}
	}
}

func stoppedWriter(t *testing.T, size int, putBack bool) {
	a, b := bytes.Repeat([]byte("A"), size), bytes.Repeat([]byte("B"), size)
	path := filetest.Write(t, filepath.Join(t.TempDir(), "f"), a)
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	write := func(from, to int) {
		f.WriteAt(b[from:to], int64(from)) // what it did shows
		if putBack {
			os.Chtimes(path, time.Unix(1e9, 0), time.Unix(1e9, 0))
		}
	}
	begun, stopped := make(chan struct{}), make(chan time.Duration)
	go func() {
		since := time.Now()
		write(0, size/2)
		close(begun)
		time.Sleep(quiet / 3)
		write(size/2, size)
		stopped <- time.Since(since)
	}()
	<-begun
	plain, err := archive(t, path)
	if took := <-stopped; took > quiet {
		t.Logf("this machine stopped the writer for %v, which is longer than a reader waits", took)
	} else if !errors.Is(err, ErrChanged) && (err != nil || !bytes.Equal(plain, b)) {
		t.Errorf("a mix of %d A and %d B was accepted (%v)", bytes.Count(plain, []byte("A")), bytes.Count(plain, []byte("B")), err)
	}
	if plain, err = archive(t, path); err != nil || !bytes.Equal(plain, b) {
		t.Errorf("open for writing: %d B of %d, %v", bytes.Count(plain, []byte("B")), size, err)
	}
}

// A new mode, or a new name, does not change a file.
func TestTouchedFile(t *testing.T) {
	path := filetest.Write(t, filepath.Join(t.TempDir(), "f"), []byte("content"))
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	before, err := f.Stat()
	if err != nil {
		t.Fatal(err)
	}
	readings := 0
	err = settled(t.Context(), f, before, func() error {
		if readings++; readings == 1 {
			return os.Chmod(path, 0o600)
		}
		return nil
	})
	if err != nil || readings != 2 {
		t.Errorf("%d readings, %v", readings, err)
	}
	err = settled(t.Context(), f, before, func() error {
		now, err := f.Stat()
		for touched := now; err == nil && changeTime(touched).Equal(changeTime(now)); { // until the kernel's clock ticks
			if err = os.Chmod(path, touched.Mode()^0o100); err == nil {
				touched, err = f.Stat()
			}
		}
		return err
	})
	if !errors.Is(err, ErrChanged) {
		t.Errorf("touched all the time: %v", err)
	}
}

// archive returns what would be stored of the file at path.
func archive(t *testing.T, path string) ([]byte, error) {
	s, err := Open(t.Context(), Request{Path: path, Compressor: compressor(t)})
	if err != nil {
		return nil, err
	}
	defer s.Close()
	body, err := s.Body()
	if err != nil {
		return nil, err
	}
	b, err := io.ReadAll(body)
	if err != nil {
		return nil, err
	}
	return decode(t, b), nil
}
