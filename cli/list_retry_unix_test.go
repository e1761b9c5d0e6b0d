//go:build unix

package main

import (
	"bytes"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/codex-archive/codex/scripts/databases"
	"github.com/codex-archive/codex/sdk"
	"github.com/codex-archive/codex/sdk/backendtest/cutproxy"
)

// TestCopyRetriesLists: a connection that is lost while the source lists its
// records, to count or to copy them, is made again where retries are on, and every
// record is copied once.
func TestCopyRetriesLists(t *testing.T) {
	t.Parallel()
	d := databases.Postgres(t)
	proxy, err := cutproxy.Listen(d.Server().Address())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(proxy.Close)
	p := newProject(t)
	p.env = append(p.env, "CODEX_ARCHIVE_URL="+strings.Replace(d.URL(), d.Server().Address(), proxy.Address(), 1)+"?sslmode=disable",
		"CODEX_ARCHIVE_TO_URL=sqlite:///./copy.sqlite")
	p.plantTree(1100) // two pages of a list
	p.must("archive", "store", "repo", "tree", "--reason", "dead")
	for at := int64(1); at <= 4; at++ {
		var sent atomic.Int64
		proxy.Intercept(func() func([]byte) bool {
			return func(data []byte) bool {
				return !bytes.Contains(data, []byte("ORDER BY i.archived_at DESC")) || sent.Add(1) != at
			}
		})
		if r := p.run("archive", "copy"); r.code == 0 {
			t.Fatalf("page %d was lost, without retries: exit code 0\n%s", at, r.stderr)
		}
		sent.Store(0)
		p.must("archive", "copy", "--set", "retry.enabled=true", "--set", "retry.initial_delay=0.05")
		if sent.Load() <= at {
			t.Fatalf("%d pages were asked for, and page %d was to be lost", sent.Load(), at)
		}
	}
	n := 0
	for e, err := range p.open("sqlite:///./copy.sqlite").List(t.Context(), sdk.Query{WithEvents: true}) {
		if err != nil || e.Err != nil || len(e.Events) != 1 {
			t.Fatal(e, err)
		}
		n++
	}
	if want := len(p.listed()); n != want {
		t.Errorf("%d records were copied, want %d", n, want)
	}
}
