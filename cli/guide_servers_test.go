//go:build unix

package main

import (
	"database/sql"
	"fmt"
	"path/filepath"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/codex-archive/codex/scripts/databases"
)

// serverPassword has what a URL must encode.
const serverPassword = "p@ss:w/rd?#%41"

// TestGuideOnPostgres runs what the guide does in production, with the user and
// the database that it names, on a server of its own.
func TestGuideOnPostgres(t *testing.T) {
	server := databases.NewPostgres(t)
	prepare(t, server.Database(t).Admin(t),
		fmt.Sprintf("CREATE ROLE archive_user LOGIN PASSWORD '%s'", serverPassword),
		"CREATE DATABASE archive_db OWNER archive_user")
	runGuide(t, "postgres", server)
}

// TestGuideOnMariaDB does the same there.
func TestGuideOnMariaDB(t *testing.T) {
	server := databases.NewMariaDB(t)
	prepare(t, server.Database(t).Admin(t),
		fmt.Sprintf("CREATE USER archive_user IDENTIFIED BY '%s'", serverPassword),
		"CREATE DATABASE archive_db CHARACTER SET utf8mb4",
		"GRANT ALL ON archive_db.* TO archive_user")
	runGuide(t, "mariadb", server)
}

func prepare(t *testing.T, admin *sql.DB, statements ...string) {
	t.Helper()
	for _, s := range statements {
		if _, err := admin.Exec(s); err != nil {
			t.Fatalf("%s: %v", s, err)
		}
	}
}

// runGuide runs a script. ADDRESS is the server's, PASSWORD that of archive_user;
// "server stop" and "server start" do that.
func runGuide(t *testing.T, name string, server *databases.Server) {
	testscript.Run(t, testscript.Params{
		Files:               []string{filepath.Join("testdata", "guide", name+".txtar")},
		RequireExplicitExec: true,
		Setup: func(env *testscript.Env) error {
			env.Setenv("ADDRESS", server.Address())
			env.Setenv("PASSWORD", serverPassword)
			return setupScript(env)
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"field": scriptField, "code": scriptCode, "evidence": scriptEvidence,
			"server": func(ts *testscript.TestScript, neg bool, args []string) {
				switch {
				case !neg && len(args) == 1 && args[0] == "stop":
					server.Stop(t)
				case !neg && len(args) == 1 && args[0] == "start":
					server.Start(t)
				default:
					ts.Fatalf("usage: server stop|start")
				}
			},
		},
	})
}
