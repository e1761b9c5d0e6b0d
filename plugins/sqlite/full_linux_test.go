package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/codex-archive/codex/scripts/smallfs"
	"github.com/codex-archive/codex/sdk"
)

// TestFullDisk fills the disk under an archive, a file system of 2 MiB.
func TestFullDisk(t *testing.T) {
	smallfs.Run(t, "size=2m", func(t *testing.T, dir string) {
		if err := fillUnder(filepath.Join(dir, "a.db")); err != nil {
			t.Fatal(err)
		}
	})
}

// fillUnder fills the disk under the archive at path. Opening it, which needs a
// little room even for reading, and writing say what is the matter; what is there
// is read.
func fillUnder(path string) error {
	ctx := backgroundContext()
	fill := filepath.Join(filepath.Dir(path), "fill")
	b, err := open(ctx, options(path, sdk.Create))
	if err != nil {
		return err
	}
	s := newSample(100)
	if _, err := b.Put(ctx, items(s)); err != nil {
		return err
	}
	if err := errors.Join(b.Close(), fillUp(fill)); err != nil {
		return err
	}
	if _, err := open(ctx, options(path, sdk.ReadOnly)); sdk.KindOf(err) != sdk.Full {
		return fmt.Errorf("open on a full disk: %v", err)
	}

	if err := os.Remove(fill); err != nil {
		return err
	}
	if b, err = open(ctx, options(path, sdk.ReadWrite)); err != nil {
		return err
	}
	defer b.Close()
	if err := fillUp(fill); err != nil {
		return err
	}
	if _, err := b.Put(ctx, items(newSample(64<<10))); sdk.KindOf(err) != sdk.Full {
		return fmt.Errorf("put on a full disk: %v", err)
	}
	for found, err := range b.Get(ctx, []sdk.Tombstone{s.Tombstone}) {
		if err := errors.Join(err, found.Err); err != nil {
			return err
		}
	}
	return nil
}

// fillUp leaves no room on the disk.
func fillUp(path string) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return err
	}
	defer f.Close()
	for err == nil {
		_, err = f.Write(make([]byte, 4<<10))
	}
	if !errors.Is(err, syscall.ENOSPC) {
		return fmt.Errorf("the disk is not full: %w", err)
	}
	return nil
}
