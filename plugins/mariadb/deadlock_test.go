package main

import (
	"slices"
	"testing"

	"github.com/codex-archive/codex/scripts/bench/contest"
	"github.com/codex-archive/codex/sdk"
	"github.com/codex-archive/codex/sdk/sqlbackend/sqltest"
)

// TestDeadlock has the server undo the transaction of a Put for the sake of
// another program: the Put begins again, and succeeds. The server chooses the
// transaction that has written less.
func TestDeadlock(t *testing.T) {
	t.Parallel()
	s := suite()
	d := s.Database(t)
	archive := s.Open(t, d.URL(), sdk.Create)
	items := contest.Small(2)
	sqltest.MustPut(t, archive, items)
	slices.SortFunc(items, func(x, y contest.Item) int {
		return slices.Compare(x.Record.Content.SHA256[:], y.Record.Content.SHA256[:])
	})

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
	const lock = "UPDATE codex_artifact SET present = present WHERE sha256 = ?"
	run("CREATE TABLE ballast (n BIGINT PRIMARY KEY) ENGINE=InnoDB")
	run("START TRANSACTION")
	run("INSERT INTO ballast SELECT seq FROM seq_1_to_2000")
	run(lock, items[1].Record.Content.SHA256[:])

	again := slices.Clone(items)
	for i := range again {
		again[i].Record.Tombstone[0]++
		again[i].Record.Event[0]++
	}
	stored := make(chan error, 1)
	go func() { stored <- contest.Put(t.Context(), archive, again) }()
	// The table of transactions stays as it is while it is read all the time.
	sqltest.Await(t, d.Admin(t), `SELECT IF(COUNT(*) > 0, 1, SLEEP(0.2)) FROM information_schema.innodb_trx
		JOIN information_schema.processlist ON id = trx_mysql_thread_id WHERE trx_state = 'LOCK WAIT' AND db = DATABASE()`)
	run(lock, items[0].Record.Content.SHA256[:])
	run("COMMIT")
	if err := <-stored; err != nil {
		t.Error(err)
	}
	sqltest.Retrievable(t, archive, 4)
}
