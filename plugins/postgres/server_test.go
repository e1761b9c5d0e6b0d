package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/codex-archive/codex/scripts/bench/contest"
	"github.com/codex-archive/codex/scripts/databases"
	"github.com/codex-archive/codex/sdk"
)

// opened opens an archive until the test ends.
func opened(t *testing.T, url string, mode sdk.Mode) sdk.Backend {
	t.Helper()
	archive, err := open(t.Context(), sdk.Options{URL: url, Mode: mode, Parallel: 2})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { archive.Close() })
	return archive
}

func put(archive sdk.Backend, items []contest.Item) ([]sdk.PutResult, error) {
	return archive.Put(context.Background(), contest.Sequence(items))
}

func mustPut(t *testing.T, archive sdk.Backend, items []contest.Item) {
	t.Helper()
	if _, err := put(archive, items); err != nil {
		t.Fatal(err)
	}
}

func retrievable(t *testing.T, archive sdk.Backend, want int64) {
	t.Helper()
	if h, err := archive.Health(t.Context()); err != nil || h.Retrievable != want {
		t.Errorf("%d records, %v; want %d", h.Retrievable, err, want)
	}
}

// failed compares an error with a kind, whether it may pass, and its effect.
func failed(t *testing.T, err error, kind sdk.Kind, retry bool, effect sdk.Effect) {
	t.Helper()
	var e *sdk.Error
	if !errors.As(err, &e) {
		t.Fatalf("%v, want an error of kind %v", err, kind)
	}
	if e.Kind != kind || e.Retry != retry || e.Effect != effect {
		t.Errorf("%v: kind %v, retry %v, effect %v; want %v, %v, %v", err, e.Kind, e.Retry, e.Effect, kind, retry, effect)
	}
}

// TestServerComesAndGoes keeps one handle through a restart, a stop and a crash.
func TestServerComesAndGoes(t *testing.T) {
	t.Parallel()
	server := databases.NewPostgres(t)
	url := server.Database(t).URL()
	archive := opened(t, url, sdk.Create)
	items := contest.Small(4)
	mustPut(t, archive, items[:1])

	server.Stop(t)
	_, err := put(archive, items[1:2])
	failed(t, err, sdk.Unavailable, true, sdk.EffectNone)
	_, err = put(archive, items[1:2])
	failed(t, err, sdk.Unavailable, true, sdk.EffectNone)
	_, err = open(t.Context(), sdk.Options{URL: url, Mode: sdk.ReadOnly})
	failed(t, err, sdk.Unavailable, true, sdk.EffectNone)

	server.Start(t)
	mustPut(t, archive, items[1:2])
	server.Kill(t)
	server.Start(t)
	// A connection that was alive a moment ago is not asked whether it still is.
	if _, err := put(archive, items[2:3]); err != nil {
		failed(t, err, sdk.Unavailable, true, sdk.EffectNone)
	}
	mustPut(t, archive, items[2:])
}

// TestCommitIsCut loses the connection at COMMIT. Nobody can know then what
// became of it, and the same call again settles it.
func TestCommitIsCut(t *testing.T) {
	t.Parallel()
	d := databases.Postgres(t)
	opened(t, d.URL(), sdk.Create)
	for _, lost := range []bool{false, true} {
		t.Run(fmt.Sprintf("lost=%v", lost), func(t *testing.T) {
			proxy := d.Server().NewProxy(t)
			archive := opened(t, strings.Replace(d.URL(), d.Server().Address(), proxy.Address(), 1)+"?sslmode=disable", sdk.ReadWrite)
			items := contest.Small(3)
			for i := range items {
				items[i].Record.Tombstone[0], items[i].Record.Event[0] = 1, 1
				if lost {
					items[i].Record.Tombstone[0], items[i].Record.Event[0] = 2, 2
				}
			}
			proxy.Cut("COMMIT\x00", lost) // not BEGIN … READ COMMITTED
			_, err := put(archive, items)
			failed(t, err, sdk.Unavailable, true, sdk.EffectMaybe)
			stored, err := put(archive, items)
			if err != nil {
				t.Fatal(err)
			}
			for _, s := range stored {
				if s.Repeated == lost {
					t.Errorf("%v: repeated %v, want %v", s.Tombstone, s.Repeated, !lost)
				}
			}
			// Whatever is not a COMMIT had no effect.
			event := sdk.Event{ID: sdk.ID{9, items[0].Record.Event[0]}, Tombstone: items[0].Record.Tombstone, Action: sdk.ActionRestore,
				Actor: "test", At: items[0].Record.ArchivedAt}
			proxy.Cut("INSERT INTO codex_event", lost)
			err = archive.Append(t.Context(), []sdk.Event{event})
			failed(t, err, sdk.Unavailable, true, sdk.EffectNone)
			if err := archive.Append(t.Context(), []sdk.Event{event}); err != nil {
				t.Error(err)
			}
		})
	}
	retrievable(t, opened(t, d.URL(), sdk.ReadOnly), 6)
}

// TestManyMakeOneArchive opens an empty database from many sides at once.
func TestManyMakeOneArchive(t *testing.T) {
	t.Parallel()
	url := databases.Postgres(t).URL()
	var mu sync.Mutex
	found := map[sdk.ID]bool{}
	var wait sync.WaitGroup
	for range 10 {
		wait.Go(func() {
			archive, err := open(t.Context(), sdk.Options{URL: url, Mode: sdk.Create})
			if err != nil {
				t.Error(err)
				return
			}
			defer archive.Close()
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

// TestLeastRights gives users no more than they need: once the schema stands
// nobody needs to change it, and who reads needs to read only.
func TestLeastRights(t *testing.T) {
	t.Parallel()
	d := databases.Postgres(t)
	items := contest.Small(3)
	_, err := open(t.Context(), sdk.Options{URL: user(t, d, "early", "SELECT"), Mode: sdk.Create})
	failed(t, err, sdk.PermissionDenied, false, sdk.EffectNone)
	mustPut(t, opened(t, d.URL(), sdk.Create), items[:1])

	writer := opened(t, user(t, d, "writer", "SELECT, INSERT, UPDATE, DELETE"), sdk.Create)
	mustPut(t, writer, items[1:2])
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

	url := user(t, d, "reader", "SELECT")
	for _, mode := range []sdk.Mode{sdk.ReadOnly, sdk.ReadWrite, sdk.Create} {
		reader := opened(t, url, mode)
		retrievable(t, reader, 1)
		_, err := put(reader, items[2:])
		failed(t, err, sdk.PermissionDenied, false, sdk.EffectNone)
		if h, err := reader.Health(t.Context()); err != nil || h.Writable {
			t.Errorf("a reader finds writable %v, %v", h.Writable, err)
		}
	}
	if h, err := opened(t, d.URL(), sdk.ReadOnly).Health(t.Context()); err != nil || !h.Writable {
		t.Errorf("the owner, who only looks, finds writable %v, %v", h.Writable, err)
	}
}

// user makes a user with these rights to all tables, those to come included.
func user(t *testing.T, d *databases.Database, name, rights string) string {
	t.Helper()
	admin := d.Admin(t)
	name += "_" + d.Name
	exec := func(ctx context.Context, statements string) {
		t.Helper()
		if _, err := admin.ExecContext(ctx, statements); err != nil {
			t.Fatal(err)
		}
	}
	exec(t.Context(), fmt.Sprintf(`CREATE ROLE %[1]s LOGIN PASSWORD 'secret';
		GRANT %[3]s ON ALL TABLES IN SCHEMA public TO %[1]s;
		ALTER DEFAULT PRIVILEGES FOR ROLE %[2]s GRANT %[3]s ON TABLES TO %[1]s`, name, d.User, rights))
	t.Cleanup(func() { exec(context.Background(), fmt.Sprintf("DROP OWNED BY %[1]s; DROP ROLE %[1]s", name)) })
	return d.URLAs(name, "secret")
}

// TestStandby takes a server, or a user, that only reads, as a standby does.
func TestStandby(t *testing.T) {
	t.Parallel()
	d := databases.Postgres(t)
	items := contest.Small(2)
	mustPut(t, opened(t, d.URL(), sdk.Create), items[:1])
	if _, err := d.Admin(t).ExecContext(t.Context(), "ALTER ROLE "+d.User+" SET default_transaction_read_only = on"); err != nil {
		t.Fatal(err)
	}
	for _, mode := range []sdk.Mode{sdk.ReadOnly, sdk.ReadWrite, sdk.Create} {
		archive := opened(t, d.URL(), mode)
		retrievable(t, archive, 1)
		_, err := put(archive, items[1:])
		failed(t, err, sdk.PermissionDenied, false, sdk.EffectNone)
		if h, err := archive.Health(t.Context()); err != nil || h.Writable {
			t.Errorf("writable %v, %v", h.Writable, err)
		}
	}
}

// TestForeignTables refuses a database whose tables begin like ours.
func TestForeignTables(t *testing.T) {
	t.Parallel()
	d := databases.Postgres(t)
	if _, err := d.Admin(t).ExecContext(t.Context(), "CREATE TABLE codex_other (n int); GRANT SELECT ON codex_other TO PUBLIC"); err != nil {
		t.Fatal(err)
	}
	_, err := open(t.Context(), sdk.Options{URL: d.URL(), Mode: sdk.Create})
	failed(t, err, sdk.NoArchive, false, sdk.EffectNone)

	// Even one that has the name of ours is somebody else's.
	if _, err := d.Admin(t).ExecContext(t.Context(), "CREATE TABLE codex_archive_meta (n int); GRANT SELECT ON codex_archive_meta TO PUBLIC"); err != nil {
		t.Fatal(err)
	}
	for _, mode := range []sdk.Mode{sdk.ReadOnly, sdk.Create, sdk.Upgrade} {
		_, err = open(t.Context(), sdk.Options{URL: d.URL(), Mode: mode})
		failed(t, err, sdk.NoArchive, false, sdk.EffectNone)
		if !strings.Contains(err.Error(), "belongs to something else") {
			t.Errorf("mode %v: %v", mode, err)
		}
	}
}
