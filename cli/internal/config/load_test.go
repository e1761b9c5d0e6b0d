package config

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/codex-archive/codex/cli/internal/filetest"
)

// project is a project directory of its own for one test, and an environment.
type project struct {
	t   testing.TB
	dir string
	env map[string]string

	distrust string // why the project's own file is not trusted, "" if it is
}

func environ(env map[string]string) []string {
	var pairs []string
	for name, value := range env {
		pairs = append(pairs, name+"="+value)
	}
	return pairs
}

func newProject(t testing.TB, file string) *project {
	t.Helper()
	p := &project{t: t, dir: filetest.Dir(t), env: map[string]string{}}
	p.write(".codex/archive.toml", file)
	return p
}

// write makes a file below the project's directory.
func (p *project) write(name, text string) string {
	p.t.Helper()
	path := filepath.Join(p.dir, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		p.t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		p.t.Fatal(err)
	}
	return path
}

func (p *project) symlink(target, name string) {
	p.t.Helper()
	path := filepath.Join(p.dir, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		p.t.Fatal(err)
	}
	if err := os.Symlink(target, path); err != nil {
		p.t.Skipf("no symbolic links here: %v", err)
	}
}

// load loads with the project's environment; o.Dir defaults to its directory.
func (p *project) load(o Options) (*Loaded, error) {
	if o.Dir == "" {
		o.Dir = p.dir
	}
	o.Environ = environ(p.env)
	o.Trust = func(context.Context, Project) Trust { return Trust{p.distrust == "", p.distrust} }
	return Load(p.t.Context(), o)
}

func (p *project) mustLoad(o Options) *Loaded {
	p.t.Helper()
	l, err := p.load(o)
	if err != nil {
		p.t.Fatal(err)
	}
	return l
}

// field returns the value of a key in c, found by the key's name alone, so
// that a row of the table that sets the wrong field is noticed.
func field(c Config, key string) any {
	section, name, _ := strings.Cut(key, ".")
	fold := func(wanted string) func(string) bool {
		wanted = strings.ReplaceAll(wanted, "_", "")
		return func(s string) bool { return strings.EqualFold(s, wanted) }
	}
	return reflect.ValueOf(c).FieldByNameFunc(fold(section)).FieldByNameFunc(fold(name)).Interface()
}

// samples returns what the matrix test needs of each key: four values, in
// canonical form, that differ from the default and, where there are so many,
// from each other.
func samples() map[string][4]string {
	return map[string][4]string{
		"backend.type":                    {"aa", "bb", "cc", "dd"},
		"backend.url":                     {"aa://1", "bb://2", "cc://3", "dd://4"},
		"backend.password_file":           {"a", "b", "c", "d"},
		"logging.level":                   {"debug", "warn", "error", "debug"},
		"logging.format":                  {"text", "text", "text", "text"},
		"logging.file":                    {"a", "b", "c", "d"},
		"retry.enabled":                   {"true", "true", "true", "true"},
		"retry.max_attempts":              {"4", "5", "6", "7"},
		"retry.initial_delay":             {"1.5", "2.5", "3.5", "4.5"},
		"retry.max_delay":                 {"10.5", "20.5", "30.5", "40.5"},
		"retry.backoff_factor":            {"1.5", "2.5", "3.5", "4.5"},
		"retry.jitter":                    {"false", "false", "false", "false"},
		"batch.max_concurrent":            {"6", "7", "8", "9"},
		"batch.timeout_per_item":          {"1", "2", "3.5", "4"},
		"batch.continue_on_error":         {"true", "true", "true", "true"},
		"performance.enable_metrics":      {"false", "false", "false", "false"},
		"performance.track_decompression": {"false", "false", "false", "false"},
		"archive.codec":                   {"none", "zstd", "none", "zstd"},
		"archive.recipients_file":         {"a", "b", "c", "d"},
		"archive.identity_file":           {"a", "b", "c", "d"},
		"archive.level":                   {"fastest", "better", "best", "fastest"},
		"archive.reasons":                 {"a b", "c", "d e", "f"},
		"retention.default":               {"1", "2", "3", "4"},
		"retention.warn_within":           {"1", "2", "3", "4"},
		"verify.max_age":                  {"1", "2", "3", "4"},
		"evidence.dir":                    {"a", "b", "c", "d"},
		"plugins.start_timeout":           {"1", "2", "3.5", "4"},
		"plugins.pass_env":                {"A B", "C", "D", "E"},
	}
}

// tomlOf writes key = text as a file would.
func tomlOf(k Key, text string) string {
	_, name, _ := strings.Cut(k.Name, ".")
	if k.quoted {
		text = `"` + text + `"`
	}
	switch k.Name {
	case "plugins.pass_env", "archive.reasons":
		text = `["` + strings.ReplaceAll(strings.Trim(text, `"`), " ", `", "`) + `"]`
	}
	return fmt.Sprintf("[%s]\n%s = %s\n", k.section(), name, text)
}

// TestPrecedence sets every key in every combination of the layers and expects
// the highest that speaks to win, and all others to be named as overruled.
func TestPrecedence(t *testing.T) {
	const (
		environment = 1 << iota
		projectFile
		explicitFile
		set
		flag
		all = 1<<iota - 1
	)
	for _, k := range Keys() {
		sample, ok := samples()[k.Name]
		if !ok {
			t.Fatalf("%s: no samples", k.Name)
		}
		t.Run(k.Name, func(t *testing.T) {
			p := newProject(t, "")
			explicit := p.write("explicit.toml", tomlOf(k, sample[2]))
			own := filepath.Join(p.dir, ".codex", "archive.toml")
			for mix := 0; mix <= all; mix++ {
				var o Options
				var want []string // highest first
				p.env = map[string]string{}
				if mix&flag != 0 {
					o.Flags = []Flag{{"--own", k.Name, sample[0]}}
					want = append(want, "flag --own="+sample[0])
				}
				if mix&set != 0 {
					o.Set = []string{k.Name + "=" + sample[3]}
					want = append(want, "flag --set "+k.Name+"="+sample[3])
				}
				if mix&explicitFile != 0 {
					o.File = explicit
					want = append(want, explicit+":2="+sample[2])
				}
				text := ""
				if mix&projectFile != 0 {
					text = tomlOf(k, sample[1])
					if k.section() != "plugins" {
						want = append(want, ".codex/archive.toml:2="+sample[1])
					}
				}
				if err := os.WriteFile(own, []byte(text), 0o600); err != nil {
					t.Fatal(err)
				}
				if mix&environment != 0 {
					p.env[k.Variable] = sample[0]
					want = append(want, "environment "+k.Variable+"="+sample[0])
				}
				if k.Name == "backend.type" && len(want) > 0 {
					o.Flags = append(o.Flags, Flag{"--url", "backend.url", "zz://x"})
				}
				l := p.mustLoad(o)
				checkOrigin(t, l, k, want)
			}
		})
	}
}

// checkOrigin compares what was found for k with want, "source=value", the
// winner first.
func checkOrigin(t *testing.T, l *Loaded, k Key, want []string) {
	t.Helper()
	if len(want) == 0 {
		want = []string{"default=" + k.Default}
	}
	origin := l.Origin(k.Name)
	var got []string
	for _, s := range append([]Setting{origin.Setting}, origin.Overruled...) {
		got = append(got, s.Source.String()+"="+s.Value)
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %q, want %q", got, want)
		return
	}
	var reference Config
	if _, ok := k.set(&reference, origin.Value); !ok {
		t.Errorf("%s: canonical value %q is not accepted", k.Name, origin.Value)
	}
	wanted := field(reference, k.Name)
	if path, ok := wanted.(string); ok && k.path != nil && path != "" {
		wanted = filepath.Join(l.Root, path)
	}
	if value := field(l.Config, k.Name); !reflect.DeepEqual(value, wanted) {
		t.Errorf("field is %v, want %v", value, wanted)
	}
	if chosen := l.Chosen(k.Name); chosen != (want[0] != "default="+k.Default) {
		t.Errorf("Chosen = %v with %q", chosen, want[0])
	}
}

func TestLaterSetWins(t *testing.T) {
	l := newProject(t, "").mustLoad(Options{Set: []string{"retry.max_attempts=4", "retry.max_attempts=5"}})
	if l.Retry.MaxAttempts != 5 {
		t.Errorf("got %d, want 5", l.Retry.MaxAttempts)
	}
}

// TestMerge: for a key that is not in the file the environment counts.
func TestMerge(t *testing.T) {
	p := newProject(t, "[retry]\nenabled = true\n")
	explicit := p.write("x.toml", "[retry]\nmax_attempts = 7\n")
	p.env["CODEX_ARCHIVE_CONFIG"] = explicit
	p.env["CODEX_ARCHIVE_RETRY_JITTER"] = "No"
	p.env["CODEX_ARCHIVE_LOG_LEVEL"] = "" // counts as not set
	l := p.mustLoad(Options{Set: []string{"retry.backoff_factor=3"}})
	want := Retry{true, 7, 1e9, 32e9, 3, false}
	if l.Retry != want || l.Logging.Level != "info" {
		t.Errorf("got %+v and level %s, want %+v", l.Retry, l.Logging.Level, want)
	}
}

func TestDefaults(t *testing.T) {
	p := newProject(t, "")
	got := p.mustLoad(Options{}).Config
	want := Config{
		Backend:     Backend{Type: "sqlite", URL: "sqlite:///./.codex/archive.sqlite"},
		Logging:     Logging{Level: "info", Format: "json"},
		Retry:       Retry{MaxAttempts: 3, InitialDelay: 1e9, MaxDelay: 32e9, BackoffFactor: 2, Jitter: true},
		Batch:       Batch{MaxConcurrent: 5, TimeoutPerItem: 300e9},
		Performance: Performance{true, true},
		Archive:     Archive{Codec: "auto", Level: "default", Reasons: []string{"dead", "pruned", "legacy", "replaced"}},
		Retention:   Retention{WarnWithin: 30},
		Evidence:    Evidence{filepath.Join(p.dir, ".codex/evidence")},
		Plugins:     Plugins{StartTimeout: 30e9},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v\nwant %+v", got, want)
	}
}

// TestGuide loads the files that the usage guide prints.
func TestGuide(t *testing.T) {
	p := newProject(t, `
[backend]
type = "postgres"
url = "postgres://archive_user:${DB_PASSWORD}@db.prod.example.com/archive_db"
[logging]
level = "info"
format = "json"
file = ".codex/archive.log"
[retry]
enabled = true
max_attempts = 5
initial_delay = 2.0
max_delay = 64
backoff_factor = 2   # integers do as well
jitter = true
[batch]
max_concurrent = 10
timeout_per_item = 300
continue_on_error = true
[performance]
enable_metrics = true
track_decompression = true
`)
	p.env["DB_PASSWORD"] = "p/@:#?% w\n"
	l := p.mustLoad(Options{})
	if want := "postgres://archive_user:p%2F%40%3A%23%3F%25%20w%0A@db.prod.example.com/archive_db"; l.Backend.URL != want {
		t.Errorf("URL is %s, want %s", l.Backend.URL, want)
	}
	origin := l.Origin("backend.url")
	if want := "postgres://archive_user:***@db.prod.example.com/archive_db"; origin.Shown() != want {
		t.Errorf("shown as %s, want %s", origin.Shown(), want)
	}
	if !strings.Contains(origin.Written, "${DB_PASSWORD}") {
		t.Errorf("written as %s", origin.Written)
	}
	if l.Logging.File != filepath.Join(p.dir, ".codex/archive.log") || l.Retry.MaxDelay != 64e9 || !l.Batch.ContinueOnError {
		t.Errorf("got %+v", l.Config)
	}
	if len(l.Warnings) != 0 {
		t.Errorf("warnings: %v", l.Warnings)
	}
}

func TestWarnings(t *testing.T) {
	p := newProject(t, `[backend]
url = "sqlite:///./a.db"
[logging]
level = "warn"
[retry]
max_attempts = 4
jitter = true
[plugins]
start_timeout = 1
pass_env = "AWS_SECRET"
dir = "/evil"
more = 1
`)
	p.env["CODEX_ARCHIVE_URL"] = "postgres://u:CaNaRy@h/db"
	p.env["CODEX_ARCHIVE_LOG_LEVEL"] = "debug"
	p.env["CODEX_ARCHIVE_RETRY_MAX"] = "5"
	p.env["CODEX_ARCHIVE_RETRY_JITTER"] = "ON" // says the same in other words
	l := p.mustLoad(Options{Set: []string{"retry.max_attempts=6"}})
	want := []string{
		".codex/archive.toml:9: plugins.start_timeout is ignored in a project's own file; use CODEX_ARCHIVE_PLUGIN_START_TIMEOUT or --set plugins.start_timeout",
		".codex/archive.toml:10: plugins.pass_env is ignored in a project's own file; use CODEX_ARCHIVE_PASS_ENV or --set plugins.pass_env",
		".codex/archive.toml:11: plugins.dir is ignored in a project's own file; use a file given by --config",
		"CODEX_ARCHIVE_URL is overruled by .codex/archive.toml:2; --url would win",
		"CODEX_ARCHIVE_LOG_LEVEL is overruled by .codex/archive.toml:4; --log-level would win",
	}
	var got []string
	for _, w := range l.Warnings {
		got = append(got, w.Message)
		if strings.Contains(fmt.Sprint(w.Pairs...), "CaNaRy") || len(w.Pairs)%2 != 0 {
			t.Errorf("pairs: %v", w.Pairs)
		}
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	if l.Plugins.StartTimeout != 30e9 || l.Plugins.PassEnv != nil {
		t.Errorf("plugins: %+v", l.Plugins)
	}
	if got := l.Scrub("cannot log in with CaNaRy"); strings.Contains(got, "CaNaRy") {
		t.Errorf("secret of an overruled URL is not scrubbed: %s", got)
	}
}

func TestBackendFollowsURL(t *testing.T) {
	for _, c := range []struct{ url, want string }{
		{"sqlite:///x", "sqlite"}, {"postgres://h/d", "postgres"}, {"postgresql://h/d", "postgres"},
		{"mysql://h/d", "mariadb"}, {"mariadb://h/d", "mariadb"}, {"acme-cloud://x", "acme-cloud"},
	} {
		l := newProject(t, "").mustLoad(Options{Flags: []Flag{{"--url", "backend.url", c.url}}})
		if l.Backend.Type != c.want || l.Chosen("backend.type") || l.Origin("backend.type").Source.String() != "scheme of backend.url (flag --url)" {
			t.Errorf("%s: %s from %s, want %s", c.url, l.Backend.Type, l.Origin("backend.type").Source, c.want)
		}
	}
	// A vendor's backend may take any scheme.
	l := newProject(t, "").mustLoad(Options{Set: []string{"backend.type=cockroach", "backend.url=postgres://h/d"}})
	if l.Backend.Type != "cockroach" {
		t.Errorf("got %s", l.Backend.Type)
	}
}

func TestSQLitePath(t *testing.T) {
	p := newProject(t, "")
	sub := filepath.Join(p.dir, "sub")
	if err := os.Mkdir(sub, 0o700); err != nil {
		t.Fatal(err)
	}
	for url, want := range map[string]string{
		"sqlite:///./x.db":     p.dir + "/x.db",
		"sqlite:///a/../x.db":  p.dir + "/x.db",
		"sqlite:////srv/x.db":  "/srv/x.db",
		"sqlite:///a%20b#c.db": p.dir + "/a%20b#c.db",
	} {
		l := p.mustLoad(Options{Dir: sub, Flags: []Flag{{"--url", "backend.url", url}}})
		if got, ok := l.SQLitePath(); !ok || got != filepath.FromSlash(want) {
			t.Errorf("%s: got %s, want %s", url, got, want)
		}
	}
	l := p.mustLoad(Options{Flags: []Flag{{"--url", "backend.url", "postgres://h"}}})
	if got, ok := l.SQLitePath(); ok {
		t.Errorf("postgres has the path %s", got)
	}
}

func TestRelativePaths(t *testing.T) {
	p := newProject(t, "")
	sub := filepath.Join(p.dir, "sub")
	if err := os.Mkdir(sub, 0o700); err != nil {
		t.Fatal(err)
	}
	p.env["CODEX_ARCHIVE_LOG_FILE"] = "../env.log"
	p.env["CODEX_EVIDENCE_DIR"] = "/ev/../x"
	l := p.mustLoad(Options{Dir: sub, Set: []string{"backend.password_file=../pw"}})
	for got, want := range map[string]string{
		l.Root:                 p.dir,
		l.Logging.File:         filepath.Join(filepath.Dir(p.dir), "env.log"), // from the root
		l.Backend.PasswordFile: filepath.Join(p.dir, "pw"),                    // from the current directory
	} {
		if got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
}

func TestTemplate(t *testing.T) {
	text := Template(nil)
	p := newProject(t, text)
	for _, o := range p.mustLoad(Options{}).Origins() {
		if o.Source.Layer != Default {
			t.Errorf("the template sets %s", o.Key)
		}
	}
	// With its settings uncommented it is the default configuration.
	var active strings.Builder
	for line := range strings.Lines(text) {
		if i := strings.Index(line, " = "); i > 0 && strings.HasPrefix(line, "# ") && !strings.Contains(line[2:i], " ") {
			line = line[2:]
		}
		active.WriteString(line)
	}
	got := p.mustLoad(Options{File: p.write("all.toml", active.String())})
	for _, o := range got.Origins() {
		if o.Source.Layer != ExplicitFile {
			t.Errorf("the template does not have %s", o.Key)
		}
	}
	if want := newProject(t, ""); !reflect.DeepEqual(relative(got), relative(want.mustLoad(Options{}))) {
		t.Errorf("got %+v", got.Config)
	}
}

// relative returns l's configuration with the evidence directory relative to
// the root, so that two projects can be compared.
func relative(l *Loaded) Config {
	c := l.Config
	c.Evidence.Dir, _ = filepath.Rel(l.Root, c.Evidence.Dir)
	return c
}

func TestKeysAreComplete(t *testing.T) {
	seen := map[string]bool{}
	for _, k := range Keys() {
		for _, name := range []string{k.Name, k.Variable, k.Flag} {
			if seen[name] && name != "" {
				t.Errorf("%s: %s is used twice", k.Name, name)
			}
			seen[name] = true
		}
		if k.Doc == "" || k.Allowed == "" || k.Default == "" || !strings.HasPrefix(k.Variable, "CODEX_") {
			t.Errorf("%s: something is missing: %+v", k.Name, k)
		}
	}
	if n := len(Keys()); n != 28 {
		t.Errorf("%d keys, want 28", n)
	}
}
