package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync/atomic"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/urfave/cli/v2"

	"github.com/codex-archive/codex/cli/internal/app"
	"github.com/codex-archive/codex/cli/internal/durable"
	"github.com/codex-archive/codex/cli/internal/output"
	"github.com/codex-archive/codex/sdk"
	"github.com/codex-archive/codex/sdk/backendtest"
)

// numbered is the part of a URL in which the archives of the kit differ.
const numbered = "{}"

func pluginTestCommand(a *app.App) *cli.Command {
	return a.Plain(&cli.Command{
		Name:      "test",
		Usage:     "run the rules of the contract on a backend program, and report",
		UsageText: "codex plugin test NAME|PATH --url URL [flags] [-- ARGUMENTS]\ncodex plugin test --attach ADDRESS --url URL [flags] [-- ARGUMENTS]",
		Description: "Stores, reads and purges as the contract says, in archives of its own, and prints what a\n" +
			"vendor can publish: rules passed, failed, skipped and why. The program is run, many times.\n" +
			"The exit code is 0 where every rule that must pass and could be tried passed, and 1 where one\n" +
			"failed or none could be tried; 6 where the program does not start, the archive does not open,\n" +
			"or the time of --timeout is over; 7 where the archive is not empty.\n\n" +
			"Where a rule fails, the report has the last calls with what came, the lines that the program\n" +
			"logged, and how it ended. Rules that build on one that failed are skipped and say so. The\n" +
			"progress names the rule that runs; one that hangs costs its deadline and no more.\n" +
			"--set plugins.pass_env=NAMES passes variables on.\n\n" +
			"An archive that is not empty is refused, and nothing is cleaned up. \"{}\" in the URL becomes\n" +
			"another word for each archive that the rules ask for; without it there is one archive, and\n" +
			"rules that need more are skipped. A password is better kept in CODEX_ARCHIVE_URL.\n\n" +
			"Rules about damaged content need a way to damage it behind the backend's back: a PROGRAM that\n" +
			"reads two lines on its standard input, the URL of an archive and the SHA-256 of the content\n" +
			"whose stored bytes it shall alter. Rules about rows that were tampered with need a\n" +
			"PROGRAM that reads four lines: the URL, what to do (remove-body, spoil-record, spoil-content, swap-content;\n" +
			"and with the capability inspection remove-record, remove-content, feign-purge),\n" +
			"the tombstone of the record, and for swap-content that of the record whose content it gets.\n" +
			"No shell runs them, on any system. ARGUMENTS after \"--\" are given to both.\n\n" +
			"EXAMPLES:\n" +
			"   codex plugin test ./codex-archive-oracle --url 'oracle://ann@localhost/t{}'\n" +
			"   codex plugin test sqlite --url 'sqlite:///./kit-{}.db' --run '^(PUT|GET)-' -v\n" +
			"   codex plugin test acme --url 'acme://host/t{}' --fail-fast --deadline 10\n" +
			"   codex plugin test acme --url 'acme:///{}' --damage python3 -- harm.py\n" +
			"   codex plugin test --attach unix:/tmp/x.sock --url 'x://{}' --junit report.xml",
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "url", Usage: "`URL` of an archive that is empty or not there yet; without it CODEX_ARCHIVE_URL is asked"},
			&cli.StringFlag{Name: "run", Usage: "only rules whose id matches `REGEX`, such as '^PUT-'"},
			&cli.StringFlag{Name: "attach", Usage: "test a running backend at `ADDRESS` (unix:PATH or tcp:HOST:PORT) instead of a program"},
			&cli.Uint64Flag{Name: "seed", Usage: "`NUMBER` that all ids and bodies come from; the same gives the same calls", Value: 1},
			&cli.StringFlag{Name: "damage", Usage: "`PROGRAM` that alters the stored body of a content, see above"},
			&cli.StringFlag{Name: "tamper", Usage: "`PROGRAM` that alters rows of a record, see above"},
			&cli.StringFlag{Name: "deadline", Usage: "fail a rule that takes longer than so many `SECONDS`", Value: "120"},
			&cli.StringFlag{Name: "timeout", Usage: "end the run after so many `SECONDS`, and report"},
			app.Switch("fail-fast", "end the run with the first rule that fails"),
			&cli.BoolFlag{Name: "verbose", Aliases: []string{"v"}, Usage: "list the rules that passed, too", DisableDefaultText: true},
			&cli.StringFlag{Name: "log-level", Usage: "`LEVEL` that the program logs at: debug, info, warn or error", Value: "info"},
			&cli.StringFlag{Name: "config", Usage: "read plugins.* from this `FILE`"},
			&cli.StringSliceFlag{Name: "set", Usage: "`SECTION.KEY=VALUE` of the configuration, such as plugins.pass_env=A,B; repeatable"},
			&cli.StringFlag{Name: "junit", Usage: "write the report to `FILE` in the XML of JUnit"},
			&cli.StringFlag{Name: "report", Usage: "write the report to `FILE` as JSON"},
			app.PluginDirFlag(),
		},
	}, runPluginTest)
}

func runPluginTest(ctx context.Context, c *app.Command) error {
	target, err := testTarget(ctx, c)
	if err != nil {
		return err
	}
	options, err := testOptions(c)
	if err != nil {
		return err
	}
	timeout, err := app.Seconds("--timeout", c.Flags.String("timeout"))
	if err != nil {
		return err
	}
	reports, err := newReportFiles(c)
	if err != nil {
		return err
	}
	if timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, timeout)
		defer cancel()
	}
	end := watchRules(c, &options)
	report, err := backendtest.RunRules(ctx, target, options)
	end()
	if err != nil {
		return errors.Join(err, reports.write(report), showNothing(c, report))
	}
	if err := errors.Join(reports.write(report), showReport(c, report), ctx.Err()); err != nil {
		return err
	}
	if !report.Conforms() {
		return output.Shown{Err: conformance(report)}
	}
	return nil
}

func testOptions(c *app.Command) (o backendtest.Options, err error) {
	o = backendtest.Options{Seed: c.Flags.Uint64("seed"), FailFast: c.Flags.Bool("fail-fast")}
	if o.Run, err = rulesNamed(c.Flags.String("run")); err != nil {
		return o, err
	}
	o.Deadline, err = app.Seconds("--deadline", c.Flags.String("deadline"))
	return o, err
}

// showReport prints what came of the rules.
func showReport(c *app.Command, report *backendtest.Report) error {
	if c.JSON {
		return report.WriteJSON(c.Env.Stdout)
	}
	if c.Flags.Bool("verbose") {
		if err := report.WritePassed(c.Env.Stdout); err != nil {
			return err
		}
	}
	return report.WriteSummary(c.Env.Stdout)
}

// showNothing prints why nothing could be tried. With --json the error says it.
func showNothing(c *app.Command, report *backendtest.Report) error {
	if c.JSON {
		return nil
	}
	return report.WriteSummary(c.Env.Stdout)
}

// watchRules shows how far the rules are, which take minutes, until end is called.
func watchRules(c *app.Command, o *backendtest.Options) (end func()) {
	total := 0
	for _, rule := range backendtest.Rules() {
		if o.Run == nil || o.Run(rule.ID) {
			total++
		}
	}
	progress := c.Progress()
	progress.Screen = output.NewScreen(c.Env.Stderr)
	progress.Begin(0, total)
	o.Begin = func(rule backendtest.Rule) { progress.Next(rule.ID) }
	o.Done = func(backendtest.Result) { progress.Add(1) }
	return progress.End
}

func conformance(r *backendtest.Report) error {
	if r.Failed == 0 {
		return errors.New("no rule could be tried")
	}
	return fmt.Errorf("%s does not conform: %d of %s failed", r.Plugin, r.Failed, output.Count(len(r.Results), "rule"))
}

// rulesNamed returns what selects the rules whose ids match pattern: nil where that
// is all.
func rulesNamed(pattern string) (func(id string) bool, error) {
	if pattern == "" {
		return nil, nil
	}
	matches, err := regexp.Compile(pattern)
	if err != nil {
		return nil, output.Usagef("--run: %v", err)
	}
	for _, rule := range backendtest.Rules() {
		if matches.MatchString(rule.ID) {
			return matches.MatchString, nil
		}
	}
	return nil, output.Usagef("--run: no rule matches %q", pattern)
}

// testTarget says what is tested, and where.
func testTarget(ctx context.Context, c *app.Command) (backendtest.Target, error) {
	url := c.Flags.String("url")
	if url == "" {
		url = c.Env.Get("CODEX_ARCHIVE_URL")
	}
	if url == "" {
		return backendtest.Target{}, output.Usagef("%s: missing --url, or CODEX_ARCHIVE_URL", c.Flags.Command.HelpName)
	}
	target := backendtest.Target{
		URL: archiveURLs(url), Single: !strings.Contains(url, numbered), Options: sdk.Options{Dir: c.Env.Dir},
	}
	named := []string{"NAME or PATH"} // what comes before the arguments of the programs that alter archives
	if c.Flags.IsSet("attach") {
		named = nil
	}
	alters := c.Flags.String("damage") != "" || c.Flags.String("tamper") != ""
	if !alters || c.Flags.NArg() < len(named) {
		if err := c.Arguments(named...); err != nil {
			return target, err
		}
	}
	arguments := c.Flags.Args().Slice()[len(named):]
	if damage := c.Flags.String("damage"); damage != "" {
		harm := harm{flag: "damage", program: damage, arguments: arguments, dir: c.Env.Dir}
		if err := harm.check(); err != nil {
			return target, err
		}
		target.Damage = func(ctx context.Context, url string, content sdk.Digest) error {
			return harm.run(ctx, url, content.String())
		}
	}
	if tamper := c.Flags.String("tamper"); tamper != "" {
		harm := harm{flag: "tamper", program: tamper, arguments: arguments, dir: c.Env.Dir}
		if err := harm.check(); err != nil {
			return target, err
		}
		target.Tamper = func(ctx context.Context, url string, what backendtest.Tampering) error {
			return harm.run(ctx, url, string(what.How), what.Record.String(), what.Other.String())
		}
	}
	if c.Flags.IsSet("attach") {
		target.Address = c.Flags.String("attach")
		network, address, _ := strings.Cut(target.Address, ":")
		if network != "unix" && network != "tcp" || address == "" {
			return target, output.Usagef("--attach: found %q, allowed unix:PATH or tcp:HOST:PORT", target.Address)
		}
		return target, nil
	}
	start, err := namedProgram(ctx, c)
	if err != nil {
		return target, err
	}
	level := hclog.LevelFromString(c.Flags.String("log-level"))
	if level < hclog.Debug || level > hclog.Error {
		return target, output.Usagef("--log-level: found %q, allowed debug, info, warn or error", c.Flags.String("log-level"))
	}
	start.Logger = hclog.New(&hclog.LoggerOptions{Level: level, Output: io.Discard}) // the report shows it
	command, err := start.Command(ctx)
	target.Program = &command
	return target, err
}

// harm is the program of a flag, which alters an archive.
type harm struct {
	flag, program string
	arguments     []string
	dir           string // in which it runs
}

// check reports a program that is not there or may not be run, before any rule does:
// those that need it run last.
func (h harm) check() error {
	path := h.program
	if filepath.Base(path) != path && !filepath.IsAbs(path) {
		path = filepath.Join(h.dir, path)
	}
	_, err := exec.LookPath(path)
	if err == nil {
		return nil
	}
	var failed *exec.Error
	if errors.As(err, &failed) {
		err = failed.Err
	}
	return output.Usagef("--%s: %s: %w", h.flag, h.program, durable.Cause(err)).
		WithHint("name a program that is on PATH, or its path; its arguments follow after --")
}

// harmGrace is how long the output of a program that has ended, or was killed, may
// stay open, which it does when it left a process behind.
const harmGrace = 5 * time.Second

// run tells the program what to alter. The URL, which may hold a password, goes to
// its standard input, where no other user can read it.
func (h harm) run(ctx context.Context, lines ...string) error {
	cmd := exec.CommandContext(ctx, h.program, h.arguments...)
	cmd.Dir, cmd.Stdin, cmd.WaitDelay = h.dir, strings.NewReader(strings.Join(lines, "\n")+"\n"), harmGrace
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("--%s: %w: %s", h.flag, err, sdk.Scrub(strings.TrimSpace(string(out)), lines[0]))
	}
	return nil
}

// archiveURLs returns what gives url with another word for "{}" each time: one
// that no earlier run has used, because nothing is cleaned up.
func archiveURLs(url string) func() string {
	word := strings.ToLower(rand.Text()[:8])
	var n atomic.Int64
	return func() string { return strings.ReplaceAll(url, numbered, fmt.Sprintf("%s%d", word, n.Add(1))) }
}

// reportFile is a file for one form of the report. It is made before the rules
// run: they take minutes, and a path may be wrong.
type reportFile struct {
	file *os.File
	form func(*backendtest.Report, io.Writer) error
}

type reportFiles []reportFile

func newReportFiles(c *app.Command) (reportFiles, error) {
	var files reportFiles
	for flag, form := range map[string]func(*backendtest.Report, io.Writer) error{
		"junit":  (*backendtest.Report).WriteJUnit,
		"report": (*backendtest.Report).WriteJSON,
	} {
		path := c.Flags.String(flag)
		if path == "" {
			continue
		}
		f, err := os.Create(path)
		if err != nil {
			return nil, errors.Join(output.Usagef("--%s: %v", flag, err), files.discard())
		}
		files = append(files, reportFile{f, form})
	}
	return files, nil
}

func (files reportFiles) write(r *backendtest.Report) error {
	var errs []error
	for _, f := range files {
		errs = append(errs, f.form(r, f.file), f.file.Close())
	}
	return errors.Join(errs...)
}

// discard removes the files of a run that did not begin.
func (files reportFiles) discard() error {
	var errs []error
	for _, f := range files {
		errs = append(errs, f.file.Close(), os.Remove(f.file.Name()))
	}
	return errors.Join(errs...)
}
