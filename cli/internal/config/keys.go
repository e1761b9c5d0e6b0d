package config

import (
	"strings"
	"time"
)

// Key is one row of the table of settings.
type Key struct {
	Name     string // "section.key"
	Default  string // as one would write it, "none" for nothing
	Variable string // environment variable
	Flag     string // the flag of its own that every command has, "" where only --set does
	Allowed  string // what values are allowed, for messages and documents
	Doc      string // what it is for, one sentence

	quoted bool // a string in TOML
	secret bool // the value is never quoted in a message
	// fromTOML returns a decoded TOML value as text, or false where its type
	// is wrong.
	fromTOML func(any) (string, bool)
	// set checks text and puts it into c. It returns the canonical form, by
	// which values of different layers are compared and shown.
	set func(c *Config, text string) (canonical string, ok bool)
	// path returns the field that holds a path, nil for keys that hold none.
	path func(c *Config) *string
	// written is true for paths that are written to.
	written bool
}

// section returns the part of the name before the dot.
func (k Key) section() string { s, _, _ := strings.Cut(k.Name, "."); return s }

// option returns what to write on the command line to set k.
func (k Key) option() string {
	if k.Flag != "" {
		return k.Flag
	}
	return "--set " + k.Name
}

// sections says in one line what each section is about, in the order of the
// table.
func sections() [][2]string {
	return [][2]string{
		{"backend", "Where the archive is."},
		{"logging", "Log lines go to standard error and, if a file is named, there too."},
		{"retry", "Repeating calls that failed for a temporary reason. All delays are in seconds."},
		{"batch", "Restoring many files from a manifest."},
		{"performance", "Timings in log and evidence."},
		{"archive", "How files are stored."},
		{"retention", "How long archived files must be kept."},
		{"verify", "How often content is to be read back and checked."},
		{"evidence", "The append-only log of everything that was done."},
		{"plugins", "How backend programs are started. Ignored in a project's own file: use a file given by --config, the environment or --set."},
	}
}

// Keys returns the table: every setting there is, in the order in which
// programs show them.
func Keys() []Key {
	return []Key{
		row("backend.type", "sqlite", "CODEX_ARCHIVE_BACKEND", "--backend", backendName(),
			"Which backend keeps the archive; where it is not set, it follows from the URL.",
			func(c *Config) *string { return &c.Backend.Type }),
		secret(row("backend.url", "sqlite:///./.codex/archive.sqlite", "CODEX_ARCHIVE_URL", "--url", address(),
			"Where the archive is. In a file, ${NAME} is replaced by an environment variable and $${ by a plain ${.",
			func(c *Config) *string { return &c.Backend.URL })),
		pathRow("backend.password_file", "none", "CODEX_ARCHIVE_PASSWORD_FILE", optionalPath(),
			"A file whose one line is the password; others must not be able to read it, unless it is a mounted secret.",
			func(c *Config) *string { return &c.Backend.PasswordFile }),

		row("logging.level", "info", "CODEX_ARCHIVE_LOG_LEVEL", "--log-level", oneOf("debug", "info", "warn", "error"),
			"The least important lines that are still logged.",
			func(c *Config) *string { return &c.Logging.Level }),
		row("logging.format", "json", "CODEX_ARCHIVE_LOG_FORMAT", "--log-format", oneOf("json", "text"),
			"The form of log lines. Where it is not set, text on a terminal and json elsewhere.",
			func(c *Config) *string { return &c.Logging.Format }),
		written(pathRow("logging.file", "none", "CODEX_ARCHIVE_LOG_FILE", optionalPath(),
			"A file that gets the same log lines, appended.",
			func(c *Config) *string { return &c.Logging.File })),

		row("retry.enabled", "false", "CODEX_ARCHIVE_RETRY_ENABLED", "", boolean(),
			"Repeat calls that failed for a temporary reason, such as a lost connection.",
			func(c *Config) *bool { return &c.Retry.Enabled }),
		row("retry.max_attempts", "3", "CODEX_ARCHIVE_RETRY_MAX", "", integer(1, 10),
			"How often a call is tried at most, the first time included.",
			func(c *Config) *int { return &c.Retry.MaxAttempts }),
		row("retry.initial_delay", "1.0", "CODEX_ARCHIVE_RETRY_INITIAL", "", delay("seconds, 0-3600", 3600),
			"Seconds to wait after the first attempt.",
			func(c *Config) *time.Duration { return &c.Retry.InitialDelay }),
		row("retry.max_delay", "32.0", "CODEX_ARCHIVE_RETRY_MAX_DELAY", "", delay("seconds, >= retry.initial_delay", maxSeconds),
			"The longest wait in seconds.",
			func(c *Config) *time.Duration { return &c.Retry.MaxDelay }),
		row("retry.backoff_factor", "2.0", "CODEX_ARCHIVE_RETRY_BACKOFF", "", factor(1, 10),
			"By how much the wait grows from one attempt to the next.",
			func(c *Config) *float64 { return &c.Retry.BackoffFactor }),
		row("retry.jitter", "true", "CODEX_ARCHIVE_RETRY_JITTER", "", boolean(),
			"Vary each wait at random by up to 10 % either way, so that many clients do not come back at once.",
			func(c *Config) *bool { return &c.Retry.Jitter }),

		row("batch.max_concurrent", "5", "CODEX_ARCHIVE_BATCH_CONCURRENT", "", integer(1, 32),
			"How many files are restored at the same time.",
			func(c *Config) *int { return &c.Batch.MaxConcurrent }),
		row("batch.timeout_per_item", "300", "CODEX_ARCHIVE_BATCH_TIMEOUT", "", span("seconds, > 0"),
			"Seconds that one file may take, all its attempts together.",
			func(c *Config) *time.Duration { return &c.Batch.TimeoutPerItem }),
		row("batch.continue_on_error", "false", "CODEX_ARCHIVE_BATCH_CONTINUE", "", boolean(),
			"Go on with the other files after one has failed.",
			func(c *Config) *bool { return &c.Batch.ContinueOnError }),

		row("performance.enable_metrics", "true", "CODEX_ARCHIVE_PERF_ENABLED", "", boolean(),
			"Say how long each part of a restore took.",
			func(c *Config) *bool { return &c.Performance.EnableMetrics }),
		row("performance.track_decompression", "true", "CODEX_ARCHIVE_PERF_DECOMP", "", boolean(),
			"Measure decompression by itself.",
			func(c *Config) *bool { return &c.Performance.TrackDecompression }),

		row("archive.codec", "auto", "CODEX_ARCHIVE_CODEC", "", oneOf("auto", "zstd", "none"),
			"How content is compressed; auto is zstd where it saves anything, else none.",
			func(c *Config) *string { return &c.Archive.Codec }),
		pathRow("archive.recipients_file", "none", "CODEX_ARCHIVE_RECIPIENTS_FILE", optionalPath(),
			"A file of age or SSH public keys, one a line: what is stored is encrypted to them, as zstd+age whatever archive.codec says.",
			func(c *Config) *string { return &c.Archive.RecipientsFile }),
		pathRow("archive.identity_file", "none", "CODEX_ARCHIVE_IDENTITY_FILE", optionalPath(),
			"A file with the private key of a recipient, which reads what is encrypted; others must not be able to read it.",
			func(c *Config) *string { return &c.Archive.IdentityFile }),
		row("archive.level", "default", "CODEX_ARCHIVE_LEVEL", "", oneOf("fastest", "default", "better", "best"),
			"How hard to compress.",
			func(c *Config) *string { return &c.Archive.Level }),
		row("archive.reasons", "dead pruned legacy replaced", "CODEX_ARCHIVE_REASONS", "", reasons(),
			"The words that store takes as a reason.",
			func(c *Config) *[]string { return &c.Archive.Reasons }),

		row("retention.default", "none", "CODEX_ARCHIVE_RETENTION", "", daysOrNone(),
			"For how many days a newly stored file must be kept.",
			func(c *Config) *int { return &c.Retention.Default }),
		row("retention.warn_within", "30", "CODEX_ARCHIVE_RETENTION_WARN", "", days(),
			"Warn when a file has no more than this many days left, and is in the last quarter of its retention.",
			func(c *Config) *int { return &c.Retention.WarnWithin }),

		row("verify.max_age", "none", "CODEX_ARCHIVE_VERIFY_MAX_AGE", "", daysOrNone(),
			"health-check warns when all content was last verified more than so many days ago.",
			func(c *Config) *int { return &c.Verify.MaxAge }),

		written(pathRow("evidence.dir", ".codex/evidence", "CODEX_EVIDENCE_DIR", path(),
			"The directory of the evidence log.",
			func(c *Config) *string { return &c.Evidence.Dir })),

		row("plugins.start_timeout", "30", "CODEX_ARCHIVE_PLUGIN_START_TIMEOUT", "", span("seconds, > 0"),
			"Seconds that a backend program has to start.",
			func(c *Config) *time.Duration { return &c.Plugins.StartTimeout }),
		row("plugins.pass_env", "none", "CODEX_ARCHIVE_PASS_ENV", "", variables(),
			"Names of environment variables that a backend program sees besides the fixed few.",
			func(c *Config) *[]string { return &c.Plugins.PassEnv }),
	}
}

// row builds a Key from its type of value and the field that holds it.
func row[T any](name, def, variable, flag string, k valueType[T], doc string, field func(*Config) *T) Key {
	return Key{
		Name: name, Default: def, Variable: variable, Flag: flag, Allowed: k.allowed, Doc: doc,
		quoted: k.quoted, fromTOML: k.fromTOML,
		set: func(c *Config, text string) (string, bool) {
			v, canonical, ok := k.parse(text)
			if ok {
				*field(c) = v
			}
			return canonical, ok
		},
	}
}

// pathRow is row for a key that holds a path.
func pathRow(name, def, variable string, k valueType[string], doc string, field func(*Config) *string) Key {
	key := row(name, def, variable, "", k, doc, field)
	key.path = field
	return key
}

func secret(k Key) Key { k.secret = true; return k }

func written(k Key) Key { k.written = true; return k }
