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

// manyRecords returns a project with 1,102 records, which are two pages of a list,
// and a function that loses the connection once when page at is asked for, and
// returns how many pages were.
func manyRecords(t *testing.T) (p *project, lose func(at int64) *atomic.Int64) {
	t.Helper()
	d := databases.Postgres(t)
	proxy, err := cutproxy.Listen(d.Server().Address())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(proxy.Close)
	p = newProject(t)
	p.env = append(p.env, "CODEX_ARCHIVE_URL="+strings.Replace(d.URL(), d.Server().Address(), proxy.Address(), 1)+"?sslmode=disable",
		"CODEX_ARCHIVE_TO_URL=sqlite:///./copy.sqlite")
	p.plantTree(1100)
	p.must("archive", "store", "repo", "tree", "--reason", "dead")
	return p, func(at int64) *atomic.Int64 {
		sent := new(atomic.Int64)
		proxy.Intercept(func() func([]byte) bool {
			return func(data []byte) bool {
				return !bytes.Contains(data, []byte("ORDER BY i.archived_at DESC")) || sent.Add(1) != at
			}
		})
		return sent
	}
}

// retries are the flags that turn them on.
func retries() []string {
	return []string{"--set", "retry.enabled=true", "--set", "retry.initial_delay=0.05"}
}

// TestListsGoOn: a command over many records whose connection is lost while it
// lists them goes on where it was where retries are on, and meets each once.
func TestListsGoOn(t *testing.T) {
	t.Parallel()
	p, lose := manyRecords(t)
	for _, c := range []struct {
		args  []string
		found string // in the result
		times int
	}{
		{[]string{"list", "--limit", "0"}, `"tombstone":`, 1102},
		{[]string{"list", "--limit", "1050"}, `"tombstone":`, 1050},
		{[]string{"stats"}, `"live_records": 1102`, 1},
		{[]string{"batch-restore", "--output-dir", "out", "--dry-run"}, `"write": 1102`, 1},
		{[]string{"verify", "--repo", "repo"}, `"intact": 1102`, 1},
		{[]string{"verify", "--structure"}, `"present": 1102`, 1},
		{[]string{"repair", "--all", "--from", "tree", "--dry-run"}, `"examined": 1102`, 1},
		{[]string{"recrypt", "--all", "--decrypt"}, `"records": 1102`, 1},
		{[]string{"hold", "--repo", "repo", "--case", "1"}, `"status":"held"`, 1102},
		{[]string{"purge", "--repo", "repo", "--dry-run"}, `"verdict":"held"`, 1102},
	} {
		sent := lose(4)
		r := p.run(append(append([]string{"archive"}, c.args...), append(retries(), "--json")...)...)
		if n := strings.Count(r.stdout, c.found); n != c.times || sent.Load() <= 4 {
			t.Errorf("%q: exit code %d, %d pages, %d times %s, want %d\n%s", c.args, r.code, sent.Load(), n, c.found, c.times, r.stderr)
		}
	}
}

// TestCopyRetriesLists: a connection that is lost while the source lists its
// records, to count or to copy them, is made again where retries are on, and every
// record is copied once.
func TestCopyRetriesLists(t *testing.T) {
	t.Parallel()
	p, lose := manyRecords(t)
	for at := int64(1); at <= 4; at++ {
		lose(at)
		if r := p.run("archive", "copy"); r.code == 0 {
			t.Fatalf("page %d was lost, without retries: exit code 0\n%s", at, r.stderr)
		}
		sent := lose(at)
		p.must(append([]string{"archive", "copy"}, retries()...)...)
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
