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
	suite().DialAll(t, map[string]sdk.Options{
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
	})
	t.Setenv("MYSQL_PWD", d.Password)
	suite().DialAll(t, map[string]sdk.Options{"MYSQL_PWD": {URL: without}})
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
	suite().BrokenURLs(t, dir, []sqltest.BrokenURL{
		sqltest.Broken("postgres://u:canary1@host.invalid/db", sdk.Unsupported, "mysql://"),
		sqltest.Broken("u:canary1@tcp(host.invalid)/db", sdk.Unsupported, "mysql://"),
		sqltest.Broken("mysql:u:canary1@host.invalid/db", sdk.Unsupported, "mysql://"),
		sqltest.Broken("mysql://u:"+"canary1@host.invalid:canary2/db", sdk.Invalid, "percent-encoded"),
		sqltest.Broken("mysql://u:ca%ary/"+tail, sdk.Invalid, "percent-encoded"),
		sqltest.Broken("mysql://u:canary2/"+tail, sdk.Invalid, "percent-encoded"),
		sqltest.Broken("mysql://u:canary2#"+tail, sdk.Invalid, "percent-encoded"),
		sqltest.Broken("mysql://u:canary2?"+tail, sdk.Invalid, "percent-encoded"),
		sqltest.Broken("mysql://u:canary2["+tail, sdk.Invalid, "percent-encoded"),
		sqltest.Broken("mysql://u:canary1@host.invalid:0/db", sdk.Invalid, "port"),
		sqltest.Broken("mysql://u:canary1@host.invalid:99999/db", sdk.Invalid, "port"),
		sqltest.Broken("mysql://u:canary1@host.invalid", sdk.Invalid, "no database"),
		sqltest.Broken("mysql://u:canary1@host.invalid/a/b", sdk.Invalid, "no database"),
		sqltest.Broken("mysql://u:"+tail+"?canary2=1", sdk.Invalid, "unknown option"),
		sqltest.Broken("mysql://u:"+tail+"?tls=canary2", sdk.Invalid, "option tls"),
		sqltest.Broken("mysql://u:"+tail+"?tls=true&tls=canary2", sdk.Invalid, "tls twice"),
		sqltest.Broken("mysql://u:"+tail+"?connect-timeout=canary2", sdk.Invalid, "connect-timeout"),
		sqltest.Broken("mysql://u:"+tail+"?socket=", sdk.Invalid, "socket"),
		sqltest.Broken("mysql://u:"+tail+"?ssl-ca="+dir+"/nowhere", sdk.Invalid, "nowhere"),
		sqltest.Broken("mysql://u:"+tail+"?ssl-ca="+noCA, sdk.Invalid, "no certificate"),
		sqltest.Broken("mysql://u:"+tail+"?ssl-cert="+noCA+"&ssl-key="+noCA, sdk.Invalid, "ssl-cert"),
		sqltest.Broken("mysql://u:"+tail+"?ssl-cert="+noCA, sdk.Invalid, "needs both"),
		sqltest.Broken("mysql://u:"+tail+"?ssl-key="+noCA, sdk.Invalid, "needs both"),
		sqltest.Broken("mysql://u:"+tail+"?tls=false&ssl-ca="+noCA, sdk.Invalid, "tls=false"),
		sqltest.Broken("mysql://u:"+tail+"?a=%zz", sdk.Invalid, "options"),
	})
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
