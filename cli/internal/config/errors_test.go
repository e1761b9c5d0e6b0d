package config

import (
	"maps"
	"strings"
	"testing"
)

// TestErrors: whatever is wrong is said in one line that names the place, the
// key, what was found and what is allowed.
func TestErrors(t *testing.T) {
	const file = ".codex/archive.toml"
	for _, c := range []struct {
		name, file string
		env        map[string]string
		o          Options
		want       string
	}{
		{name: "range", file: "\n[retry]\nmax_attempts = 99\n",
			want: file + ":3: retry.max_attempts: found 99, allowed 1-10"},
		{name: "type", file: "[retry]\nmax_attempts = \"3\"\n",
			want: file + `:2: retry.max_attempts: found 3 (a string), allowed 1-10`},
		{name: "bool as string", file: "[retry]\nenabled = \"yes\"\n",
			want: file + `:2: retry.enabled: found yes (a string), allowed true false`},
		{name: "string as bool", file: "[logging]\nlevel = true\n",
			want: file + `:2: logging.level: found true (a boolean), allowed debug info warn error`},
		{name: "float for integer", file: "[batch]\nmax_concurrent = 2.5\n",
			want: file + `:2: batch.max_concurrent: found 2.5 (a float), allowed 1-32`},
		{name: "whole float for integer", file: "[retry]\nmax_attempts = 3.0\n",
			want: file + `:2: retry.max_attempts: found 3.0 (a float), allowed 1-10`},
		{name: "integer for bool", file: "[retry]\njitter = 1\n",
			want: file + `:2: retry.jitter: found 1 (an integer), allowed true false`},
		{name: "table", file: "[logging.level]\nx = 1\n",
			want: file + `:1: logging.level: found a table, allowed debug info warn error`},
		{name: "array", file: "[logging]\nfile = []\n",
			want: file + `:2: logging.file: found an array, allowed path (~ is not expanded)`},
		{name: "time", file: "[retry]\ninitial_delay = 07:32:00\n",
			want: file + `:2: retry.initial_delay: found a date or time, allowed seconds, 0-3600`},
		{name: "not a number", file: "[retry]\nbackoff_factor = nan\n",
			want: file + `:2: retry.backoff_factor: found NaN, allowed 1.0-10.0`},
		{name: "infinite", file: "[batch]\ntimeout_per_item = inf\n",
			want: file + `:2: batch.timeout_per_item: found +Inf, allowed seconds, > 0`},
		{name: "zero timeout", file: "[batch]\ntimeout_per_item = 0\n",
			want: file + `:2: batch.timeout_per_item: found 0, allowed seconds, > 0`},
		{name: "negative delay", file: "[retry]\ninitial_delay = -1\n",
			want: file + `:2: retry.initial_delay: found -1, allowed seconds, 0-3600`},
		{name: "delays", file: "[retry]\ninitial_delay = 10\nmax_delay = 5.5\n",
			want: file + `:3: retry.max_delay: found 5.5, allowed seconds, >= retry.initial_delay (10.0, ` + file + `:2)`},
		{name: "delay above default", env: map[string]string{"CODEX_ARCHIVE_RETRY_INITIAL": "60"},
			want: `CODEX_ARCHIVE_RETRY_INITIAL: retry.initial_delay: found 60.0, allowed seconds, <= retry.max_delay (32.0, default)`},
		{name: "no reasons", file: "[archive]\nreasons = []\n",
			want: file + `:2: archive.reasons: found nothing, allowed words, such as dead pruned`},
		{name: "reason of two words", file: "[archive]\nreasons = [\"a b\"]\n",
			want: file + `:2: archive.reasons: found an array, allowed words, such as dead pruned`},
		{name: "days", file: "[retention]\ndefault = 0\n",
			want: file + `:2: retention.default: found 0, allowed none, or days, 1-36500`},
		{name: "backend name", file: "[backend]\ntype = \"../evil\"\n",
			want: file + `:2: backend.type: found ../evil, allowed sqlite postgres mariadb, or the NAME of a program codex-archive-NAME`},
		{name: "control characters", file: "[logging]\nlevel = \"a\\nb\\u001b\"\n",
			want: file + `:2: logging.level: found "a\nb\x1b", allowed debug info warn error`},
		{name: "long", file: "[logging]\nlevel = \"" + strings.Repeat("x", 100) + "\"\n",
			want: file + `:2: logging.level: found 100 bytes, allowed debug info warn error`},

		{name: "unknown key", file: "[retry]\nmax_attempt = 3\n",
			want: file + `:2: retry.max_attempt: found an unknown key, allowed retry.enabled retry.max_attempts retry.initial_delay retry.max_delay retry.backoff_factor retry.jitter (did you mean retry.max_attempts?)`},
		{name: "unknown section", file: "[loging]\nlevel = \"info\"\n",
			want: file + `:2: loging.level: found an unknown section, allowed backend logging retry batch performance archive retention verify evidence plugins (did you mean logging.level?)`},
		{name: "no section", file: "level = \"info\"\n",
			want: file + `:1: level: found a key outside a section, allowed backend logging retry batch performance archive retention verify evidence plugins (did you mean logging.level?)`},
		{name: "section as value", file: "retry = true\n",
			want: file + `:1: retry: found a value in place of a section, allowed [retry]`},
		{name: "section as array", file: "[[retry]]\nenabled = true\n",
			want: file + `:1: retry: found a value in place of a section, allowed [retry]`},
		{name: "dotted name in quotes", file: "\"retry.enabled\" = true\n",
			want: file + `:1: retry.enabled: found an unknown key, allowed retry.enabled retry.max_attempts retry.initial_delay retry.max_delay retry.backoff_factor retry.jitter (did you mean retry.enabled?)`},
		{name: "unknown key with odd name", file: "[retry]\n\"a\\nb\" = 1\n",
			want: file + `:2: "retry.a\nb": found an unknown key, allowed retry.enabled retry.max_attempts retry.initial_delay retry.max_delay retry.backoff_factor retry.jitter`},
		{name: "inline and dotted", file: "retry = {enabled = true,\n max_attempts = 11}\nbatch.max_concurrent = 0\n",
			want: file + `:2: retry.max_attempts: found 11, allowed 1-10`},
		{name: "first line first", file: "[retry]\nzzz = 1\n[backend]\naaa = 1\n",
			want: file + `:2: retry.zzz: found an unknown key, allowed retry.enabled retry.max_attempts retry.initial_delay retry.max_delay retry.backoff_factor retry.jitter`},

		{name: "broken", file: "[retry]\nenabled = tru\n",
			want: file + `:2: found broken TOML (expected keyword "true"), allowed TOML 1.0`},
		{name: "twice", file: "[retry]\nenabled = true\nenabled = false\n",
			want: file + `:3: found broken TOML (key enabled is already defined), allowed TOML 1.0`},
		{name: "unquoted URL", file: "[backend]\nurl = postgres://u:CaNaRy@h/db\n",
			want: file + `:2: found broken TOML (unexpected character U+0070 'p' at start of value), allowed TOML 1.0`},
		{name: "deep", file: "a = " + strings.Repeat("[", maxKeys-1),
			want: file + `:1: found broken TOML (array is incomplete), allowed TOML 1.0`},
		{name: "crowded", file: "# " + strings.Repeat("=", maxKeys) + strings.Repeat("\n[a]", maxKeys+1),
			want: file + `: found more than 5000 keys, allowed the settings there are`},
		{name: "large", file: strings.Repeat("#", maxFile+1),
			want: file + `: found more than 1 MiB, allowed at most that`},

		{name: "variable", env: map[string]string{"CODEX_ARCHIVE_LOG_LEVEL": "loud"},
			want: `CODEX_ARCHIVE_LOG_LEVEL: logging.level: found loud, allowed debug info warn error`},
		{name: "variable bool", env: map[string]string{"CODEX_ARCHIVE_RETRY_ENABLED": "maybe so"},
			want: `CODEX_ARCHIVE_RETRY_ENABLED: retry.enabled: found "maybe so", allowed true false`},
		{name: "flag", o: Options{Flags: []Flag{{"--log-level", "logging.level", "loud"}}},
			want: `--log-level: logging.level: found loud, allowed debug info warn error`},
		{name: "set", o: Options{Set: []string{"retry.max_attempts=0"}},
			want: `--set: retry.max_attempts: found 0, allowed 1-10`},
		{name: "set unknown", o: Options{Set: []string{"retry.max=1"}},
			want: `--set: retry.max: found an unknown key, allowed retry.enabled retry.max_attempts retry.initial_delay retry.max_delay retry.backoff_factor retry.jitter`},
		{name: "set without value", o: Options{Set: []string{"retry.enabled"}},
			want: `--set: found no section.key=value, allowed one, such as logging.level=debug`},
		{name: "set with a URL", o: Options{Set: []string{"postgres://u:CaNaRy@h/db?x=y"}},
			want: `--set: found no section.key=value, allowed one, such as logging.level=debug`},
		{name: "no such file", o: Options{File: "none.toml"},
			want: `--config: none.toml: no such file`},
		{name: "no such file in variable", env: map[string]string{"CODEX_ARCHIVE_CONFIG": "none.toml"},
			want: `CODEX_ARCHIVE_CONFIG: none.toml: no such file`},
		{name: "file is a directory", o: Options{File: ".codex"},
			want: `.codex: found a directory, allowed a regular file`},

		{name: "URL in the wrong key", env: map[string]string{"CODEX_ARCHIVE_BACKEND": "postgres://u:CaNaRy@h/db"},
			want: `CODEX_ARCHIVE_BACKEND: backend.type: found a URL, allowed sqlite postgres mariadb, or the NAME of a program codex-archive-NAME`},
		{name: "connection string in the wrong key", env: map[string]string{"CODEX_ARCHIVE_LOG_LEVEL": "u:CaNaRy@tcp(h)/db"},
			want: `CODEX_ARCHIVE_LOG_LEVEL: logging.level: found a value not shown here, allowed debug info warn error`},
		{name: "no URL", env: map[string]string{"CODEX_ARCHIVE_URL": "u:CaNaRy@tcp(h)/db"},
			want: `CODEX_ARCHIVE_URL: backend.url: found a value that is no URL, allowed a URL such as sqlite:///./x.db, postgres://user@host/db or mysql://user@host/db`},
		{name: "URL with control characters", env: map[string]string{"CODEX_ARCHIVE_URL": "postgres://u:CaNaRy@h\n/db"},
			want: `CODEX_ARCHIVE_URL: backend.url: found a value that is no URL, allowed a URL such as sqlite:///./x.db, postgres://user@host/db or mysql://user@host/db`},
		{name: "mismatch", file: "[backend]\ntype = \"sqlite\"\n", env: map[string]string{"CODEX_ARCHIVE_URL": "postgres://u:CaNaRy@h/db"},
			want: `CODEX_ARCHIVE_URL: backend.url: found postgres://u:***@h/db (environment CODEX_ARCHIVE_URL), allowed sqlite:// for backend.type sqlite (` + file + `:2)`},
		{name: "mismatch with default", o: Options{Flags: []Flag{{"--backend", "backend.type", "mariadb"}}},
			want: `--backend: backend.type: found mariadb, allowed sqlite for backend.url sqlite:///./.codex/archive.sqlite (default); set backend.url too`},
		{name: "mismatch, unparsable", o: Options{Set: []string{"backend.type=sqlite", "backend.url=postgres://u:Ca%NaRy@h:port/db"}},
			want: `--set: backend.url: found postgres://… (flag --set backend.url), allowed sqlite:// for backend.type sqlite (flag --set backend.type)`},
		{name: "two slashes", o: Options{Flags: []Flag{{"--url", "backend.url", "sqlite://x.db"}}},
			want: `--url: backend.url: found sqlite://x.db (flag --url), allowed sqlite:///./x.db (from the project root) or sqlite:////dir/x.db (absolute), without options; ~ is not expanded for backend.type sqlite (scheme of backend.url (flag --url))`},
		{name: "SQLite with options", o: Options{Flags: []Flag{{"--url", "backend.url", "sqlite:///x.db?mode=ro"}}},
			want: `--url: backend.url: found sqlite:///x.db?mode=ro (flag --url), allowed sqlite:///./x.db (from the project root) or sqlite:////dir/x.db (absolute), without options; ~ is not expanded for backend.type sqlite (scheme of backend.url (flag --url))`},
		{name: "home", env: map[string]string{"CODEX_ARCHIVE_LOG_FILE": "~/x.log"},
			want: `CODEX_ARCHIVE_LOG_FILE: logging.file: found ~/x.log, allowed path (~ is not expanded)`},
		{name: "home of SQLite", o: Options{Flags: []Flag{{"--url", "backend.url", "sqlite:///~/x.db"}}},
			want: `--url: backend.url: found sqlite:///~/x.db (flag --url), allowed sqlite:///./x.db (from the project root) or sqlite:////dir/x.db (absolute), without options; ~ is not expanded for backend.type sqlite (scheme of backend.url (flag --url))`},
		{name: "scheme that names no backend", o: Options{Flags: []Flag{{"--url", "backend.url", "A.b://u:CaNaRy@h"}}},
			want: `--url: backend.url: found A.b://u:***@h, allowed a URL whose scheme names a backend, or backend.type beside it`},

		{name: "unset", file: "[backend]\nurl = \"postgres://u:${DB_CANARY}@h/db\"\n",
			want: file + `:2: backend.url: found ${DB_CANARY}, which is not set, allowed a variable that is set`},
		{name: "no name", file: "[backend]\nurl = \"postgres://u:CaNaRy${}@h/db\"\n",
			want: file + `:2: backend.url: found a ${ without NAME} after it, allowed ${NAME}, or $${ for a plain ${`},
		{name: "never closed", file: "[backend]\nurl = \"postgres://u:CaNaRy${DB_X@h/db\"\n",
			want: file + `:2: backend.url: found a ${ without NAME} after it, allowed ${NAME}, or $${ for a plain ${`},
		{name: "control character in a variable", file: "[backend]\nurl = \"postgres://${DB_HOST}/db\"\n", env: map[string]string{"DB_HOST": "CaNaRy\x00"},
			want: file + `:2: backend.url: found a value that is no URL once ${NAME} is replaced, allowed a URL such as sqlite:///./x.db, postgres://user@host/db or mysql://user@host/db`},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := newProject(t, c.file)
			maps.Copy(p.env, c.env)
			l, err := p.load(c.o)
			if err == nil {
				t.Fatalf("no error; got %+v", l.Config)
			}
			got := strings.ReplaceAll(err.Error(), p.dir, "ROOT")
			if got != c.want {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
			if strings.Contains(got, "CaNaRy") || strings.Contains(got, "\n") {
				t.Errorf("a secret or a line break in %q", got)
			}
		})
	}
}
