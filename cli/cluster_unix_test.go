//go:build unix

package main

import (
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/codex-archive/codex/scripts/databases"
	"github.com/codex-archive/codex/scripts/soak"
)

// TestSynchronousStandbySoak kills the primary while files are stored and
// restored, and promotes the standby: with retry on no command fails, and what
// was acknowledged is there once.
func TestSynchronousStandbySoak(t *testing.T) {
	t.Parallel()
	for round := range soak.Rounds(t, 1) {
		t.Run(fmt.Sprint(round), func(t *testing.T) {
			primary := databases.NewPostgres(t, databases.Replicable...)
			d := primary.Database(t)
			standby := primary.NewStandby(t)
			url := strings.Replace(d.URL(), primary.Address(), primary.Address()+","+standby.Address(), 1) + "?target_session_attrs=read-write"
			storeThrough(t, url, func() {
				primary.Kill(t)
				standby.Promote(t)
			})
		})
	}
}

// TestGaleraSoak does the same with three nodes of Galera behind a proxy: two are
// killed one after the other, and the first joins again in between.
func TestGaleraSoak(t *testing.T) {
	t.Parallel()
	for round := range soak.Rounds(t, 1) {
		t.Run(fmt.Sprint(round), func(t *testing.T) {
			nodes := databases.NewGalera(t, 3)
			d := nodes[0].Database(t)
			proxy := nodes[0].NewProxy(t)
			url := strings.Replace(d.URL(), nodes[0].Address(), proxy.Address(), 1)
			storeThrough(t, url, func() {
				nodes[0].Kill(t)
				proxy.Redirect(nodes[1].Address())
				nodes[1].AwaitSynced(t, 2)
				nodes[0].Start(t)
				nodes[0].AwaitSynced(t, 3)
				nodes[1].Kill(t)
				proxy.Redirect(nodes[2].Address())
			})
		})
	}
}

// storeThrough stores and restores files on a cluster by several processes at a
// time. When some files are stored, fail makes a server fail and returns when
// another one takes its place. Then everything that was acknowledged must be
// there, once.
func storeThrough(t *testing.T, url string, fail func()) {
	t.Helper()
	const writers, each, before = 4, 8, 6
	p := newProject(t)
	p.env = append(p.env, "CODEX_ARCHIVE_URL="+url, "CODEX_ARCHIVE_RETRY_ENABLED=true", "CODEX_ARCHIVE_RETRY_MAX=10", "CODEX_ARCHIVE_RETRY_INITIAL=0.3")
	p.must("archive", "init")
	p.write("first", []byte("first"))
	first := p.store("first")
	var acknowledged atomic.Int32
	enough := make(chan struct{})
	var all sync.WaitGroup
	for w := range writers {
		all.Go(func() {
			for i := range each {
				name := fmt.Sprintf("f%d-%d", w, i)
				p.write(name, []byte(name))
				if r := p.run("archive", "store", "repo", name, "--reason", "dead"); r.code != 0 {
					t.Errorf("store %s: exit code %d\n%s", name, r.code, r.stderr)
				}
				if acknowledged.Add(1) == before {
					close(enough)
				}
			}
		})
	}
	all.Go(func() {
		for i := range each {
			manifest := fmt.Sprintf("m%d.csv", i)
			p.write(manifest, fmt.Appendf(nil, "tombstone,output\n%s,back/%d\n%s,back/%d-again\n", first, i, first, i))
			if r := p.run("archive", "batch-restore", manifest, "--results", fmt.Sprintf("r%d.json", i)); r.code != 0 {
				t.Errorf("batch-restore: exit code %d\n%s%s", r.code, r.stdout, r.stderr)
			}
		}
	})
	<-enough
	fail()
	all.Wait()
	p.storedOnce(writers*each + 1)
}

// storedOnce checks that the archive has n files, each path once, that all can
// be restored, and that the evidence names them.
func (p *project) storedOnce(n int) {
	p.t.Helper()
	var manifest strings.Builder
	manifest.WriteString("tombstone,output\n")
	paths := map[string]int{}
	for line := range strings.Lines(p.must("archive", "list", "--json", "--limit", "0")) {
		var item struct{ Tombstone, Path string }
		if err := json.Unmarshal([]byte(line), &item); err != nil {
			p.t.Fatal(err)
		}
		paths[item.Path]++
		fmt.Fprintf(&manifest, "%s,all/%s\n", item.Tombstone, item.Path)
	}
	if len(paths) != n {
		p.t.Errorf("%d files are there, %d were stored", len(paths), n)
	}
	p.write("all.csv", []byte(manifest.String()))
	p.must("archive", "batch-restore", "all.csv", "--results", "all.json")
	for path, times := range paths {
		if times != 1 {
			p.t.Errorf("%s is there %d times", path, times)
		}
		if got := string(p.read("all/" + path)); got != path {
			p.t.Errorf("%s was restored as %q", path, got)
		}
	}
	if got := count(p.evidence(), "action=ARCHIVE", "status=success"); got != n {
		p.t.Errorf("%d lines of evidence for %d stores", got, n)
	}
}
