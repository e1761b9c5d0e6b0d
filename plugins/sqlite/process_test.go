package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"

	"github.com/codex-archive/codex/sdk"
)

func backgroundContext() context.Context { return context.Background() }

// role makes a command of the test binary in a role.
func role(t *testing.T, name, path string) *exec.Cmd {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), self)
	cmd.Env = append(os.Environ(), roleVar+"="+name, "ARCHIVE="+path)
	return cmd
}

// storeOne is a program that stores one record.
func storeOne() error {
	ctx := backgroundContext()
	b, err := open(ctx, options(os.Getenv("ARCHIVE"), sdk.Create))
	if err != nil {
		return err
	}
	defer b.Close()
	if _, err := b.Put(ctx, items(newSample(1000))); err != nil {
		return err
	}
	return b.Close()
}

// Thirty programs make the archive and store at once.
func TestManyProcesses(t *testing.T) {
	path := filepath.Join(t.TempDir(), "new", "a.db")
	const programs = 30
	var done sync.WaitGroup
	for range programs {
		cmd := role(t, "store", path)
		done.Go(func() {
			if out, err := cmd.CombinedOutput(); err != nil {
				t.Errorf("%v: %s", err, out)
			}
		})
	}
	done.Wait()
	a := openArchive(t, path, dialect(), sdk.ReadOnly)
	h, err := a.Health(t.Context())
	if err != nil || h.Retrievable != programs {
		t.Errorf("health: %+v, %v; want %d records", h, err, programs)
	}
}

// stageAndHang is a program that stages a body and is then killed: its reader
// says so after 20 MiB and never ends.
func stageAndHang() error {
	ctx := backgroundContext()
	b, err := open(ctx, options(os.Getenv("ARCHIVE"), sdk.Create))
	if err != nil {
		return err
	}
	s := newSample(20 << 20)
	item := s.item()
	item.Record.Content.StoredSize = -1
	item.Body = io.MultiReader(item.Body, hanging{})
	_, err = b.Put(ctx, func(yield func(sdk.Item, error) bool) {
		_ = yield(newSample(100).item(), nil) && yield(item, nil)
	})
	return err
}

type hanging struct{}

func (hanging) Read([]byte) (int, error) {
	fmt.Println("staged")
	select {}
}

func TestKilledWhileStaging(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.db")
	cmd := role(t, "stage", path)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	if _, err := bufio.NewReader(out).ReadString('\n'); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait()

	a := openArchive(t, path, dialect(), sdk.ReadWrite)
	db := a.raw()
	if staged := count(t, db, "codex_artifact_chunk"); staged < 20 {
		t.Fatalf("%d chunks are staged: the program was killed too early", staged)
	}
	for _, table := range []string{"codex_item", "codex_artifact", "codex_body", "codex_event"} {
		if n := count(t, db, table); n != 0 {
			t.Errorf("%s has %d rows", table, n)
		}
	}
	if h, err := a.Health(t.Context()); err != nil || h.Retrievable != 0 {
		t.Errorf("health: %+v, %v", h, err)
	}

	a.put(newSample(10))
	if n := count(t, db, "codex_upload"); n != 1 {
		t.Errorf("an upload that may be under way is gone: %d", n)
	}
	execute(t, db, "UPDATE codex_upload SET touched = touched - 3601 * 1000000")
	again := openArchive(t, path, dialect(), sdk.ReadWrite)
	s := newSample(10)
	again.put(s)
	for _, table := range []string{"codex_upload", "codex_artifact_chunk"} {
		if n := count(t, db, table); n != 0 {
			t.Errorf("an hour later %s still has %d rows", table, n)
		}
	}
	again.holds(s)
}
