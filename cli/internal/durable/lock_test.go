package durable

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestLockIsWaitedFor(t *testing.T) {
	path := filepath.Join(t.TempDir(), "lock")
	held, err := Lock(path, os.O_RDWR|os.O_CREATE, 0o600, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Lock(path, os.O_RDWR|os.O_CREATE, 0o600, 20*time.Millisecond); err == nil || !strings.Contains(err.Error(), path) {
		t.Fatalf("second lock: %v", err)
	}
	got := make(chan error)
	go func() {
		f, err := Lock(path, os.O_RDWR|os.O_CREATE, 0o600, time.Minute)
		if err == nil {
			f.Close()
		}
		got <- err
	}()
	held.Close()
	if err := <-got; err != nil {
		t.Error(err)
	}
}

// A lock on a file that was removed meanwhile keeps no process out.
func TestLockOfRemovedFileDoesNotCount(t *testing.T) {
	path := filepath.Join(t.TempDir(), "lock")
	for _, remake := range []bool{false, true} {
		f, err := OpenRegular(path, os.O_RDWR|os.O_CREATE, 0o600)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		if err := os.Remove(path); err != nil {
			t.Skip("this system does not remove opened files:", err)
		}
		if remake {
			if err := os.WriteFile(path, nil, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		if StillNamed(f, path) {
			t.Errorf("made anew %v: taken for the one that was removed", remake)
		}
	}
}
