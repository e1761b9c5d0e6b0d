package main

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"modernc.org/sqlite"

	"github.com/codex-archive/codex/scripts/bench/contest"
	"github.com/codex-archive/codex/sdk"
	"github.com/codex-archive/codex/sdk/sqlbackend"
)

// Whatever happens to stored bytes behind our back, Get ends in Corrupt.
func TestDamagedRows(t *testing.T) {
	const chunkOf = " WHERE upload = (SELECT max(id) FROM codex_upload)"
	for _, c := range []struct {
		size      int
		statement string
	}{
		{1000, "DELETE FROM codex_body"},
		{1000, "UPDATE codex_body SET data = x''"},
		{1000, "UPDATE codex_body SET data = CAST(substr(data, 2) AS BLOB)"},
		{1000, "UPDATE codex_body SET data = CAST(data || x'00' AS BLOB)"},
		{1000, "UPDATE codex_artifact SET crc32c = crc32c + 1"},
		{1000, "UPDATE codex_artifact SET stored_size = stored_size + 1"},
		{0, "DELETE FROM codex_body"},
		{3 * sdk.ChunkSize, "DELETE FROM codex_artifact_chunk" + chunkOf},
		{3 * sdk.ChunkSize, "DELETE FROM codex_artifact_chunk" + chunkOf + " AND seq = 0"},
		{3 * sdk.ChunkSize, "DELETE FROM codex_artifact_chunk" + chunkOf + " AND seq = 1"},
		{3 * sdk.ChunkSize, "DELETE FROM codex_artifact_chunk" + chunkOf + " AND seq = 2"},
		{3 * sdk.ChunkSize, "INSERT INTO codex_artifact_chunk (upload, seq, data) SELECT max(id), 3, x'00' FROM codex_upload"},
		{3 * sdk.ChunkSize, "UPDATE codex_artifact_chunk SET seq = seq + 10" + chunkOf},
		{3 * sdk.ChunkSize, "UPDATE codex_artifact_chunk SET seq = -1 - seq" + chunkOf},
		{3 * sdk.ChunkSize, "UPDATE codex_upload SET artifact = NULL, touched = 1"},
	} {
		a, s := newArchive(t), newSample(c.size)
		a.put(s)
		db := a.raw()
		execute(t, db, "PRAGMA foreign_keys = OFF")
		execute(t, db, c.statement)
		_, err := a.body(s.Tombstone)
		if sdk.KindOf(err) != sdk.Corrupt {
			t.Errorf("%s: %v", c.statement, err)
			continue
		}
		if e := wantKind(t, err, sdk.Corrupt); len(e.Tombstones) != 1 || e.Tombstones[0] != s.Tombstone {
			t.Errorf("%s: %+v", c.statement, e)
		}
	}
}

func TestDamagedRecord(t *testing.T) {
	for _, statement := range []string{
		"UPDATE codex_origin SET metadata = 'no JSON'",
		"UPDATE codex_origin SET tags = '{}'",
		"UPDATE codex_item SET event = x'00'",
		"UPDATE codex_artifact SET sha256 = x'00'",
	} {
		a, s := newArchive(t), newSample(10)
		a.put(s)
		execute(t, a.raw(), statement)
		_, err := a.body(s.Tombstone)
		wantKind(t, err, sdk.Corrupt)
	}
}

// A body that is purged or replaced while it is read is not called corrupt.
func TestChangedWhileRead(t *testing.T) {
	for _, c := range []struct {
		change func(*testArchive, sample)
		want   sdk.Kind
	}{
		{func(a *testArchive, s sample) {
			request := restored(s.Tombstone)
			request.Action = sdk.ActionPruneRequest
			if err := a.Append(t.Context(), []sdk.Event{request}); err != nil {
				t.Fatal(err)
			}
			verdicts, err := a.Purge(t.Context(), sdk.Purge{
				Items: []sdk.PurgeItem{{Tombstone: s.Tombstone, Event: newSample(0).Event}}, Actor: "another", At: sdk.Time(time.Now()),
			})
			if err != nil || verdicts[0].Outcome != sdk.OutcomePurged || verdicts[0].Freed != int64(len(s.body)) {
				t.Fatalf("purge: %+v, %v", verdicts, err)
			}
		}, sdk.Purged},
		{func(a *testArchive, s sample) {
			execute(t, a.raw(), "UPDATE codex_artifact_chunk SET data = zeroblob(length(data)) WHERE seq = 70")
			stored, err := a.Put(t.Context(), items(s))
			if err != nil || !stored[0].Repaired {
				t.Fatalf("put: %+v, %v", stored, err)
			}
		}, sdk.Busy},
	} {
		a, s := newArchive(t), newSample(20<<20)
		a.put(s)
		for found, err := range a.Get(t.Context(), []sdk.Tombstone{s.Tombstone}) {
			if err != nil || found.Err != nil {
				t.Fatal(err, found.Err)
			}
			if _, err := io.CopyN(io.Discard, found.Body, 1<<20); err != nil {
				t.Fatal(err)
			}
			c.change(a, s)
			_, err := io.Copy(io.Discard, found.Body)
			wantKind(t, err, c.want)
		}
		db := a.raw()
		if c.want == sdk.Purged && count(t, db, "codex_artifact_chunk")+count(t, db, "codex_upload") != 0 {
			t.Error("chunks are left after the purge")
		}
	}
}

// Whatever ends a Put, what it staged is gone.
func TestNothingStagedIsLeft(t *testing.T) {
	a := newArchive(t)
	db := a.raw()
	s := newSample(20 << 20)
	clean := func(what string) {
		t.Helper()
		if n := count(t, db, "codex_upload") + count(t, db, "codex_artifact_chunk") + count(t, db, "codex_item"); n != 0 {
			t.Errorf("%s: %d rows are left", what, n)
		}
	}

	_, err := a.Put(t.Context(), func(yield func(sdk.Item, error) bool) {
		_ = yield(s.item(), nil) && yield(sdk.Item{}, errors.New("the host stops"))
	})
	if err == nil {
		t.Error("put succeeded")
	}
	clean("error in the sequence")

	ctx, cancel := context.WithCancel(t.Context())
	item := s.item()
	item.Body = io.MultiReader(bytes.NewReader(s.body[:12<<20]), canceler(cancel), bytes.NewReader(s.body[12<<20:]))
	_, err = a.Put(ctx, func(yield func(sdk.Item, error) bool) { yield(item, nil) })
	wantKind(t, err, sdk.Canceled)
	clean("cancel")

	lie := s
	lie.Content.CRC32C++
	_, err = a.Put(t.Context(), items(newSample(10), lie))
	wantKind(t, err, sdk.Corrupt)
	clean("wrong checksum")

	absent := newSample(10)
	_, err = a.Put(t.Context(), func(yield func(sdk.Item, error) bool) {
		_ = yield(s.item(), nil) && yield(sdk.Item{Record: absent.item().Record}, nil)
	})
	wantKind(t, err, sdk.ContentAbsent)
	clean("content absent")

	a.put(s)
	a.holds(s)
}

// canceler calls a function when it is read.
type canceler func()

func (c canceler) Read([]byte) (int, error) {
	c()
	return 0, io.EOF
}

// A body whose staged rows were taken away for dead is not stored.
func TestSweptWhileStaging(t *testing.T) {
	a := newArchive(t)
	db := a.raw()
	s := newSample(20 << 20)
	item := s.item()
	item.Body = io.MultiReader(item.Body, canceler(func() {
		execute(t, db, "UPDATE codex_upload SET touched = 0")
	}))
	_, err := a.Put(t.Context(), func(yield func(sdk.Item, error) bool) { yield(item, nil) })
	if e := wantKind(t, err, sdk.Busy); !e.Retry {
		t.Errorf("%+v", e)
	}
	a.put(s)
	a.holds(s)
}

// A large body for content that is present is not staged, only checked.
func TestPresentIsNotStagedAgain(t *testing.T) {
	f := &fault{}
	a := openArchive(t, t.TempDir()+"/a.db", faultyDialect(f), sdk.Create)
	s := newSample(20 << 20)
	a.put(s)
	f.set(on("INSERT INTO codex_artifact_chunk", errors.New("staged again")), nil)
	again := s
	again.Tombstone, again.Event = newSample(0).Tombstone, newSample(0).Event
	a.put(again)
	a.holds(again)
}

// A group larger than memory should hold is stored as well: each body is below
// StagedBody, all together are not.
func TestManyMediumBodies(t *testing.T) {
	a := newArchive(t)
	var s []sample
	for i := range 40 {
		s = append(s, newSample(600_000+i), newSample(100))
	}
	a.put(s...)
	a.holds(s...)
	if n := count(t, a.raw(), "codex_upload WHERE touched IS NOT NULL"); n != 0 {
		t.Errorf("%d uploads are not adopted", n)
	}
}

// Pages of List are cut by size too, and nothing is lost at the cuts.
func TestListOfLargeRecords(t *testing.T) {
	a := newArchive(t)
	var s []sample
	for i := range 100 {
		one := newSample(1)
		one.Note = strings.Repeat(string(rune('a'+i%26)), sdk.MaxText)
		one.ArchivedAt = time.UnixMicro(int64(1_000_000 + i/10)).UTC()
		s = append(s, one)
	}
	a.put(s...)
	for _, limit := range []int{0, 1, 33, 100} {
		seen := map[sdk.Tombstone]bool{}
		for e, err := range a.List(t.Context(), sdk.Query{Limit: limit}) {
			if err != nil {
				t.Fatal(err)
			}
			if seen[e.Record.Tombstone] || len(e.Record.Note) != sdk.MaxText {
				t.Errorf("limit %d: %v comes twice or short", limit, e.Record.Tombstone)
			}
			seen[e.Record.Tombstone] = true
		}
		if want := min(limit, len(s)); len(seen) != want && limit != 0 || limit == 0 && len(seen) != len(s) {
			t.Errorf("limit %d: %d entries", limit, len(seen))
		}
	}
}

// The database's own client reads an archive without us.
func TestStockClient(t *testing.T) {
	client, err := exec.LookPath("sqlite3")
	if err != nil {
		t.Skip("needs the sqlite3 program")
	}
	a, small, large := newArchive(t), newSample(1000), newSample(3*sdk.ChunkSize+5)
	a.put(small, large)
	if err := a.Close(); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		s     sample
		query string
	}{
		{small, `SELECT hex(b.data) FROM codex_item i JOIN codex_body b ON b.artifact = i.artifact WHERE i.tombstone = x'%'`},
		{large, `SELECT hex(c.data) FROM codex_item i JOIN codex_upload u ON u.artifact = i.artifact
			JOIN codex_artifact_chunk c ON c.upload = u.id WHERE i.tombstone = x'%' ORDER BY c.seq`},
	} {
		id := strings.ReplaceAll(c.s.Tombstone.String(), "-", "")
		out, err := exec.CommandContext(t.Context(), client, "-readonly", a.path, strings.Replace(c.query, "%", id, 1)).Output()
		if err != nil {
			t.Fatal(err)
		}
		got := strings.Join(strings.Fields(string(out)), "")
		if want := hexUpper(c.s.body); got != want {
			t.Errorf("the client reads %d digits, want %d", len(got), len(want))
		}
	}
	out, err := exec.CommandContext(t.Context(), client, "-readonly", a.path, "PRAGMA integrity_check; PRAGMA foreign_key_check; PRAGMA page_size; PRAGMA journal_mode").Output()
	if err != nil || string(out) != "ok\n4096\nwal\n" {
		t.Errorf("checks: %q, %v", out, err)
	}
}

func hexUpper(data []byte) string {
	const digits = "0123456789ABCDEF"
	var b strings.Builder
	for _, c := range data {
		b.WriteByte(digits[c>>4])
		b.WriteByte(digits[c&15])
	}
	return b.String()
}

// limited is the dialect with one more pragma on the writing connection.
func limited(pragma string) *sqlbackend.Dialect {
	d := dialect()
	d.Connect = func(ctx context.Context, o sdk.Options) (sqlbackend.Connection, error) {
		conn, err := connect(ctx, o)
		if err != nil {
			return conn, err
		}
		conn.Write, err = sqlite.NewConnector(writeDSN(conn.Place) + "&_pragma=" + pragma)
		return conn, err
	}
	return d
}

// Errors of a real database get the right kind.
func TestRealErrors(t *testing.T) {
	t.Run("full", func(t *testing.T) {
		a := openArchive(t, t.TempDir()+"/a.db", limited("max_page_count(60)"), sdk.Create)
		small := newSample(10)
		a.put(small)
		for _, n := range []int{700_000, 20 << 20} {
			_, err := a.Put(t.Context(), items(newSample(n)))
			if e := wantKind(t, err, sdk.Full); e.Retry || e.Effect != sdk.EffectNone || e.Native != "13" {
				t.Errorf("%d bytes: %+v", n, e)
			}
		}
		a.holds(small)
		a.put(newSample(10))
	})
	t.Run("busy", func(t *testing.T) {
		a := openArchive(t, t.TempDir()+"/a.db", limited("busy_timeout(20)"), sdk.Create)
		tx, err := a.raw().BeginTx(t.Context(), nil)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := tx.Exec("DELETE FROM codex_hold"); err != nil {
			t.Fatal(err)
		}
		s := newSample(10)
		_, err = a.Put(t.Context(), items(s))
		if e := wantKind(t, err, sdk.Busy); !e.Retry || e.Effect != sdk.EffectNone || e.Native != "5" {
			t.Errorf("%+v", e)
		}
		if err := tx.Rollback(); err != nil {
			t.Fatal(err)
		}
		a.put(s)
	})
	t.Run("cancelled while it waits for the lock", func(t *testing.T) {
		a := newArchive(t)
		tx, err := a.raw().BeginTx(t.Context(), nil)
		if err != nil {
			t.Fatal(err)
		}
		defer tx.Rollback()
		if _, err := tx.Exec("DELETE FROM codex_hold"); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		defer cancel()
		_, err = a.Put(ctx, items(newSample(10)))
		if e := wantKind(t, err, sdk.Timeout); !e.Retry || !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%+v", e)
		}
	})
	t.Run("corrupt file", func(t *testing.T) {
		a := newArchive(t)
		a.put(newSample(10))
		a.Close()
		scribble(t, a.path)
		_, err := open(t.Context(), options(a.path, sdk.ReadWrite))
		if e := wantKind(t, err, sdk.Corrupt); e.Retry || e.Native == "" {
			t.Errorf("%+v", e)
		}
	})
	t.Run("file gone", func(t *testing.T) {
		a := newArchive(t)
		execute(t, a.raw(), "DROP TABLE codex_body")
		_, err := a.Put(t.Context(), items(newSample(10)))
		wantKind(t, err, sdk.PermissionDenied) // the tables are not those of an archive
	})
}

// A tag that many records carry is looked up in another way than a rare one.
func TestCommonTag(t *testing.T) {
	a := newArchive(t)
	all := contest.Small(3000)
	want := 0
	for i := range all {
		if r := &all[i].Record; i%5 != 0 {
			r.Tags = []string{"common"}
			want++
		} else if i%500 == 0 {
			r.Tags = []string{"rare"}
		}
	}
	if err := contest.Put(t.Context(), a, all); err != nil {
		t.Fatal(err)
	}
	for tag, want := range map[string]int{"common": want, "rare": 6, "none": 0} {
		seen := map[sdk.Tombstone]bool{}
		for e, err := range a.List(t.Context(), sdk.Query{Tag: tag}) {
			if err != nil {
				t.Fatal(err)
			}
			if seen[e.Record.Tombstone] || !slices.Equal(e.Record.Tags, []string{tag}) {
				t.Errorf("tag %s: %v comes twice or wrongly", tag, e.Record.Tombstone)
			}
			seen[e.Record.Tombstone] = true
		}
		if len(seen) != want {
			t.Errorf("tag %s: %d records, want %d", tag, len(seen), want)
		}
	}
}

// A body that is kept beyond its turn yields an error, not the bytes of others.
func TestBodyAfterItsTurn(t *testing.T) {
	a := newArchive(t)
	s := []sample{newSample(1000), newSample(3 * sdk.ChunkSize), newSample(1000)}
	a.put(s...)
	var kept []io.Reader
	for found, err := range a.Get(t.Context(), []sdk.Tombstone{s[0].Tombstone, s[1].Tombstone, s[2].Tombstone}) {
		if err != nil || found.Err != nil {
			t.Fatal(err, found.Err)
		}
		if _, err := io.ReadFull(found.Body, make([]byte, 10)); err != nil {
			t.Fatal(err)
		}
		kept = append(kept, found.Body)
	}
	for i, body := range kept {
		n, err := body.Read(make([]byte, 10))
		if n != 0 || sdk.KindOf(err) != sdk.Invalid {
			t.Errorf("body %d: %d bytes, %v", i, n, err)
		}
	}
}
