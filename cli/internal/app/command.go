package app

import (
	"context"
	"crypto/sha256"
	"errors"
	"io"
	"strings"
	"time"
	"unicode"

	"github.com/hashicorp/go-hclog"
	"github.com/urfave/cli/v2"
	"golang.org/x/text/unicode/norm"

	"github.com/codex-archive/codex/cli/internal/config"
	"github.com/codex-archive/codex/cli/internal/logging"
	"github.com/codex-archive/codex/cli/internal/output"
	"github.com/codex-archive/codex/cli/internal/retry"
	"github.com/codex-archive/codex/cli/internal/trust"
	"github.com/codex-archive/codex/sdk"
)

// Command is one run of one command.
type Command struct {
	Env   *Env
	Flags *cli.Context
	JSON  bool
	Log   hclog.Logger

	// The following are not set for a plain command.
	Config   *config.Loaded
	Decision trust.Decision // on the project's own file, if there is one
	Screen   *output.Screen
	Started  time.Time
	Acts     bool // it does something that is recorded

	timeout  time.Duration // 0: none
	logFile  io.Closer
	archive  *Archive // nil before Dial
	second   *Command // on another archive; nil without one: see Second
	isSecond bool
	// sameBackend says that a second archive has the backend of the first, which
	// --attach then names for both.
	sameBackend bool
	newArchive  string // the SQLite file that this command makes, "" for none
}

// open reads the configuration and sets up the log. It touches nothing else.
func (a *App) open(flags *cli.Context) (*Command, error) {
	c := &Command{Env: a.Env, Flags: flags, JSON: flags.Bool("json"), Screen: output.NewScreen(a.Env.Stderr), Started: time.Now()}
	var err error
	if c.timeout, err = Seconds("--timeout", flags.String("timeout")); err != nil {
		return nil, err
	}
	if c.Config, err = c.loadConfig(flags.Context, c.options()); err != nil {
		return nil, err
	}
	if c.Log, c.logFile, err = logging.New(c.logOptions()); err != nil {
		return nil, output.Errorf(output.Config, "%w", err)
	}
	if err := c.warn(); err != nil {
		return nil, output.Errorf(output.Config, "%w", err)
	}
	if given := flags.String("url"); given != sdk.RedactURL(given) {
		c.Log.Warn("Other users can see the password on the command line: use CODEX_ARCHIVE_URL or backend.password_file")
	}
	return c, nil
}

// options is what the command line says about the configuration.
func (c *Command) options() config.Options {
	o := config.Options{Dir: c.Env.Dir, Environ: c.Env.Vars, File: c.Flags.String("config"), Set: c.settings()}
	for flag, key := range configFlags() {
		if c.Flags.IsSet(flag) && IsCommon(c.Flags.Command, flag) {
			o.Flags = append(o.Flags, config.Flag{Name: "--" + flag, Key: key, Value: c.Flags.String(flag)})
		}
	}
	return o
}

func (c *Command) logOptions() logging.Options {
	format := c.Config.Logging.Format
	if !c.Config.Chosen("logging.format") {
		format = "auto"
	}
	return logging.Options{
		Level: c.Config.Logging.Level, Format: format, File: c.Config.Logging.File,
		Stderr: c.Screen, NoColor: c.Env.Get("NO_COLOR") != "",
		Scrub: c.scrub,
	}
}

// scrub hides the secrets of the archives of c.
func (c *Command) scrub(text string) string {
	if c.second != nil {
		text = c.second.Config.Scrub(text)
	}
	return c.Config.Scrub(text)
}

// Arguments checks that there is an argument for each name, and no other.
func (c *Command) Arguments(names ...string) error {
	n, command := c.Flags.NArg(), c.Flags.Command
	switch {
	case n < len(names):
		return output.Usagef("%s: missing %s", command.HelpName, strings.Join(names[n:], " and ")).
			WithHint("usage: %s", strings.ReplaceAll(command.UsageText, "\n", ", or "))
	case n > len(names):
		return output.Usagef("%s: unexpected argument %q", command.HelpName, c.Flags.Args().Get(len(names))).
			WithHint("usage: %s", strings.ReplaceAll(command.UsageText, "\n", ", or "))
	}
	return nil
}

// Person returns the name of an actor in one form, whatever keyboard or file it
// comes from: é may be one character or two, letters may be full-width, blanks may be
// many, and some characters do not show. Else one person could ask for a purge and
// carry it out under two forms of a name.
func Person(name string) string {
	shown := strings.Map(func(r rune) rune {
		if unicode.In(r, unicode.Cf, unicode.Variation_Selector, unicode.Other_Default_Ignorable_Code_Point) {
			return -1
		}
		return r
	}, norm.NFKC.String(name))
	return norm.NFKC.String(strings.Join(strings.Fields(shown), " "))
}

// Actor returns who acts.
func (c *Command) Actor() (string, error) {
	who := Person(c.Flags.String("by"))
	if who == "" {
		who = Person(c.Env.Get("CODEX_ACTOR"))
	}
	if who == "" {
		return "", output.Usagef("who does this? --by is missing").WithHint("add --by NAME, or set CODEX_ACTOR")
	}
	return who, nil
}

// RedactedURL is the URL of the archive without secrets.
func (c *Command) RedactedURL() string { return sdk.RedactURL(c.Config.Backend.URL) }

// ArchiveKey identifies the archive that the configuration names, in the intents
// beside the evidence: a command that finds the intent of a killed one must not
// ask another archive about it.
func (c *Command) ArchiveKey() sdk.ID {
	place := c.RedactedURL()
	if path, ok := c.Config.SQLitePath(); ok {
		place = path
	}
	sum := sha256.Sum256([]byte(c.Config.Backend.Type + "\n" + place))
	return sdk.ID(sum[:16])
}

// RetryPolicy is retry.* of the configuration.
func (c *Command) RetryPolicy() retry.Policy {
	r := c.Config.Retry
	p := retry.Policy{Initial: r.InitialDelay, Max: r.MaxDelay, Factor: r.BackoffFactor, Jitter: r.Jitter}
	if r.Enabled {
		p.Attempts = r.MaxAttempts
	}
	return p
}

// WarnRetention says that a record comes near the end of its retention.
func (c *Command) WarnRetention(r sdk.Record) {
	if r.RetainUntil.IsZero() || !r.PurgedAt.IsZero() {
		return
	}
	within := time.Duration(c.Config.Retention.WarnWithin) * 24 * time.Hour
	if !nearEnd(time.Now(), r.ArchivedAt, r.RetainUntil, within) {
		return
	}
	c.Log.Warn("Artifact near retention threshold", "tombstone", r.Tombstone.String(), "retain_until", output.Stamp(r.RetainUntil))
}

// nearEnd reports whether the time from stored to end is nearly over: at most
// within is left, and at most a quarter.
func nearEnd(now, stored, end time.Time, within time.Duration) bool {
	left := end.Sub(now)
	return left >= 0 && left <= min(within, end.Sub(stored)/4)
}

// Elapsed is how long the command has run.
func (c *Command) Elapsed() time.Duration { return time.Since(c.Started) }

// title is the command's name as log lines begin with it: "Health check".
func (c *Command) title() string {
	name := strings.ReplaceAll(c.Flags.Command.Name, "-", " ")
	return strings.ToUpper(name[:1]) + name[1:]
}

// failed reports whether the command itself failed: not if it was not begun, or
// is done and only its result was not printed.
func (c *Command) failed(f *output.Failure) bool {
	return f.Code() != output.ExitUsage && f.Kind != output.NotPrinted && f.Kind != output.OutputClosed
}

// close ends the backend and closes the log.
func (c *Command) close(ctx context.Context) {
	if c.timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithDeadline(ctx, c.Started.Add(c.timeout))
		defer cancel()
	}
	for _, on := range []*Command{c, c.second} {
		if on == nil || on.archive == nil {
			continue
		}
		err := on.archive.close(ctx)
		switch {
		case err == nil:
		case sdk.KindOf(err) == sdk.Timeout && ctx.Err() == nil: // nothing else has said so
			c.Log.Warn("The backend did not close the archive in time, and was ended: " + err.Error())
		default:
			c.Log.Debug("Closing the archive: " + err.Error())
		}
	}
	if c.logFile != nil {
		if err := c.logFile.Close(); err != nil && !errors.Is(err, io.ErrClosedPipe) {
			c.Log.Debug("Closing the log: " + err.Error())
		}
	}
}

// Progress returns what tells people how far a long run is. It has a live bar if
// they look at both outputs, or at standard error while the other has JSON.
func (c *Command) Progress() *output.Progress {
	return &output.Progress{
		Out: c.Env.Stdout, Screen: c.Screen, Silent: c.JSON,
		Bar: logging.IsTerminal(c.Env.Stderr) && (c.JSON || logging.IsTerminal(c.Env.Stdout)),
	}
}
