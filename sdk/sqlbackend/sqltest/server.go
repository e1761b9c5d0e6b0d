package sqltest

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/codex-archive/codex/scripts/bench/contest"
	"github.com/codex-archive/codex/scripts/databases"
	"github.com/codex-archive/codex/sdk"
)

// serverComesAndGoes keeps one handle through a restart, a stop and a crash.
func (s *Suite) serverComesAndGoes(t *testing.T) {
	server := s.NewServer(t)
	url := server.Database(t).URL()
	archive := s.Open(t, url, sdk.Create)
	items := contest.Small(4)
	MustPut(t, archive, items[:1])

	server.Stop(t)
	_, err := put(archive, items[1:2])
	Failed(t, err, sdk.Unavailable, true, sdk.EffectNone)
	_, err = put(archive, items[1:2])
	Failed(t, err, sdk.Unavailable, true, sdk.EffectNone)
	_, err = s.Driver.Open(t.Context(), sdk.Options{URL: url, Mode: sdk.ReadOnly})
	Failed(t, err, sdk.Unavailable, true, sdk.EffectNone)

	server.Start(t)
	MustPut(t, archive, items[1:2])
	server.Kill(t)
	server.Start(t)
	// A connection that was used a moment ago is not pinged first.
	if _, err := put(archive, items[2:3]); err != nil {
		Failed(t, err, sdk.Unavailable, true, sdk.EffectNone)
	}
	MustPut(t, archive, items[2:])
}

// commitIsCut loses the connection at COMMIT: what became of it is unknown then,
// and the same call again settles it.
func (s *Suite) commitIsCut(t *testing.T) {
	d := s.Database(t)
	s.Open(t, d.URL(), sdk.Create)
	for _, lost := range []bool{false, true} {
		t.Run(fmt.Sprintf("lost=%v", lost), func(t *testing.T) {
			proxy := d.Server().NewProxy(t)
			archive := s.Open(t, strings.Replace(d.URL(), d.Server().Address(), proxy.Address(), 1)+"?"+s.PlainText, sdk.ReadWrite)
			items := contest.Small(3)
			for i := range items {
				items[i].Record.Tombstone[0], items[i].Record.Event[0] = 1, 1
				if lost {
					items[i].Record.Tombstone[0], items[i].Record.Event[0] = 2, 2
				}
			}
			proxy.Cut(s.Commit, lost)
			_, err := put(archive, items)
			Failed(t, err, sdk.Unavailable, true, sdk.EffectMaybe)
			stored, err := put(archive, items)
			if err != nil {
				t.Fatal(err)
			}
			for _, r := range stored {
				if r.Repeated == lost {
					t.Errorf("%v: repeated %v, want %v", r.Tombstone, r.Repeated, !lost)
				}
			}
			// Whatever is not a COMMIT had no effect.
			event := sdk.Event{ID: sdk.ID{9, items[0].Record.Event[0]}, Tombstone: items[0].Record.Tombstone, Action: sdk.ActionRestore,
				Actor: "test", At: items[0].Record.ArchivedAt}
			proxy.Cut("INSERT INTO codex_event", lost)
			err = archive.Append(t.Context(), []sdk.Event{event})
			Failed(t, err, sdk.Unavailable, true, sdk.EffectNone)
			if err := archive.Append(t.Context(), []sdk.Event{event}); err != nil {
				t.Error(err)
			}
		})
	}
	Retrievable(t, s.Open(t, d.URL(), sdk.ReadOnly), 6)
}

// manyMakeOneArchive opens an empty database from many sides at once.
func (s *Suite) manyMakeOneArchive(t *testing.T) {
	url := s.Database(t).URL()
	var mu sync.Mutex
	found := map[sdk.ID]bool{}
	var wait sync.WaitGroup
	for range 10 {
		wait.Go(func() {
			archive, err := s.Driver.Open(t.Context(), sdk.Options{URL: url, Mode: sdk.Create})
			if err != nil {
				t.Error(err)
				return
			}
			defer func() { _ = archive.Close() }() // it was only read
			h, err := archive.Health(t.Context())
			if err != nil {
				t.Error(err)
			}
			mu.Lock()
			defer mu.Unlock()
			found[h.Archive] = true
		})
	}
	wait.Wait()
	if len(found) != 1 {
		t.Errorf("%d identities, want one", len(found))
	}
}

// leastRights uses users with no more rights than they need: once the schema is
// made, users need not change it, and a reader only reads.
func (s *Suite) leastRights(t *testing.T) {
	d := s.Database(t)
	items := contest.Small(3)
	_, err := s.Driver.Open(t.Context(), sdk.Options{URL: s.user(t, d, "early", "SELECT"), Mode: sdk.Create})
	Failed(t, err, sdk.PermissionDenied, false, sdk.EffectNone)
	MustPut(t, s.Open(t, d.URL(), sdk.Create), items[:1])

	writer := s.Open(t, s.user(t, d, "writer", "SELECT, INSERT, UPDATE, DELETE"), sdk.Create)
	MustPut(t, writer, items[1:2])
	r := &items[1].Record
	events := []sdk.Event{{ID: sdk.ID{8}, Tombstone: r.Tombstone, Action: sdk.ActionPruneRequest, Actor: "asks", At: r.ArchivedAt}}
	if err := writer.Append(t.Context(), events); err != nil {
		t.Error(err)
	}
	verdicts, err := writer.Purge(t.Context(), sdk.Purge{Items: []sdk.PurgeItem{{Tombstone: r.Tombstone, Event: sdk.ID{9}}}, Actor: "does", At: r.ArchivedAt})
	if err != nil || verdicts[0].Outcome != sdk.OutcomePurged {
		t.Errorf("purge: %v %v", verdicts, err)
	}
	if h, err := writer.Health(t.Context()); err != nil || !h.Writable {
		t.Errorf("a writer finds writable %v, %v", h.Writable, err)
	}

	url := s.user(t, d, "reader", "SELECT")
	for _, mode := range []sdk.Mode{sdk.ReadOnly, sdk.ReadWrite, sdk.Create} {
		onlyReads(t, s.Open(t, url, mode), items[2:])
	}
	if h, err := s.Open(t, d.URL(), sdk.ReadOnly).Health(t.Context()); err != nil || !h.Writable {
		t.Errorf("the owner, who only looks, finds writable %v, %v", h.Writable, err)
	}
}

// onlyReads checks a handle on an archive of one record that cannot be written.
func onlyReads(t *testing.T, archive sdk.Backend, items []contest.Item) {
	t.Helper()
	Retrievable(t, archive, 1)
	_, err := put(archive, items)
	Failed(t, err, sdk.PermissionDenied, false, sdk.EffectNone)
	if h, err := archive.Health(t.Context()); err != nil || h.Writable {
		t.Errorf("writable %v, %v", h.Writable, err)
	}
}

// user makes a user with these rights until the test ends.
func (s *Suite) user(t *testing.T, d *databases.Database, name, rights string) (url string) {
	t.Helper()
	name += "_" + d.Name
	grant, revoke := s.Grant(d, name, rights)
	Execute(t, d, grant...)
	t.Cleanup(func() { Execute(t, d, revoke...) })
	return d.URLAs(name, "secret")
}

// readOnlyServer takes a server, or a user, that only reads, as a standby does.
func (s *Suite) readOnlyServer(t *testing.T) {
	d := s.NewServer(t).Database(t)
	items := contest.Small(2)
	MustPut(t, s.Open(t, d.URL(), sdk.Create), items[:1])
	s.ReadOnly(t, d)
	for _, mode := range []sdk.Mode{sdk.ReadOnly, sdk.ReadWrite, sdk.Create} {
		onlyReads(t, s.Open(t, d.URL(), mode), items[1:])
	}
}

// foreignTables refuses a database whose tables begin like ours.
func (s *Suite) foreignTables(t *testing.T) {
	d := s.Database(t)
	make := func(name string) {
		t.Helper()
		db, err := s.Dial(t, sdk.Options{URL: d.URL(), Mode: sdk.ReadWrite})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := db.ExecContext(t.Context(), "CREATE TABLE "+name+" (n "+s.Integer+")"); err != nil {
			t.Fatal(err)
		}
	}
	make("codex_other")
	_, err := s.Driver.Open(t.Context(), sdk.Options{URL: d.URL(), Mode: sdk.Create})
	Failed(t, err, sdk.NoArchive, false, sdk.EffectNone)

	// Even a table that has the name of ours may be another application's.
	make("codex_archive_meta")
	for _, mode := range []sdk.Mode{sdk.ReadOnly, sdk.Create, sdk.Upgrade} {
		_, err = s.Driver.Open(t.Context(), sdk.Options{URL: d.URL(), Mode: mode})
		Failed(t, err, sdk.NoArchive, false, sdk.EffectNone)
		if !strings.Contains(err.Error(), "belongs to something else") {
			t.Errorf("mode %v: %v", mode, err)
		}
	}
}

// overlappingPuts stores groups that share contents and names from several
// handles at once. Locks are taken in one order, so no group may end in a
// deadlock.
func (s *Suite) overlappingPuts(t *testing.T) {
	const handles, puts, size, contents = 8, 15, 50, 200
	url := s.Database(t).URL()
	shared := contest.Small(contents)
	var wait sync.WaitGroup
	for n := range uint64(handles) {
		wait.Go(func() {
			archive, err := s.Driver.Open(t.Context(), sdk.Options{URL: url, Mode: sdk.Create, Parallel: 1})
			if err != nil {
				t.Error(err)
				return
			}
			defer func() { _ = archive.Close() }() // every Put was answered
			random := rand.New(rand.NewPCG(n, 0))
			for range puts {
				group := make([]contest.Item, size)
				for i := range group {
					group[i] = shared[random.IntN(contents)]
					r := &group[i].Record
					r.Commit = fmt.Sprint(random.IntN(contents))
					fill(random, r.Tombstone[:])
					fill(random, r.Event[:])
				}
				if _, err := put(archive, group); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wait.Wait()
	Retrievable(t, s.Open(t, url, sdk.ReadOnly), handles*puts*size)
}

// healthMeanwhile counts while records are stored and held, in several statements:
// no part may be more than the whole.
func (s *Suite) healthMeanwhile(t *testing.T) {
	url := s.Database(t).URL()
	writer, archive := s.Open(t, url, sdk.Create), s.Open(t, url, sdk.ReadWrite)
	done := make(chan struct{})
	go func() {
		defer close(done)
		items := contest.Small(200)
		for i := range items {
			if _, err := put(writer, items[i:i+1]); err != nil {
				t.Error(err)
				return
			}
			r := &items[i].Record
			err := writer.Append(t.Context(), []sdk.Event{{
				ID: sdk.NewEventID(), Tombstone: r.Tombstone, Action: sdk.ActionHold, Case: "case", Actor: "me", At: sdk.Time(time.Now()),
			}})
			if err != nil {
				t.Error(err)
				return
			}
		}
	}()
	for {
		h, err := archive.Health(t.Context())
		if err != nil || max(h.Retrievable, h.Held) > h.Live {
			t.Errorf("%d live, %d retrievable, %d held, %v", h.Live, h.Retrievable, h.Held, err)
			<-done
			return
		}
		select {
		case <-done:
			return
		default:
		}
	}
}

func fill(random *rand.Rand, id []byte) {
	for i := range id {
		id[i] = byte(random.Uint32())
	}
}

// serverIsKilled ends a server without a warning after each acknowledged store,
// whatever it was told about durability, and finds every record again.
func (s *Suite) serverIsKilled(t *testing.T) {
	server := s.NewServer(t, s.Durable...)
	d := server.Database(t)
	if s.Careless != nil {
		Execute(t, d, s.Careless(d))
	}
	archive := s.Open(t, d.URL(), sdk.Create)
	const rounds, size = 3, 5
	items := contest.Small(rounds * size)
	for round := range rounds {
		group := items[round*size : (round+1)*size]
		for attempt := 0; ; attempt++ {
			_, err := put(archive, group)
			if err == nil {
				break
			}
			var e *sdk.Error
			if !errors.As(err, &e) || !e.Retry || attempt == 5 {
				t.Fatal(err)
			}
		}
		if s.KillHard != nil {
			s.KillHard(t, d)
		}
		server.Kill(t)
		server.Start(t)
		Retrievable(t, s.Open(t, d.URL(), sdk.ReadOnly), int64((round+1)*size))
	}
}

// TextArrives stores text of many alphabets through url, and reads it through the
// archive and, byte for byte, as the server's administrator.
func (s *Suite) TextArrives(t *testing.T, d *databases.Database, url string) {
	t.Helper()
	archive := s.Open(t, url, sdk.Create)
	it := NewItem(100)
	r := &it.Record
	const text = "naïve Ωμέγα кириллица 漢字かな 😀 �"
	r.Note, r.Repo, r.ArchivedBy, r.Commit = text, text, text, text
	r.Path, r.Tags, r.Metadata = text, []string{text}, map[string]string{text: text}
	r.Digest = r.ComputeDigest()
	if _, err := archive.Put(t.Context(), one(it)); err != nil {
		t.Fatal(err)
	}
	for _, url := range []string{url, d.URL()} {
		for found, err := range s.Open(t, url, sdk.ReadOnly).Get(t.Context(), []sdk.Tombstone{r.Tombstone}) {
			if err != nil || found.Err != nil {
				t.Fatal(err, found.Err)
			}
			if err := found.Record.CheckDigest(); err != nil {
				t.Errorf("%v: note %q", err, found.Record.Note)
			}
		}
	}
	admin := d.Admin(t)
	var note []byte
	if err := admin.QueryRowContext(t.Context(), s.NoteBytes).Scan(&note); err != nil || string(note) != text {
		t.Errorf("the server has %q, %v", note, err)
	}
}

// Works makes an archive in d, writes in every way, and reads all of it again: what
// a server, a database or a user has as defaults changes nothing.
func (s *Suite) Works(t *testing.T, d *databases.Database) {
	t.Helper()
	archive := &Archive{Backend: s.Open(t, d.URL(), sdk.Create), Admin: d.Admin(t)}
	large, small := NewItem(100_000), NewItem(100)
	for _, it := range []sdk.Item{large, small, NewItem(sdk.StagedBody + 1000)} {
		if _, err := archive.Put(t.Context(), one(it)); err != nil {
			t.Fatal(err)
		}
	}
	known := again(large, nil)
	known.Body = nil
	if _, err := archive.Put(t.Context(), one(known)); err != nil {
		t.Error(err)
	}
	for _, write := range archive.everyWrite(large.Record, small.Record) {
		if err := write(); err != nil {
			t.Error(err)
		}
	}
	MustPut(t, archive, contest.Small(50))
	checkAll(t, s.Open(t, d.URL(), sdk.ReadOnly))
	listed := 0
	for _, err := range archive.List(t.Context(), sdk.Query{}) {
		if err != nil {
			t.Error(err)
		}
		listed++
	}
	if n := countRows(t, archive.Admin, "codex_item"); listed != n {
		t.Errorf("%d of %d records were listed", listed, n)
	}
}
