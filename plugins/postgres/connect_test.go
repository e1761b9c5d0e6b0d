package main

import (
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/codex-archive/codex/scripts/databases"
	"github.com/codex-archive/codex/sdk"
	"github.com/codex-archive/codex/sdk/sqlbackend/sqltest"
)

func TestURLs(t *testing.T) {
	db := databases.Postgres(t)
	dir := t.TempDir()
	if err := os.Symlink(db.Server().CAFile(), filepath.Join(dir, "ca.crt")); err != nil {
		t.Fatal(err)
	}
	passfile := filepath.Join(dir, "pgpass")
	escaped := strings.NewReplacer(`\`, `\\`, ":", `\:`).Replace(db.Password)
	if err := os.WriteFile(passfile, fmt.Appendf(nil, "*:*:*:*:%s\n", escaped), 0o600); err != nil {
		t.Fatal(err)
	}
	service := filepath.Join(dir, "services")
	if err := os.WriteFile(service, fmt.Appendf(nil, "[archive]\nhost=127.0.0.1\nport=%s\nuser=%s\npassword=%s\ndbname=%s\n",
		strings.TrimPrefix(db.Server().Address(), "127.0.0.1:"), db.User, db.Password, db.Name), 0o600); err != nil {
		t.Fatal(err)
	}
	host, _, _ := strings.Cut(db.Server().Address(), ":")
	without := "postgres://" + db.User + "@" + db.Server().Address() + "/" + db.Name
	suite().DialAll(t, map[string]sdk.Options{
		"postgres":       {URL: db.URL()},
		"postgresql":     {URL: strings.Replace(db.URL(), "postgres:", "postgresql:", 1)},
		"socket":         {URL: db.SocketURL()},
		"password":       {URL: without, Password: db.Password},
		"other password": {URL: db.URLAs(db.User, "wrong"), Password: db.Password},
		"service file":   {URL: "postgres:///?service=archive&servicefile=" + url.QueryEscape(service)},
		"passfile":       {URL: without + "?passfile=" + url.QueryEscape(passfile)},
		"relative file":  {URL: without + "?passfile=pgpass&sslmode=verify-full&sslrootcert=ca.crt", Dir: dir},
		"verify-full":    {URL: db.URL() + "?sslmode=verify-full&sslrootcert=" + url.QueryEscape(db.Server().CAFile())},
		"require":        {URL: db.URL() + "?sslmode=require"},
		"disable":        {URL: db.URL() + "?sslmode=disable"},
		"several hosts": {URL: "postgres://" + db.User + "@" + host + ":1," + db.Server().Address() + "/" + db.Name +
			"?target_session_attrs=read-write", Password: db.Password},
		"read-only": {URL: db.URL(), Mode: sdk.ReadOnly},
	})
	t.Setenv("PGPASSWORD", db.Password)
	suite().DialAll(t, map[string]sdk.Options{"PGPASSWORD": {URL: without}})
}

// TestBrokenURLs has passwords that are not encoded, and options that are
// wrong: each is refused before anything is dialled, without a word of the URL.
func TestBrokenURLs(t *testing.T) {
	const tail = "canary1@host.invalid:5432/db"
	suite().BrokenURLs(t, "", []sqltest.BrokenURL{
		sqltest.Broken("mysql://u:canary1@host.invalid/db", sdk.Unsupported, "postgres://"),
		sqltest.Broken("user=u password=canary1 host=host.invalid", sdk.Unsupported, "postgres://"),
		sqltest.Broken("postgres://u:canary1@host.invalid:canary2/db", sdk.Invalid, "port"),
		sqltest.Broken("postgres://u:canary1@host.invalid:99999/db", sdk.Invalid, "port"),
		sqltest.Broken("postgres://u:ca%ary/"+tail, sdk.Invalid, "percent-encoded"),
		sqltest.Broken("postgres://u:canary2/"+tail, sdk.Invalid, "port"),
		sqltest.Broken("postgres://u:canary2#"+tail+"?sslmode=canary3", sdk.Invalid, "sslmode"),
		sqltest.Broken("postgres://u:x@"+tail, sdk.Invalid, "percent-encoded"),
		sqltest.Broken("postgres://u:"+tail+"?sslmode=canary2", sdk.Invalid, "sslmode"),
		sqltest.Broken("postgres://u:"+tail+"?sslrootcert=/canary/../nowhere", sdk.Invalid, "nowhere"),
		sqltest.Broken("postgres://u:"+tail+"?target_session_attrs=canary2", sdk.Invalid, "target_session_attrs"),
		sqltest.Broken("postgres://u:"+tail+"?connect_timeout=canary2", sdk.Invalid, "connect_timeout"),
		sqltest.Broken("postgres://u:"+tail+"?service=canary2", sdk.Invalid, "service"),
	})
}
