package databases

import (
	"database/sql"
	"fmt"
	"net/url"
	"path/filepath"
	"slices"

	_ "github.com/jackc/pgx/v5/stdlib" // the driver "pgx"
)

var postgres = product{
	name:     "PostgreSQL",
	programs: postgresPrograms,
	files: func(s *Server) map[string]string {
		return map[string]string{"password": s.password, "log": ""}
	},
	initialise: func(s *Server) []string {
		return []string{s.programs.initialise, "--pgdata", s.data(), "--username", "postgres", "--pwfile", filepath.Join(s.directory, "password"),
			"--auth", "scram-sha-256", "--encoding", "UTF8", "--locale", "C", "--no-sync", "--no-instructions"}
	},
	serve: func(s *Server) []string {
		command := []string{s.programs.serve, "-D", s.data(), "-k", s.directory, "-h", "127.0.0.1", "-p", fmt.Sprint(s.port)}
		// Nothing in a test outlives the machine, so nothing waits for a disk.
		for _, setting := range slices.Concat([]string{"fsync=off", "synchronous_commit=off", "full_page_writes=off", "wal_level=minimal", "max_wal_senders=0",
			"shared_buffers=32MB", "autovacuum=off", "ssl=on", "ssl_cert_file=" + filepath.Join(s.directory, "server.crt"),
			"ssl_key_file=" + filepath.Join(s.directory, "server.key")}, s.settings) {
			command = append(command, "-c", setting)
		}
		return command
	},
	url: func(s *Server, c credentials, socket bool) string {
		if c.user == "" {
			c.user, c.password = "postgres", s.password
		}
		if c.database == "" {
			c.database = "postgres"
		}
		u := url.URL{Scheme: "postgres", User: url.UserPassword(c.user, c.password), Host: s.Address(), Path: "/" + c.database}
		if socket {
			u.Host = ""
			u.RawQuery = url.Values{"host": {s.directory}, "port": {fmt.Sprint(s.port)}}.Encode()
		}
		return u.String()
	},
	open: func(url string) (*sql.DB, error) { return sql.Open("pgx", url) },
	create: func(c credentials) []string {
		return []string{
			fmt.Sprintf("CREATE ROLE %s LOGIN PASSWORD '%s'", c.user, c.password),
			// Where nothing waits for a disk, copying files is the faster strategy.
			fmt.Sprintf("CREATE DATABASE %s OWNER %s STRATEGY file_copy", c.database, c.user),
		}
	},
	drop: func(c credentials) []string {
		return []string{
			fmt.Sprintf("DROP DATABASE IF EXISTS %s WITH (FORCE)", c.database),
			fmt.Sprintf("DROP ROLE IF EXISTS %s", c.user),
		}
	},
	durable: []string{"fsync=on", "synchronous_commit=on", "full_page_writes=on", "autovacuum=on", "shared_buffers=128MB", "max_wal_size=1GB"},
	size:    "SELECT pg_database_size(current_database())",

	stop: "INT",  // "fast": clients are disconnected
	kill: "QUIT", // "immediate": no checkpoint, and yet its shared memory goes
}

// postgresPrograms looks on PATH and where packages keep server programs.
func postgresPrograms() (programs, error) {
	// Debian's directories are named for versions: newest first.
	installed, _ := filepath.Glob("/usr/lib/postgresql/*/bin")
	slices.Reverse(installed)
	elsewhere, _ := filepath.Glob("/opt/homebrew/opt/postgresql*/bin")
	slices.Reverse(elsewhere)
	directories := slices.Concat(installed, elsewhere, []string{"/usr/pgsql/bin", "/usr/local/pgsql/bin"})
	initdb, err := find("initdb", directories)
	if err != nil {
		return programs{}, fmt.Errorf("PostgreSQL: %w", err)
	}
	// The two must be of one version, so they come from one directory.
	server, err := find("postgres", []string{filepath.Dir(initdb)})
	if err != nil {
		return programs{}, fmt.Errorf("PostgreSQL: %w", err)
	}
	return programs{initdb, server}, nil
}
