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

// certified is a user who may only come over TLS.
func certified(t *testing.T, d *databases.Database) string {
	t.Helper()
	user := "s" + d.User
	for _, s := range []string{
		fmt.Sprintf("CREATE USER %s IDENTIFIED BY 'secret' REQUIRE SSL", user),
		fmt.Sprintf("GRANT ALL ON %s.* TO %s", d.Name, user),
	} {
		if _, err := d.Admin(t).ExecContext(t.Context(), s); err != nil {
			t.Fatal(err)
		}
	}
	admin := d.Admin(t)
	t.Cleanup(func() {
		if _, err := admin.Exec("DROP USER " + user); err != nil {
			t.Error(err)
		}
	})
	return d.URLAs(user, "secret")
}

func TestURLs(t *testing.T) {
	d := databases.MariaDB(t)
	secure := certified(t, d)
	ca := d.Server().CAFile()
	relative, err := filepath.Rel("/", ca)
	if err != nil {
		t.Fatal(err)
	}
	without := "mysql://" + d.User + "@" + d.Server().Address() + "/" + d.Name
	for name, o := range map[string]sdk.Options{
		"mysql":           {URL: d.URL()},
		"mariadb":         {URL: strings.Replace(d.URL(), "mysql:", "mariadb:", 1)},
		"socket":          {URL: d.SocketURL()},
		"password":        {URL: without, Password: d.Password},
		"other password":  {URL: d.URLAs(d.User, "wrong"), Password: d.Password},
		"TLS unasked":     {URL: secure},
		"tls":             {URL: secure + "?tls=skip-verify"},
		"ssl-ca":          {URL: secure + "?ssl-ca=" + url.QueryEscape(ca)},
		"relative ssl-ca": {URL: secure + "?tls=true&ssl-ca=" + url.QueryEscape(relative), Dir: "/"},
		"socket and TLS":  {URL: d.SocketURL() + "&tls=true&ssl-ca=" + url.QueryEscape(ca)},
		"no TLS":          {URL: d.URL() + "?tls=false&connect-timeout=30"},
		"read-only":       {URL: d.URL(), Mode: sdk.ReadOnly},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := suite().Dial(t, o); err != nil {
				t.Error(err)
			}
		})
	}
	t.Run("MYSQL_PWD", func(t *testing.T) {
		t.Setenv("MYSQL_PWD", d.Password)
		if _, err := suite().Dial(t, sdk.Options{URL: without}); err != nil {
			t.Error(err)
		}
	})
}

// TestBrokenURLs has passwords that are not encoded, and options that are
// wrong: each is refused before anything is dialled, without a word of the URL.
func TestBrokenURLs(t *testing.T) {
	dir := t.TempDir()
	noCA := filepath.Join(dir, "no-ca")
	if err := os.WriteFile(noCA, []byte("canary"), 0o600); err != nil {
		t.Fatal(err)
	}
	const tail = "canary1@host.invalid:3306/db"
	for _, c := range []struct {
		url  string
		kind sdk.Kind
		says string
	}{
		{"postgres://u:canary1@host.invalid/db", sdk.Unsupported, "mysql://"},
		{"u:canary1@tcp(host.invalid)/db", sdk.Unsupported, "mysql://"},
		{"mysql:u:canary1@host.invalid/db", sdk.Unsupported, "mysql://"},
		{"mysql://u:" + "canary1@host.invalid:canary2/db", sdk.Invalid, "percent-encoded"},
		{"mysql://u:ca%ary/" + tail, sdk.Invalid, "percent-encoded"},
		{"mysql://u:canary2/" + tail, sdk.Invalid, "percent-encoded"},
		{"mysql://u:canary2#" + tail, sdk.Invalid, "percent-encoded"},
		{"mysql://u:canary2?" + tail, sdk.Invalid, "percent-encoded"},
		{"mysql://u:canary2[" + tail, sdk.Invalid, "percent-encoded"},
		{"mysql://u:canary1@host.invalid:0/db", sdk.Invalid, "port"},
		{"mysql://u:canary1@host.invalid:99999/db", sdk.Invalid, "port"},
		{"mysql://u:canary1@host.invalid", sdk.Invalid, "no database"},
		{"mysql://u:canary1@host.invalid/a/b", sdk.Invalid, "no database"},
		{"mysql://u:" + tail + "?canary2=1", sdk.Invalid, "unknown option"},
		{"mysql://u:" + tail + "?tls=canary2", sdk.Invalid, "option tls"},
		{"mysql://u:" + tail + "?tls=true&tls=canary2", sdk.Invalid, "tls twice"},
		{"mysql://u:" + tail + "?connect-timeout=canary2", sdk.Invalid, "connect-timeout"},
		{"mysql://u:" + tail + "?socket=", sdk.Invalid, "socket"},
		{"mysql://u:" + tail + "?ssl-ca=" + dir + "/nowhere", sdk.Invalid, "nowhere"},
		{"mysql://u:" + tail + "?ssl-ca=" + noCA, sdk.Invalid, "no certificate"},
		{"mysql://u:" + tail + "?ssl-cert=" + noCA + "&ssl-key=" + noCA, sdk.Invalid, "ssl-cert"},
		{"mysql://u:" + tail + "?ssl-cert=" + noCA, sdk.Invalid, "needs both"},
		{"mysql://u:" + tail + "?ssl-key=" + noCA, sdk.Invalid, "needs both"},
		{"mysql://u:" + tail + "?tls=false&ssl-ca=" + noCA, sdk.Invalid, "tls=false"},
		{"mysql://u:" + tail + "?a=%zz", sdk.Invalid, "options"},
	} {
		_, err := connect(t.Context(), sdk.Options{URL: c.url, Dir: dir})
		if sdk.KindOf(err) != c.kind || !strings.Contains(fmt.Sprint(err), c.says) {
			t.Errorf("%s: %v %v, want kind %v and %q", c.url, sdk.KindOf(err), err, c.kind, c.says)
		}
		if err != nil && strings.Contains(err.Error(), "canary") {
			t.Errorf("%s: the error %q quotes the URL", c.url, err)
		}
	}
}

// TestNames opens databases whose names mean something in a URL.
func TestNames(t *testing.T) {
	d := databases.MariaDB(t)
	admin := d.Admin(t)
	for _, name := range []string{"a/b", "a b?c#d%e", "ü"} {
		name += "_" + d.Name
		for _, s := range []string{"CREATE DATABASE `" + name + "`", "GRANT ALL ON `" + strings.ReplaceAll(name, "%", `\%`) + "`.* TO " + d.User} {
			if _, err := admin.ExecContext(t.Context(), s); err != nil {
				t.Fatal(err)
			}
		}
		t.Cleanup(func() {
			if _, err := admin.Exec("DROP DATABASE `" + name + "`"); err != nil {
				t.Error(err)
			}
		})
		db, err := suite().Dial(t, sdk.Options{URL: strings.TrimSuffix(d.URL(), d.Name) + url.PathEscape(name)})
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		var got string
		if err := db.QueryRow("SELECT DATABASE()").Scan(&got); err != nil || got != name {
			t.Errorf("%q, %v; want %q", got, err, name)
		}
	}
}
