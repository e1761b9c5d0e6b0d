package config

import (
	"errors"
	"net/url"
	"strings"
	"testing"
)

func lookupIn(vars map[string]string) func(string) (string, error) {
	return func(name string) (string, error) {
		value, ok := vars[name]
		if !ok {
			return "", errors.New(name + " is not set")
		}
		return value, nil
	}
}

func TestExpand(t *testing.T) {
	vars := map[string]string{
		"PW": "a/b@c:d#e?f%g h", "USER": "us:er", "HOST": "h1:5432,h2:5433", "DB": "d/b", "Q": "x=1&y=2",
		"URL": " postgres://u:p@h/d\n", "NEST": "${PW}", "EMPTY": "",
	}
	const pw = "a%2Fb%40c%3Ad%23e%3Ff%25g%20h"
	for template, want := range map[string]string{
		"":                                         "",
		"plain":                                    "plain",
		"postgres://u:${PW}@h/d":                   "postgres://u:" + pw + "@h/d",
		"postgres://${USER}:${PW}@${HOST}/d":       "postgres://us%3Aer:" + pw + "@h1:5432,h2:5433/d",
		"postgres://${USER}@h/${DB}?${Q}":          "postgres://us%3Aer@h/d/b?x=1&y=2",
		"postgres://u:x@y${PW}@h/d":                "postgres://u:x@y" + pw + "@h/d", // the last @ counts
		"postgres://h/${DB}@x":                     "postgres://h/d/b@x",             // that @ is no authority's
		"postgres://h/d?user=u&password=${PW}":     "postgres://h/d?user=u&password=" + pw,
		"postgres://h/d?password=${EMPTY}&x=${DB}": "postgres://h/d?password=&x=d/b",
		"sqlite:///./${DB}.sqlite":                 "sqlite:///./d/b.sqlite",
		"${URL}":                                   "postgres://u:p@h/d",
		"${URL}?x":                                 " postgres://u:p@h/d\n?x",
		"$${PW}":                                   "${PW}",
		"$$${PW}":                                  "$${PW}",
		"$${${DB}}":                                "${d/b}",
		"a$b$$c{d}":                                "a$b$$c{d}",
		"x${NEST}":                                 "x${PW}",
	} {
		if got, err := expand(template, lookupIn(vars)); err != nil || got != want {
			t.Errorf("expand(%q) = %q, %v, want %q", template, got, err, want)
		}
	}
	for _, template := range []string{"${", "${}", "${A", "${A B}", "${1}", "x${UNSET}y", "${A${PW}}", "${\u00fc}"} {
		if got, err := expand(template, lookupIn(vars)); err == nil {
			t.Errorf("expand(%q) = %q, want an error", template, got)
		}
	}
}

// FuzzExpand: any password lands whole in the URL's user information, and a
// template without ${ is left alone.
func FuzzExpand(f *testing.F) {
	f.Add("p/@:#?%w", "postgres://u:${PW}@h/d")
	f.Add("${PW}", "$${PW}${PW}")
	f.Add("\x00\xff\n", "mysql://${PW}:${PW}@/d?password=${PW}")
	f.Fuzz(func(t *testing.T, password, template string) {
		lookup := lookupIn(map[string]string{"PW": password})
		out, err := expand("postgres://user:${PW}@host/db", lookup)
		if err != nil {
			t.Fatal(err)
		}
		u, err := url.Parse(out)
		if err != nil {
			t.Fatalf("%q: %v", out, err)
		}
		if got, _ := u.User.Password(); got != password || u.Host != "host" || u.Path != "/db" {
			t.Errorf("password %q became %q in %q", password, got, out)
		}
		out, err = expand(template, lookup)
		if !strings.Contains(template, "${") && (err != nil || out != template) {
			t.Errorf("expand(%q) = %q, %v", template, out, err)
		}
		var bad *badExpansion
		if errors.As(err, &bad) && len(template) > 8 && strings.Contains(err.Error(), template) {
			t.Errorf("the error quotes the URL: %v", err)
		}
	})
}

// FuzzFile: whatever a file holds, reading it neither panics nor takes long,
// and what is wrong is said in one line without the secret in it.
func FuzzFile(f *testing.F) {
	f.Add([]byte(Template(nil)))
	f.Add([]byte("[backend]\nurl = \"postgres://u:CaNaRy@h/d\"\n[retry]\nmax_attempts = 99\n"))
	f.Add([]byte("backend = {url = 'CaNaRy', \"a.b\" = {c.d = [1, {e = 2}]}}\n[[x.y]]\n'' = 1979-05-27"))
	f.Add([]byte("\ufeffa.b.c.d = \"\\u0000\"\r\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		entries, err := parseFile("x.toml", data)
		l := &loader{keys: Keys(), loaded: &Loaded{}, layers: map[string][]Setting{}}
		for i, e := range entries {
			if e.line < 1 || i > 0 && e.line < entries[i-1].line {
				t.Errorf("%q is on line %d", e.path, e.line)
			}
			if err == nil {
				err = l.addEntry(e, Source{ExplicitFile, "x.toml", e.line})
			}
		}
		if err != nil && (strings.ContainsAny(err.Error(), "\n\r\x1b") || !strings.HasPrefix(err.Error(), "x.toml:")) {
			t.Errorf("error is %q", err)
		}
		if err != nil && strings.Contains(string(data), `url = "postgres://u:CaNaRy@h/d"`) && strings.Contains(err.Error(), "CaNaRy") &&
			strings.Count(string(data), "CaNaRy") == 1 {
			t.Errorf("error has the secret: %q", err)
		}
	})
}
