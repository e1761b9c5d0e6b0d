package evidence

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/codex-archive/codex/cli/internal/durable"
	"github.com/codex-archive/codex/scripts/smallfs"
)

func TestFullDisk(t *testing.T) {
	smallfs.Run(t, "size=256k", func(t *testing.T, dir string) {
		if err := onFullDisk(dir); err != nil {
			t.Fatal(err)
		}
	})
}

// onFullDisk fills a small disk and checks what becomes of the log.
func onFullDisk(dir string) error {
	l, err := Open(dir)
	if err != nil {
		return err
	}
	if err := l.Append(archiveRecord("first")); err != nil {
		return err
	}
	intended := archiveRecord("intended")
	p, err := l.Begin(Intent{Records: []*Record{intended}})
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
	other, err := Open(dir) // has no intents, hence no space to give up
	if err != nil {
		return fmt.Errorf("open on a full disk: %w", err)
	}
	if err := other.Append(many...); !durable.Full(errors.Unwrap(err)) || strings.Contains(err.Error(), "torn") {
		return fmt.Errorf("append without space: %w", err)
	}
	if rep, err := Verify(l.Path()); err != nil || rep.Lines != 1 || rep.Torn || rep.Broken != 0 {
		return fmt.Errorf("after a full disk: %+v, %w", rep, err)
	}
	if _, err := other.Begin(Intent{Records: many}); !durable.Full(err) {
		return fmt.Errorf("intent without space: %w", err)
	}
	if err := fillLog(l); err != nil {
		return err
	}
	// What was intended can be recorded, with the space of the intent.
	if err := l.Append(intended); err != nil {
		return fmt.Errorf("append of what was intended: %w", err)
	}
	if rep, err := Verify(l.Path()); err != nil || rep.Torn || rep.Broken != 0 {
		return fmt.Errorf("at the end: %+v, %w", rep, err)
	}
	return p.Done()
}

// A log that cannot be written is not opened.
func TestReadOnlyDisk(t *testing.T) {
	smallfs.Run(t, "ro", func(t *testing.T, dir string) {
		if _, err := Open(dir); !errors.Is(err, syscall.EROFS) {
			t.Errorf("open on a read-only disk: %v", err)
		}
	})
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
			if durable.Full(err) {
				return nil
			}
			return err
		}
	}
}

// fillLog appends, from a process without intents, until the log's last page is
// too full for another record.
func fillLog(l *Log) error {
	other, err := Open(l.dir)
	for err == nil {
		err = other.Append(archiveRecord("fill"))
	}
	if durable.Full(err) {
		return nil
	}
	return err
}
