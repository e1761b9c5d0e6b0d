//go:build unix

package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io"
	"iter"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/codex-archive/codex/cli/internal/output"
	"github.com/codex-archive/codex/cli/internal/pluginhost"
	"github.com/codex-archive/codex/scripts/databases"
	"github.com/codex-archive/codex/scripts/soak"
	"github.com/codex-archive/codex/sdk"
)

// open opens an archive through its program.
func (p *project) open(url string) sdk.Backend {
	p.t.Helper()
	kind, _, _ := strings.Cut(url, "://")
	if kind == "mysql" {
		kind = "mariadb"
	}
	program, err := pluginhost.Search{Executable: filepath.Join(programs, "codex")}.Find(p.t.Context(), kind)
	if err != nil {
		p.t.Fatal(err)
	}
	c, err := pluginhost.Connect(p.t.Context(), pluginhost.Start{Program: program, Env: p.env}, sdk.Options{URL: url, Dir: p.dir, Mode: sdk.ReadWrite, Parallel: 2})
	if err != nil {
		p.t.Fatal(err)
	}
	p.t.Cleanup(func() { _ = c.Close(p.t.Context()) })
	b, err := c.Backend(p.t.Context())
	if err != nil {
		p.t.Fatal(err)
	}
	return b
}

const firstURL = "sqlite:///./.codex/archive.sqlite"

// plantArchive makes an archive of n files and more, with all that can become of
// records: restores, holds that are active and released, retentions, purges; with
// paths that are not UTF-8, a link, empty and large files, and records from long
// ago.
func (p *project) plantArchive(n int) {
	p.t.Helper()
	p.plantTree(n)
	for name, content := range map[string]string{"tree/empty": "", "tree/b\xffd\n": "odd name", "tree/medium": strings.Repeat("medium ", 60000)} {
		p.write(name, []byte(content))
	}
	p.must("archive", "store", "repo", "tree", "--reason", "dead", "--retain-days", "1", "--note", "n\nö", "--tag", "t", "--metadata", "k=v")
	b := p.open(firstURL)
	p.plantOld(b)
	var records []sdk.Record
	for e, err := range b.List(p.t.Context(), sdk.Query{}) {
		if err != nil {
			p.t.Fatal(err)
		}
		records = append(records, e.Record)
	}
	at := sdk.Time(time.Now())
	var events []sdk.Event
	var purge sdk.Purge
	for i, r := range records {
		event := func(a sdk.Action) *sdk.Event {
			at = at.Add(time.Microsecond)
			events = append(events, sdk.Event{ID: sdk.NewID(), Tombstone: r.Tombstone, Action: a, Actor: "päul", At: at, Host: "other"})
			return &events[len(events)-1]
		}
		switch i % 7 {
		case 1:
			event(sdk.ActionRestore).Detail = map[string]string{"output": "out\n"}
		case 2:
			event(sdk.ActionHold).Case = "case 1"
			event(sdk.ActionHold).Case = "case 2"
			event(sdk.ActionRelease).Case = "case 1"
			event(sdk.ActionHold).Case = "case 1"
		case 3:
			event(sdk.ActionRetain).RetainUntil = r.ArchivedAt.AddDate(7, 0, 0)
		case 4:
			event(sdk.ActionPruneRequest)
			if r.RetainUntil.IsZero() {
				purge.Items = append(purge.Items, sdk.PurgeItem{Tombstone: r.Tombstone, Event: sdk.NewID()})
			}
		}
	}
	for len(events) > 0 {
		some := events[:min(len(events), sdk.MaxItems)]
		if err := b.Append(p.t.Context(), some); err != nil {
			p.t.Fatal(err)
		}
		events = events[len(some):]
	}
	purge.Actor, purge.At, purge.Host = "purger", sdk.Time(time.Now()), "host"
	verdicts, err := b.Purge(p.t.Context(), purge)
	if err != nil || len(verdicts) < 5 {
		p.t.Fatal(len(verdicts), err)
	}
	for _, v := range verdicts {
		if v.Outcome != sdk.OutcomePurged {
			p.t.Fatal(v)
		}
	}
}

// plantOld stores records of other days, without retention.
func (p *project) plantOld(b sdk.Backend) {
	p.t.Helper()
	_, err := b.Put(p.t.Context(), func(yield func(sdk.Item, error) bool) {
		for i := range 70 {
			content := fmt.Appendf(nil, "old %d", i/2)
			r := sdk.Record{
				Tombstone: sdk.NewID(), Event: sdk.NewID(), Set: sdk.ID{9}, Repo: "öld", Path: fmt.Sprintf("old/%d", i), Reason: "legacy", ContentKind: "doc",
				ArchivedBy: "Ärchivist", ArchivedAt: time.Date(1, 1, 1, 0, 0, i, 1000, time.UTC), ModTime: time.Date(9999, 12, 31, 23, 59, 59, 999999000, time.UTC),
				Type: sdk.RegularFile, Host: "host", Mode: 0o640,
				Content: sdk.Content{SHA256: sha256.Sum256(content), Size: int64(len(content)), Codec: sdk.None}.WithBody(content),
			}
			r.Digest = r.ComputeDigest()
			if !yield(sdk.Item{Record: r, Body: bytes.NewReader(content)}, nil) {
				return
			}
		}
	})
	if err != nil {
		p.t.Fatal(err)
	}
}

// whole is all that an archive says of its records.
func (p *project) whole(url string) []sdk.Entry {
	p.t.Helper()
	var all []sdk.Entry
	for e, err := range p.open(url).List(p.t.Context(), sdk.Query{WithEvents: true, WithHolds: true}) {
		if err != nil || e.Err != nil {
			p.t.Fatal(err, e.Err)
		}
		all = append(all, e)
	}
	return all
}

// isCopy checks that the archive at url is the same as the first in listing, in
// records, holds, history and stored bytes.
func (p *project) isCopy(url string) {
	p.t.Helper()
	first, second := p.whole(firstURL), p.whole(url)
	if len(first) != len(second) {
		p.t.Fatalf("%s has %d records of %d", sdk.RedactURL(url), len(second), len(first))
	}
	for i := range first {
		if !reflect.DeepEqual(first[i], second[i]) {
			p.t.Fatalf("%s has\n%+v\ninstead of\n%+v", sdk.RedactURL(url), second[i], first[i])
		}
	}
	from, to := p.list(firstURL), p.list(url)
	if from != to {
		p.t.Errorf("list --json differs:\n%s\n%s", from, to)
	}
	p.sameContent(url, first)
}

// list prints all records as JSON.
func (p *project) list(url string) string {
	p.t.Helper()
	p.env = append(p.env, "CODEX_ARCHIVE_URL="+url)
	defer func() { p.env = p.env[:len(p.env)-1] }()
	return p.must("archive", "list", "--json", "--limit", "0")
}

// show prints a record as JSON, without what is said of the archive itself.
func (p *project) show(url, id string) map[string]any {
	p.t.Helper()
	p.env = append(p.env, "CODEX_ARCHIVE_URL="+url)
	defer func() { p.env = p.env[:len(p.env)-1] }()
	var document map[string]any
	if err := json.Unmarshal([]byte(p.must("archive", "show", id, "--json")), &document); err != nil {
		p.t.Fatal(err)
	}
	return document
}

// sameContent compares stored bodies, and what show prints of some records.
func (p *project) sameContent(url string, records []sdk.Entry) {
	p.t.Helper()
	first, second := p.open(firstURL), p.open(url)
	for i := range records {
		r := &records[i].Record
		if i < 14 {
			if a, b := p.show(firstURL, r.Tombstone.String()), p.show(url, r.Tombstone.String()); !reflect.DeepEqual(a, b) {
				p.t.Errorf("show --json: %v\n%v", b, a)
			}
		}
	}
	for some := range chunks(records, 500) {
		ids := make([]sdk.Tombstone, len(some))
		for i := range some {
			ids[i] = some[i].Record.Tombstone
		}
		next, stop := iter.Pull2(second.Get(p.t.Context(), ids))
		for found, err := range first.Get(p.t.Context(), ids) {
			other, otherErr, _ := next()
			if err != nil || otherErr != nil || sdk.KindOf(found.Err) != sdk.KindOf(other.Err) {
				p.t.Fatal(err, otherErr, found.Err, other.Err)
			}
			if found.Err == nil && sum(p.t, found.Body) != sum(p.t, other.Body) {
				p.t.Errorf("%v has another body", found.Record.Tombstone)
			}
		}
		stop()
	}
}

func chunks[T any](all []T, n int) iter.Seq[[]T] {
	return func(yield func([]T) bool) {
		for len(all) > 0 && yield(all[:min(n, len(all))]) {
			all = all[min(n, len(all)):]
		}
	}
}

func sum(t testing.TB, r io.Reader) [sha256.Size]byte {
	h := sha256.New()
	if _, err := io.Copy(h, r); err != nil {
		t.Fatal(err)
	}
	return [sha256.Size]byte(h.Sum(nil))
}

// copyTo copies from the archive at one URL to that at another.
func (p *project) copyTo(from, to string, flags ...string) result {
	p.t.Helper()
	p.env = append(p.env, "CODEX_ARCHIVE_URL="+from, "CODEX_ARCHIVE_TO_URL="+to)
	defer func() { p.env = p.env[:len(p.env)-2] }()
	return p.run(append([]string{"archive", "copy", "--json"}, flags...)...)
}

// TestCopyThroughAllSoak moves an archive from SQLite to PostgreSQL, to MariaDB
// and back to SQLite: nothing of it changes. Under make soak it has 10,000 records.
func TestCopyThroughAllSoak(t *testing.T) {
	t.Parallel()
	n := 300
	if os.Getenv(soak.Variable) != "" {
		n = 9900
	}
	p := newProject(t)
	p.plantArchive(n)
	postgres, mariadb := databases.NewPostgres(t).Database(t), databases.NewMariaDB(t).Database(t)
	urls := []string{firstURL, postgres.URL(), mariadb.URL(), "sqlite:///./last.sqlite"}
	for i, to := range urls[1:] {
		from := urls[i]
		if r := p.copyTo(from, to); r.code != 0 {
			t.Fatalf("copy to %s: exit code %d\n%s\n%s", sdk.RedactURL(to), r.code, r.stdout, r.stderr)
		}
		p.isCopy(to)
		again := p.copyTo(from, to, "--resume")
		if again.code != 0 || !strings.Contains(again.stdout, `"copied": 0,`) || !strings.Contains(again.stdout, `"updated": 0,`) {
			t.Errorf("again: exit code %d\n%s%s", again.code, again.stdout, again.stderr)
		}
	}
	p.secretFree(t, secretOf(postgres))
	p.secretFree(t, secretOf(mariadb))
	if records := p.evidence(); count(records, "action=COPY", "scope=run", "status=success") != 6 {
		t.Errorf("evidence: %v", records[len(records)-1])
	}
}

// TestCopyKilledSoak kills copies at many moments: what the destination has is
// whole records, the evidence says what was begun, and a rerun completes.
func TestCopyKilledSoak(t *testing.T) {
	t.Parallel()
	needsProc(t)
	p := newProject(t)
	p.plantArchive(60)
	for name, url := range map[string]func(*testing.T, int) string{
		"sqlite":   func(_ *testing.T, round int) string { return fmt.Sprintf("sqlite:///./copy%d.sqlite", round) },
		"postgres": func(t *testing.T, _ int) string { return databases.Postgres(t).URL() },
		"mariadb":  func(t *testing.T, _ int) string { return databases.MariaDB(t).URL() },
	} {
		t.Run(name, func(t *testing.T) {
			inside, rounds := 0, 0
			for round := range soak.Rounds(t, 2) {
				t.Run(fmt.Sprint(round), func(t *testing.T) { // what it opens is closed at its end
					one := *p
					one.t = t
					if one.killCopy(url(t, round), round) {
						inside++
					}
				})
				rounds++
			}
			t.Logf("%d of %d kills came when some groups were copied and some were not", inside, rounds)
		})
	}
}

// killCopy kills one copy and runs it again. It reports whether the copy was at
// work.
func (p *project) killCopy(url string, round int) (inside bool) {
	p.t.Helper()
	total := len(p.whole(firstURL))
	p.env = append(slices.Clone(p.env), "CODEX_ARCHIVE_TO_URL="+url)
	earlier := len(p.evidence())
	run := p.start("archive", "copy")
	run.killSomewhere(round, 120000)
	before := p.evidence()
	p.must("archive", "copy")
	p.env = p.env[:len(p.env)-1]
	p.isCopy(url)
	after := p.evidence()
	begun, ended := count(before[earlier:], "action=COPY", "scope=group", "status=started"), count(before[earlier:], "action=COPY", "scope=group", "status=success")
	if ended > begun || count(after[len(before):], "action=COPY", "scope=run", "status=success") != 1 {
		p.t.Fatalf("%d groups began and %d ended; then %v", begun, ended, after[len(before):])
	}
	last := after[len(after)-1]
	if int(last["copied"].(float64))+int(last["present"].(float64)) != total {
		p.t.Fatalf("the rerun says %v of %d records", last, total)
	}
	for _, name := range []string{"", "-wal", "-shm"} {
		_ = os.Remove(filepath.Join(p.dir, fmt.Sprintf("copy%d.sqlite%s", round, name)))
	}
	return begun > 0 && last["copied"].(float64) > 0
}

// TestCopyInterrupted: Ctrl-C ends with 130, says how to go on, and a rerun
// completes. A copy that ended before the signal came is made again.
func TestCopyInterrupted(t *testing.T) {
	t.Parallel()
	needsProc(t)
	p := newProject(t)
	p.big("big", 64<<20)
	p.store("big")
	for round := range 20 {
		url := fmt.Sprintf("sqlite:///./copy%d.sqlite", round)
		p.env = append(p.env, "CODEX_ARCHIVE_TO_URL="+url)
		run := p.start("archive", "copy")
		run.awaitWritten(4 << 20)
		_ = run.Process.Signal(os.Interrupt) // an error: it has ended
		r := run.wait()
		if r.code == 0 {
			continue
		}
		if r.code != output.ExitInterrupted || !strings.Contains(r.stderr, "run it again") {
			t.Fatalf("exit code %d\n%s", r.code, r.stderr)
		}
		p.must("archive", "copy", "--resume")
		p.isCopy(url)
		return
	}
	t.Error("no copy was interrupted")
}
