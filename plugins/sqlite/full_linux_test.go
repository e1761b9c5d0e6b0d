package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/codex-archive/codex/sdk"
)

// skipCode is how the child says that it may not mount.
const skipCode = 77

// TestFullDisk runs playFull in a mount namespace of its own, on a file system
// of 2 MiB that goes with it.
func TestFullDisk(t *testing.T) {
	t.Parallel()
	cmd := role(t, "full", filepath.Join(t.TempDir(), "a.db"))
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags:  syscall.CLONE_NEWNS | syscall.CLONE_NEWUSER,
		UidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getuid(), Size: 1}},
		GidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getgid(), Size: 1}},
	}
	out, err := cmd.CombinedOutput()
	var exit *exec.ExitError
	switch {
	case err == nil:
	case errors.Is(err, syscall.EPERM), errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EINVAL),
		errors.As(err, &exit) && exit.ExitCode() == skipCode:
		t.Skipf("this system lets no user mount in a namespace of its own: %v %s", err, out)
	default:
		t.Fatalf("%v: %s", err, out)
	}
}

// playFull fills the disk under an archive. Opening it, which needs a little room
// even for reading, and writing say what is the matter; what is there is read.
func playFull() error {
	path := os.Getenv("ARCHIVE")
	if err := syscall.Mount("none", filepath.Dir(path), "tmpfs", 0, "size=2m"); err != nil {
		fmt.Println(err)
		os.Exit(skipCode)
	}
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
