package main

import (
	"bytes"
	"context"
	"slices"
	"testing"
	"time"

	"github.com/codex-archive/codex/scripts/bench/contest"
	"github.com/codex-archive/codex/sdk"
	"github.com/codex-archive/codex/sdk/sqlbackend/sqltest"
)

// TestDeadlock has the server undo the transaction of a call for the sake of
// another program: the call begins again, and succeeds. The server chooses the
// transaction that has written less.
func TestDeadlock(t *testing.T) {
	t.Parallel()
	const content, record = "codex_artifact SET present = present WHERE sha256 = ?", "codex_item SET file_mode = file_mode WHERE tombstone = ?"
	of := func(x *contest.Item) []byte { return x.Record.Tombstone[:] }
	event := func(x *contest.Item, action sdk.Action) sdk.Event {
		return sdk.Event{ID: sdk.NewEventID(), Tombstone: x.Record.Tombstone, Action: action, Actor: "me", At: sdk.Time(time.Now())}
	}
	for name, c := range map[string]struct {
		lock string                     // of a row, by its key
		key  func(*contest.Item) []byte // in whose order the call locks
		call func(context.Context, sdk.Backend, []contest.Item) error
	}{
		"Put": {content, func(x *contest.Item) []byte { return x.Record.Content.SHA256[:] }, func(ctx context.Context, archive sdk.Backend, items []contest.Item) error {
			again := slices.Clone(items)
			for i := range again {
				again[i].Record.Tombstone[0]++
				again[i].Record.Event[0]++
			}
			return contest.Put(ctx, archive, again)
		}},
		"Append": {record, of, func(ctx context.Context, archive sdk.Backend, items []contest.Item) error {
			events := []sdk.Event{event(&items[0], sdk.ActionHold), event(&items[1], sdk.ActionHold)}
			events[0].Case, events[1].Case = "case", "case"
			return archive.Append(ctx, events)
		}},
		"Purge": {record, of, func(ctx context.Context, archive sdk.Backend, items []contest.Item) error {
			p := sdk.Purge{Actor: "me", At: sdk.Time(time.Now())}
			for i := range items {
				p.Items = append(p.Items, sdk.PurgeItem{Tombstone: items[i].Record.Tombstone, Event: sdk.NewEventID()})
			}
			_, err := archive.Purge(ctx, p) // nothing was asked for, so nothing goes
			return err
		}},
	} {
		t.Run(name, func(t *testing.T) {
			s := suite()
			d := s.Database(t)
			archive := s.Open(t, d.URL(), sdk.Create)
			items := contest.Small(2)
			sqltest.MustPut(t, archive, items)
			slices.SortFunc(items, func(x, y contest.Item) int { return bytes.Compare(c.key(&x), c.key(&y)) })

			db, err := s.Dial(t, sdk.Options{URL: d.URL(), Mode: sdk.ReadWrite})
			if err != nil {
				t.Fatal(err)
			}
			other := sqltest.Connection(t, db)
			run := func(statement string, args ...any) {
				t.Helper()
				if _, err := other.ExecContext(t.Context(), statement, args...); err != nil {
					t.Fatal(err)
				}
			}
			run("CREATE TABLE ballast (n BIGINT PRIMARY KEY) ENGINE=InnoDB")
			run("START TRANSACTION")
			run("INSERT INTO ballast SELECT seq FROM seq_1_to_2000")
			run("UPDATE "+c.lock, c.key(&items[1]))
			done := make(chan error, 1)
			go func() { done <- c.call(t.Context(), archive, items) }()
			// The table of transactions stays as it is while it is read all the time, so
			// one test reads it at a time.
			sqltest.Await(t, d.Admin(t), `SELECT IF(COUNT(*) > 0, 1, SLEEP(0.2)) FROM information_schema.innodb_trx
				JOIN information_schema.processlist ON id = trx_mysql_thread_id WHERE trx_state = 'LOCK WAIT' AND db = DATABASE()`)
			run("UPDATE "+c.lock, c.key(&items[0]))
			run("COMMIT")
			if err := <-done; err != nil {
				t.Error(err)
			}
		})
	}
}
