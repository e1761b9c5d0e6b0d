package sdk

import (
	"net/url"
	"strings"
	"testing"
)

func TestRedactURL(t *testing.T) {
	for _, c := range []struct{ in, want string }{
		{"sqlite:///./.codex/archive.sqlite", "sqlite:///./.codex/archive.sqlite"},
		{"sqlite:////srv/a:b@c.db", "sqlite:////srv/a:b@c.db"},
		{"postgres://user@host/db", "postgres://user@host/db"},
		{"postgres://user@host:5432/db", "postgres://user@host:5432/db"},
		{"postgres://user:pw@host:5432/db", "postgres://user:***@host:5432/db"},
		{"postgres://user:p/w@host/db", "postgres://user:***@host/db"},
		{"postgres://user:p@w@host/db", "postgres://user:***@host/db"},
		{"postgres://user:p:#?%w@host/db", "postgres://user:***@host/db"},
		{"postgres://:pw@host/db", "postgres://:***@host/db"},
		{"postgres://user:@host/db", "postgres://user:@host/db"},
		{"postgres://h1,h2/db?user=u&password=p@w&sslmode=disable", "postgres://h1,h2/db?user=u&password=***&sslmode=disable"},
		{"postgres://u@h:1/db?password=a@b", "postgres://u@h:***"},
		{"postgres://h/db?sslpassword=x", "postgres://h/db?sslpassword=***"},
		{"mysql://u@h/db?PASSWORD=x", "mysql://u@h/db?PASSWORD=***"},
		{"user:pw@tcp(h:3306)/db", "user:***@tcp(h:3306)/db"},
		{"host=h password=pw", "host=h password=***"},
		{"postgres//user:pw@host", "postgres//user:***@host"},
		{"", ""},
		{"://", "://"},
	} {
		if got := RedactURL(c.in); got != c.want {
			t.Errorf("RedactURL(%q) = %q, want %q", c.in, got, c.want)
		}
	}
}

func TestScrub(t *testing.T) {
	const u = "postgres://user:pa/ss%40word@host/db"
	for _, text := range []string{u, `invalid port ":pa" after host, ss%40word`, "login with pa/ss@word"} {
		got := Scrub(text, u)
		for _, part := range []string{"ss%40word", "ss@word", "word"} {
			if strings.Contains(got, part) {
				t.Errorf("Scrub(%q) = %q still has %q", text, got, part)
			}
		}
	}
	if got := Scrub("nothing here", "sqlite:///x"); got != "nothing here" {
		t.Errorf("Scrub changed %q", got)
	}
}

func FuzzRedactURL(f *testing.F) {
	f.Add("postgres", "user", "p/@:#?%w", "host/db?x=y")
	f.Add("mysql", "u", "password=", "h")
	f.Fuzz(func(t *testing.T, scheme, user, password, rest string) {
		const canary = "CaNaRy"
		if strings.ContainsAny(scheme+user, ":/@") || strings.Contains(rest, "@") || user == "" {
			t.Skip()
		}
		for _, u := range []string{
			scheme + "://" + user + ":" + password + canary + "@" + rest,
			scheme + "://" + user + ":" + canary + password + "@" + rest,
			scheme + "://" + user + "@h/db?password=" + canary + url.QueryEscape(password),
		} {
			if got := RedactURL(u); strings.Contains(got, canary) {
				t.Errorf("RedactURL(%q) = %q", u, got)
			}
		}
	})
}
