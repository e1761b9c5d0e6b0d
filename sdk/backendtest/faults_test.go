package backendtest_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"net"
	"path/filepath"
	"testing"
	"time"

	"github.com/codex-archive/codex/sdk"
	"github.com/codex-archive/codex/sdk/backendtest"
	"github.com/codex-archive/codex/sdk/memory"
	"github.com/codex-archive/codex/sdk/plugin"
)

// openFaulty opens an archive in memory with faults, over the wire.
func openFaulty(t *testing.T, faults string) sdk.Backend {
	t.Helper()
	f, err := backendtest.ParseFaults(faults)
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("unix", filepath.Join(t.TempDir(), "s"))
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	served := make(chan error)
	go func() { served <- plugin.ServeListener(ctx, f.Driver(memory.Driver()), l) }()
	t.Cleanup(func() {
		stop()
		if err := <-served; err != nil {
			t.Error(err)
		}
	})
	p, err := plugin.Attach(t.Context(), "unix", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.Close() })
	b, err := p.Open(t.Context(), sdk.Options{URL: "memory://x", Mode: sdk.Create})
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func faultyItem(n int) sdk.Item {
	body := fmt.Appendf(nil, "body %d", n)
	r := sdk.Record{
		Tombstone: sdk.NewID(), Event: sdk.NewID(), Set: sdk.ID{1}, Type: sdk.RegularFile,
		Content: sdk.Content{SHA256: sha256.Sum256(body), Size: int64(len(body)), Codec: sdk.None}.WithBody(body),
		Repo:    "r", Path: "p", Reason: "dead", ContentKind: "code", ArchivedBy: "me", ArchivedAt: time.UnixMicro(int64(n + 1)).UTC(),
	}
	r.Digest = r.ComputeDigest()
	return sdk.Item{Record: r, Body: bytes.NewReader(body)}
}

// insist repeats a call while an error says that this may help.
func insist(t *testing.T, call func() error) {
	t.Helper()
	for range 20 {
		err := call()
		if err == nil {
			return
		}
		if e := sdk.AsError(err); !e.Retry {
			t.Fatal(err)
		}
	}
	t.Fatal("20 attempts have failed")
}

// Whatever fails or is lost, repeats store each record once.
func TestFaultsAndRepeats(t *testing.T) {
	for _, faults := range []string{"fail:2", "lose:2", "cut:2", "fail:3,lose:2,cut:5"} {
		b := openFaulty(t, faults)
		want := map[sdk.Tombstone]bool{}
		for n := range 20 {
			item := faultyItem(n)
			want[item.Record.Tombstone] = true
			insist(t, func() error {
				item.Body.(*bytes.Reader).Seek(0, io.SeekStart)
				_, err := b.Put(t.Context(), one(item))
				return err
			})
		}
		insist(t, func() error {
			listed := map[sdk.Tombstone]bool{}
			for e, err := range b.List(t.Context(), sdk.Query{}) {
				if err != nil {
					return err
				}
				if !want[e.Record.Tombstone] || listed[e.Record.Tombstone] {
					t.Errorf("%s: %v is listed twice, or was never stored", faults, e.Record.Tombstone)
				}
				listed[e.Record.Tombstone] = true
			}
			if len(listed) != len(want) {
				t.Errorf("%s: %d of %d are listed", faults, len(listed), len(want))
			}
			return nil
		})
	}
}

// What a backend makes up is found out.
func TestFaultsAreFound(t *testing.T) {
	b := openFaulty(t, "flip:2,lie:3") // the 2nd call flips, the 3rd lies
	item := faultyItem(0)
	if _, err := b.Put(t.Context(), one(item)); err != nil {
		t.Fatal(err)
	}
	for n, want := range []sdk.Kind{sdk.Corrupt, sdk.Corrupt} {
		for found, err := range b.Get(t.Context(), []sdk.Tombstone{item.Record.Tombstone}) {
			if err != nil || found.Err != nil {
				t.Fatal(err, found.Err)
			}
			_, err := io.Copy(io.Discard, found.Body)
			if err == nil {
				err = found.Record.CheckDigest()
			}
			if sdk.KindOf(err) != want {
				t.Errorf("get %d: %v, want %v", n, err, want)
			}
		}
	}
}

func TestFaultHangs(t *testing.T) {
	b := openFaulty(t, "hang:1")
	ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
	defer cancel()
	if _, err := b.Health(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("%v", err)
	}
}

func TestParseFaults(t *testing.T) {
	for _, bad := range []string{"", "fail", "fail:0", "fail:x", "sink:1", "fail:1,"} {
		if f, err := backendtest.ParseFaults(bad); err == nil {
			t.Errorf("%q is %v", bad, f)
		}
	}
}
