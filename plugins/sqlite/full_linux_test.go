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

// playFull fills the disk under an archive: writing and reading are told what is
// the matter, and all is well when there is room again.
func playFull() error {
	path := os.Getenv("ARCHIVE")
	if err := syscall.Mount("none", filepath.Dir(path), "tmpfs", 0, "size=2m"); err != nil {
		fmt.Println(err)
		os.Exit(skipCode)
	}
	ctx := backgroundContext()
	b, err := open(ctx, options(path, sdk.Create))
	if err != nil {
		return err
	}
	s := newSample(100)
	if _, err := b.Put(ctx, items(s)); err != nil {
		return err
	}
	fill := filepath.Join(filepath.Dir(path), "fill")
	if err := os.WriteFile(fill, make([]byte, 4<<20), 0o600); !errors.Is(err, syscall.ENOSPC) {
		return fmt.Errorf("the disk is not full: %v", err)
	}
	if _, err := b.Put(ctx, items(newSample(64<<10))); sdk.KindOf(err) != sdk.Full {
		return fmt.Errorf("put on a full disk: %v", err)
	}
	if err := b.Close(); err != nil {
		return err
	}
	if _, err := open(ctx, options(path, sdk.ReadOnly)); err != nil && sdk.KindOf(err) != sdk.Full {
		return fmt.Errorf("open on a full disk: %w", err)
	}
	if err := os.Remove(fill); err != nil {
		return err
	}
	b, err = open(ctx, options(path, sdk.ReadOnly))
	if err != nil {
		return err
	}
	defer b.Close()
	for found, err := range b.Get(ctx, []sdk.Tombstone{s.Tombstone}) {
		if err := errors.Join(err, found.Err); err != nil {
			return err
		}
	}
	return nil
}
