package main

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/urfave/cli/v2"

	"github.com/codex-archive/codex/cli/internal/config"
	"github.com/codex-archive/codex/cli/internal/logging"
	"github.com/codex-archive/codex/cli/internal/pluginhost"
	"github.com/codex-archive/codex/cli/internal/retry"
	"github.com/codex-archive/codex/sdk"
	"github.com/codex-archive/codex/sdk/plugin"
)

// session is one run of one archive command: its settings, its log and, once it
// asked for it, its archive.
type session struct {
	*program
	flags   *cli.Context
	config  *config.Loaded
	screen  *screen
	log     hclog.InterceptLogger
	logFile io.Closer
	started time.Time
	timeout time.Duration // 0: none

	connection *pluginhost.Connection
	opened     sync.Once
}

// open reads the configuration and sets up the log. On failure there is no
// session: nothing was touched.
func (p *program) open(c *cli.Context) (*session, error) {
	s := &session{program: p, flags: c, screen: &screen{stderr: p.stderr}, started: time.Now()}
	var err error
	if s.timeout, err = seconds("--timeout", c.String("timeout")); err != nil {
		return nil, err
	}
	s.config, err = config.Load(s.options())
	if err != nil {
		return nil, &failure{code: exitUsage, kind: "config", err: err}
	}
	if s.log, s.logFile, err = logging.New(s.logOptions()); err != nil {
		return nil, &failure{code: exitUsage, kind: "config", err: err}
	}
	for _, w := range s.config.Warnings {
		s.log.Warn(w.Message, inJSON(w.Pairs)...)
	}
	if given := c.String("url"); given != sdk.RedactURL(given) {
		s.log.Warn("The password on the command line can be seen by other users of this machine: use CODEX_ARCHIVE_URL or backend.password_file")
	}
	return s, nil
}

// inJSON returns pairs for lines of JSON only: in text the message says it all.
func inJSON(pairs []any) []any {
	quiet := slices.Clone(pairs)
	for i := 1; i < len(quiet); i += 2 {
		quiet[i] = logging.JSONOnly{Value: quiet[i]}
	}
	return quiet
}

// options says what the command line has to say about the configuration.
func (s *session) options() config.Options {
	o := config.Options{Dir: s.dir, Env: s.lookupEnv, File: s.flags.String("config"), Set: s.flags.StringSlice("set")}
	for flag, key := range flagKeys {
		if s.flags.IsSet(flag) && isCommon(s.flags.Command, flag) {
			o.Flags = append(o.Flags, config.Flag{Name: "--" + flag, Key: key, Value: s.flags.String(flag)})
		}
	}
	return o
}

func (s *session) logOptions() logging.Options {
	format := s.config.Logging.Format
	if !s.config.Chosen("logging.format") {
		format = "auto"
	}
	return logging.Options{
		Level: s.config.Logging.Level, Format: format, File: s.config.Logging.File,
		Stderr: s.screen, NoColor: s.getenv("NO_COLOR") != "",
		Scrub: s.config.Scrub,
	}
}

// seconds reads a flag of seconds.
func seconds(flag, text string) (time.Duration, error) {
	if text == "" {
		return 0, nil
	}
	n, err := strconv.ParseFloat(strings.TrimSuffix(text, "s"), 64)
	if err != nil || !(n > 0) || n > 1e9 {
		return 0, usageError("%s: found %q, allowed seconds, > 0", flag, text)
	}
	return time.Duration(n * float64(time.Second)), nil
}

// lookupEnv is os.LookupEnv for the environment of this run.
func (p *program) lookupEnv(name string) (string, bool) {
	for i := len(p.environ) - 1; i >= 0; i-- {
		if value, ok := strings.CutPrefix(p.environ[i], name+"="); ok {
			return value, true
		}
	}
	return "", false
}

func (p *program) getenv(name string) string {
	value, _ := p.lookupEnv(name)
	return value
}

// arguments checks how many arguments there are; names is what they are called.
func (s *session) arguments(least, most int, names ...string) error {
	return arguments(s.flags, least, most, names...)
}

func arguments(c *cli.Context, least, most int, names ...string) error {
	n := c.NArg()
	switch {
	case n < least:
		err := usageError("%s: missing %s", c.Command.HelpName, strings.Join(names[n:least], " and "))
		err.hint = "usage: " + c.Command.UsageText
		return err
	case n > most:
		err := usageError("%s: unexpected argument %q", c.Command.HelpName, c.Args().Get(most))
		err.hint = "usage: " + c.Command.UsageText
		return err
	}
	return nil
}

// actor says who acts.
func (s *session) actor() (string, error) {
	who := strings.TrimSpace(s.flags.String("by"))
	if who == "" {
		who = strings.TrimSpace(s.getenv("CODEX_ACTOR"))
	}
	if who == "" {
		err := usageError("who does this? --by is missing")
		err.hint = "add --by NAME, or set CODEX_ACTOR"
		return "", err
	}
	return who, nil
}

// dial starts the backend's program, in the background. Nothing of the archive
// is touched before backend is called. A program that plugins.lock refuses is an
// error here, before there is evidence of an attempt.
func (s *session) dial(ctx context.Context, mode sdk.Mode) error {
	program, err := s.find(s.flags, s.config.Backend.Type)
	if err != nil {
		return err
	}
	sum, err := lockedSum(s.config.Root, program.Name)
	if err != nil {
		return err
	}
	if program.Warn != "" {
		s.log.Warn("Backend program: " + program.Warn)
	}
	password, err := s.config.Password()
	if err != nil {
		return &failure{code: exitUsage, kind: "config", err: err}
	}
	s.connection = pluginhost.Connect(ctx, plugin.Command{
		Path:         program.Path,
		Env:          pluginhost.Environ(s.environ, s.config.Plugins.PassEnv),
		Logger:       s.log.Named(program.Name),
		StartTimeout: s.config.Plugins.StartTimeout,
		SHA256:       sum,
	}, sdk.Options{
		URL: s.config.Backend.URL, Password: password, Dir: s.config.Root, Mode: mode, Parallel: s.config.Batch.MaxConcurrent,
	})
	if sum != nil {
		return s.connection.Refused()
	}
	return nil
}

// backend opens the archive that was dialled.
func (s *session) backend(ctx context.Context) (sdk.Backend, error) {
	backend, err := s.connection.Backend(ctx)
	if err != nil {
		return nil, err
	}
	s.opened.Do(func() {
		s.log.Debug("Backend validation: OK (" + s.config.Backend.Type + ")")
		s.log.Debug("Archive URL: " + s.redactedURL() + " (credentials redacted)")
	})
	return backend, nil
}

// reach is backend for commands that leave no evidence: opening the archive is
// repeated as retry.* allows.
func (s *session) reach(ctx context.Context) (backend sdk.Backend, err error) {
	_, err = retry.Do(ctx, s.policy(), func(ctx context.Context) (err error) {
		backend, err = s.backend(ctx)
		return err
	}, passing, func(f retry.Failure) error {
		s.warnRepeat(f)
		return nil
	})
	return backend, err
}

// warnRepeat says that a call will be made again.
func (s *session) warnRepeat(f retry.Failure) {
	s.log.Warn(fmt.Sprintf("Attempt %d failed, next in %s: %v", f.Attempt, millis(f.Wait), f.Err))
}

// connect is dial and backend in one, for commands that say how the archive is
// at this moment.
func (s *session) connect(ctx context.Context, mode sdk.Mode) (sdk.Backend, error) {
	if err := s.dial(ctx, mode); err != nil {
		return nil, err
	}
	return s.backend(ctx)
}

// search says where backend programs are looked for; dirs are those of
// --plugin-dir.
func (p *program) search(dirs []string) pluginhost.Search {
	search := pluginhost.Search{
		Flags:    dirs,
		Path:     p.getenv("CODEX_ARCHIVE_PLUGIN_PATH"),
		DataHome: p.getenv("XDG_DATA_HOME"),
	}
	if executable, err := os.Executable(); err == nil {
		if real, err := filepath.EvalSymlinks(executable); err == nil {
			search.Executable = real
		}
	}
	if home := p.getenv("HOME"); search.DataHome == "" && home != "" {
		search.DataHome = filepath.Join(home, ".local", "share")
	}
	return search
}

func (s *session) redactedURL() string { return sdk.RedactURL(s.config.Backend.URL) }

// archiveKey stands for the archive that the configuration names, in notes
// beside the evidence: a command that finds a dead one's note must not ask
// another archive about it.
func (s *session) archiveKey() sdk.ID {
	place := s.redactedURL()
	if path, ok := s.config.SQLitePath(); ok {
		place = path
	}
	sum := sha256.Sum256([]byte(s.config.Backend.Type + "\n" + place))
	return sdk.ID(sum[:16])
}

// warnRetention says that a record comes near the end of its retention.
func (s *session) warnRetention(r sdk.Record) {
	if r.RetainUntil.IsZero() || !r.PurgedAt.IsZero() {
		return
	}
	left := time.Until(r.RetainUntil)
	if left < 0 || left > time.Duration(s.config.Retention.WarnWithin)*24*time.Hour {
		return
	}
	s.log.Warn("Artifact near retention threshold", "tombstone", r.Tombstone.String(), "retain_until", stamp(r.RetainUntil))
}

// title is the command's name as log lines begin with it: "Health check".
func (s *session) title() string {
	name := strings.ReplaceAll(s.flags.Command.Name, "-", " ")
	return strings.ToUpper(name[:1]) + name[1:]
}

// elapsed is how long the command has run.
func (s *session) elapsed() time.Duration { return time.Since(s.started) }

// close ends the backend and the log.
func (s *session) close() {
	if s.connection != nil {
		if err := s.connection.Close(); err != nil {
			s.log.Debug("Closing the archive: " + err.Error())
		}
	}
	if s.logFile != nil {
		s.logFile.Close()
	}
}

// report says on stderr, and with --json on stdout, how the command failed, and
// returns the exit code.
func (p *program) report(err error) int {
	f := asFailure(err)
	if f == nil {
		return exitDone
	}
	log := p.errorLog()
	pairs := []any{}
	if f.hint != "" {
		pairs = append(pairs, "hint", f.hint)
	}
	pairs = append(pairs, "kind", logging.JSONOnly{Value: f.kind}, "code", logging.JSONOnly{Value: f.code})
	message := f.Error()
	if p.session != nil && f.code != exitUsage {
		message = p.session.title() + " failed: " + message
	}
	log.Error(message, pairs...)
	if shown := (resultShown{}); p.json && !errors.As(err, &shown) {
		if err := writeFailure(p.stdout, f); err != nil {
			log.Error(fmt.Sprintf("stdout: %v", err))
		}
	}
	return f.code
}

// errorLog returns the log of the session, or for errors from before there was a
// session one in the format that it would have had.
func (p *program) errorLog() hclog.Logger {
	if p.session != nil {
		return p.session.log
	}
	log, _, err := logging.New(logging.Options{
		Level: "error", Format: config.LogFormat(p.format), Stderr: p.stderr, NoColor: p.getenv("NO_COLOR") != "",
	})
	if err != nil {
		return hclog.NewNullLogger()
	}
	return log
}
