package evidence

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// skipCode is how the child says that it may not mount.
const skipCode = 77

// TestFullDisk runs fullRole in a mount namespace of its own, on a file system
// of 256 KiB that goes with it.
func TestFullDisk(t *testing.T) {
	cmd := child(t, "full", t.TempDir())
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

// fullRole fills a small disk and checks what becomes of the log.
func fullRole(dir string) error {
	if err := syscall.Mount("none", dir, "tmpfs", 0, "size=256k"); err != nil {
		fmt.Println(err)
		os.Exit(skipCode)
	}
	l, err := Open(dir)
	if err != nil {
		return err
	}
	if err := l.Append(archiveRecord("first")); err != nil {
		return err
	}
	noted := archiveRecord("noted")
	p, err := l.Begin(Intent{Records: []*Record{noted}})
	if err != nil {
		return err
	}
	if err := fill(filepath.Join(dir, "ballast")); err != nil {
		return err
	}
	// Half of the lines fit into the log's last page: the write is cut short and
	// must be taken back.
	var many []*Record
	for range 40 {
		many = append(many, archiveRecord("many"))
	}
	other, err := Open(dir) // has no notes, hence no space to give up
	if err != nil {
		return fmt.Errorf("open on a full disk: %w", err)
	}
	if err := other.Append(many...); !isFull(errors.Unwrap(err)) || strings.Contains(err.Error(), "torn") {
		return fmt.Errorf("append without space: %w", err)
	}
	if rep, err := Verify(l.Path()); err != nil || rep.Lines != 1 || rep.Torn || rep.Broken != 0 {
		return fmt.Errorf("after a full disk: %+v, %w", rep, err)
	}
	if _, err := other.Begin(Intent{Records: many}); !isFull(err) {
		return fmt.Errorf("note without space: %w", err)
	}
	if err := fillLog(l); err != nil {
		return err
	}
	// What was noted can be recorded, with the space of the note.
	if err := l.Append(noted); err != nil {
		return fmt.Errorf("append of what was noted: %w", err)
	}
	if rep, err := Verify(l.Path()); err != nil || rep.Torn || rep.Broken != 0 {
		return fmt.Errorf("at the end: %+v, %w", rep, err)
	}
	if err := p.Done(); err != nil {
		return err
	}
	return readOnly(dir)
}

// readOnly checks that a log which cannot be written is not opened.
func readOnly(dir string) error {
	if err := syscall.Mount("none", dir, "tmpfs", syscall.MS_REMOUNT|syscall.MS_RDONLY, ""); err != nil {
		return err
	}
	if _, err := Open(dir); !errors.Is(err, syscall.EROFS) {
		return fmt.Errorf("open on a read-only disk: %w", err)
	}
	return nil
}

// fill writes to path until the disk is full.
func fill(path string) error {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	defer f.Close()
	for {
		if _, err := f.Write(make([]byte, 512)); err != nil {
			if isFull(err) {
				return nil
			}
			return err
		}
	}
}

// fillLog appends, from a process without notes, until the log's last page is
// too full for another record.
func fillLog(l *Log) error {
	other, err := Open(l.dir)
	for err == nil {
		err = other.Append(archiveRecord("fill"))
	}
	if isFull(err) {
		return nil
	}
	return err
}
