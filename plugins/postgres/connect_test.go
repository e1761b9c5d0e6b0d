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
	for name, o := range map[string]sdk.Options{
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
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := suite().Dial(t, o); err != nil {
				t.Error(err)
			}
		})
	}
	t.Run("PGPASSWORD", func(t *testing.T) {
		t.Setenv("PGPASSWORD", db.Password)
		if _, err := suite().Dial(t, sdk.Options{URL: without}); err != nil {
			t.Error(err)
		}
	})
}

// TestBrokenURLs has passwords that are not encoded, and options that are
// wrong: each is refused before anything is dialled, without a word of the URL.
func TestBrokenURLs(t *testing.T) {
	const tail = "canary1@host.invalid:5432/db"
	for _, c := range []struct {
		url  string
		kind sdk.Kind
		says string
	}{
		{"mysql://u:canary1@host.invalid/db", sdk.Unsupported, "postgres://"},
		{"user=u password=canary1 host=host.invalid", sdk.Unsupported, "postgres://"},
		{"postgres://u:canary1@host.invalid:canary2/db", sdk.Invalid, "port"},
		{"postgres://u:canary1@host.invalid:99999/db", sdk.Invalid, "port"},
		{"postgres://u:ca%ary/" + tail, sdk.Invalid, "percent-encoded"},
		{"postgres://u:canary2/" + tail, sdk.Invalid, "port"},
		{"postgres://u:canary2#" + tail + "?sslmode=canary3", sdk.Invalid, "sslmode"},
		{"postgres://u:x@" + tail, sdk.Invalid, "percent-encoded"},
		{"postgres://u:" + tail + "?sslmode=canary2", sdk.Invalid, "sslmode"},
		{"postgres://u:" + tail + "?sslrootcert=/canary/../nowhere", sdk.Invalid, "nowhere"},
		{"postgres://u:" + tail + "?target_session_attrs=canary2", sdk.Invalid, "target_session_attrs"},
		{"postgres://u:" + tail + "?connect_timeout=canary2", sdk.Invalid, "connect_timeout"},
		{"postgres://u:" + tail + "?service=canary2", sdk.Invalid, "service"},
	} {
		_, err := connect(t.Context(), sdk.Options{URL: c.url})
		if sdk.KindOf(err) != c.kind || !strings.Contains(fmt.Sprint(err), c.says) {
			t.Errorf("%s: %v %v, want kind %v and %q", c.url, sdk.KindOf(err), err, c.kind, c.says)
		}
		if err != nil && strings.Contains(err.Error(), "canary") && !strings.Contains(c.url, "/canary/") {
			t.Errorf("%s: the error %q quotes the URL", c.url, err)
		}
	}
}
