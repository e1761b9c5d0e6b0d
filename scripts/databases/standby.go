package databases

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// Replicable are settings of a PostgreSQL server that can have a standby.
var Replicable = []string{"wal_level=replica", "max_wal_senders=4", "synchronous_commit=on"}

// NewStandby starts a synchronous standby of a PostgreSQL server with the
// settings [Replicable]: from then on a commit waits for it. It lives until t
// ends.
func (s *Server) NewStandby(t testing.TB) *Server {
	t.Helper()
	standby, err := s.standby()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := standby.remove(); err != nil {
			t.Errorf("remove server: %v", err)
		}
	})
	admin := s.admin(t, "")
	for _, statement := range []string{"ALTER SYSTEM SET synchronous_standby_names = '*'", "SELECT pg_reload_conf()"} {
		if _, err := admin.ExecContext(t.Context(), statement); err != nil {
			t.Fatal(err)
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), startTimeout)
	defer cancel()
	err = s.running.until(ctx, func(ctx context.Context) error {
		var n int
		err := admin.QueryRowContext(ctx, "SELECT count(*) FROM pg_stat_replication WHERE sync_state = 'sync'").Scan(&n)
		if err == nil && n == 0 {
			err = errors.New("the standby is not synchronous")
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return standby
}

// standby returns a started copy of s that follows it.
func (s *Server) standby() (*Server, error) {
	r := &Server{product: s.product, programs: s.programs, settings: s.settings, password: s.password, user: s.user, authority: s.authority}
	if err := r.makeDirectory(map[string]string{"log": "", "pgpass": "*:*:*:postgres:" + s.password + "\n"}); err != nil {
		return nil, err
	}
	from := fmt.Sprintf("host=%s port=%d user=postgres passfile=%s", s.directory, s.port, filepath.Join(r.directory, "pgpass"))
	err := r.run(filepath.Join(filepath.Dir(s.programs.serve), "pg_basebackup"), "--pgdata", r.data(), "--dbname", from,
		"--write-recovery-conf", "--checkpoint", "fast", "--no-sync")
	if err == nil {
		err = r.firstStart()
	}
	if err != nil {
		return nil, errors.Join(err, os.RemoveAll(r.directory))
	}
	return r, nil
}

// Promote makes a standby the primary, and returns when it can be written.
func (s *Server) Promote(t testing.TB) {
	t.Helper()
	var promoted bool
	err := s.admin(t, "").QueryRowContext(t.Context(), "SELECT pg_promote(true, $1)", int(startTimeout/time.Second)).Scan(&promoted)
	if err != nil || !promoted {
		t.Fatalf("promote: %v, %v", promoted, err)
	}
}
