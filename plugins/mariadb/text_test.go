package main

import (
	"fmt"
	"strings"
	"testing"

	"github.com/codex-archive/codex/scripts/bench/contest"
	"github.com/codex-archive/codex/scripts/databases"
	"github.com/codex-archive/codex/sdk"
	"github.com/codex-archive/codex/sdk/sqlbackend/sqltest"
)

// TestCharacterSets stores text on servers that do not listen to what a client
// says of its character set, or change it.
func TestCharacterSets(t *testing.T) {
	t.Parallel()
	for _, settings := range [][]string{
		{"skip-character-set-client-handshake", "character_set_server=latin1"},
		{"init_connect=SET NAMES utf8"},
		{"init_connect=SET NAMES latin1", "character_set_server=latin1"},
	} {
		t.Run(strings.Join(settings, " "), func(t *testing.T) {
			t.Parallel()
			d := databases.NewMariaDB(t, settings...).Database(t)
			suite().TextArrives(t, d, d.URL())
		})
	}
}

// TestStatementLog takes servers that log statements: with the right to, the
// client asks for rows; without, nothing is made, an archive that is there is
// read, and what writes says why it cannot.
func TestStatementLog(t *testing.T) {
	t.Parallel()
	server := databases.NewMariaDB(t, "log_bin=log", "binlog_format=STATEMENT")
	items := contest.Small(3)

	d := server.Database(t)
	_, err := open(t.Context(), sdk.Options{URL: d.URL(), Mode: sdk.Create})
	sqltest.Failed(t, err, sdk.PermissionDenied, false, sdk.EffectNone)
	if !strings.Contains(fmt.Sprint(err), "binlog_format") || !strings.Contains(fmt.Sprint(err), d.Name) {
		t.Errorf("%v does not say why", err)
	}
	var tables int
	err = d.Admin(t).QueryRowContext(t.Context(), "SELECT count(*) FROM information_schema.tables WHERE table_schema = ?", d.Name).Scan(&tables)
	if err != nil || tables != 0 {
		t.Errorf("%d tables were made, %v", tables, err)
	}

	sqltest.Execute(t, d, "GRANT BINLOG ADMIN ON *.* TO "+d.User)
	archive := suite().Open(t, d.URL(), sdk.Create)
	sqltest.MustPut(t, archive, items[:1])
	if h, err := archive.Health(t.Context()); err != nil || !h.Writable {
		t.Errorf("writable %v, %v", h.Writable, err)
	}

	sqltest.Execute(t, d, "REVOKE BINLOG ADMIN ON *.* FROM "+d.User)
	archive = suite().Open(t, d.URL(), sdk.Create)
	sqltest.Retrievable(t, archive, 1)
	_, err = archive.Put(t.Context(), contest.Sequence(items[1:2]))
	sqltest.Failed(t, err, sdk.PermissionDenied, false, sdk.EffectNone)
	if !strings.Contains(fmt.Sprint(err), "binlog_format") {
		t.Errorf("%v does not say why", err)
	}
	if h, err := archive.Health(t.Context()); err != nil || h.Writable {
		t.Errorf("writable %v, %v", h.Writable, err)
	}
}

// TestDurable says what the server does with what it acknowledges.
func TestDurable(t *testing.T) {
	t.Parallel()
	for setting, durable := range map[string]bool{
		"innodb_flush_log_at_trx_commit=1": true, "innodb_flush_log_at_trx_commit=0": false, "innodb_flush_log_at_trx_commit=2": false,
	} {
		server := databases.NewMariaDB(t, setting)
		h, err := suite().Open(t, server.Database(t).URL(), sdk.Create).Health(t.Context())
		if err != nil || h.Durable != durable || !durable && !strings.Contains(h.NotDurable, "innodb_flush_log_at_trx_commit") {
			t.Errorf("%s: durable %v (%s), %v", setting, h.Durable, h.NotDurable, err)
		}
	}
}
