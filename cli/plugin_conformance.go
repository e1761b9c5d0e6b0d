package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"sync/atomic"

	"github.com/urfave/cli/v2"

	"github.com/codex-archive/codex/cli/internal/config"
	"github.com/codex-archive/codex/cli/internal/logging"
	"github.com/codex-archive/codex/cli/internal/pluginhost"
	"github.com/codex-archive/codex/sdk"
	"github.com/codex-archive/codex/sdk/backendtest"
	"github.com/codex-archive/codex/sdk/plugin"
)

// numbered stands in a URL where each archive of the kit differs.
const numbered = "{}"

// pluginTestCommand is without the common --json: here --json names a file,
// beside the summary that people read.
func (p *program) pluginTestCommand() *cli.Command {
	c := p.plainCommand(&cli.Command{
		Name:      "test",
		Usage:     "run the rules of the contract on a backend program, and report",
		UsageText: "codex plugin test NAME|PATH --url URL [flags]\ncodex plugin test --attach unix:PATH|tcp:HOST:PORT --url URL [flags]",
		Description: "Stores, reads and purges as the contract says, in archives of its own, and prints what a\n" +
			"vendor can publish: rules passed, failed, skipped and why. The program is run, many times.\n" +
			"The exit code is 0 where every rule that must pass and could be tried passed, 1 otherwise.\n\n" +
			"An archive that is not empty is refused, and nothing is cleaned up. \"{}\" in the URL becomes\n" +
			"another word for each archive that the rules ask for; without it there is one archive, and\n" +
			"rules that need more are skipped. A password is better kept in CODEX_ARCHIVE_URL.\n\n" +
			"Rules about damaged content need a way to damage it behind the backend's back: a COMMAND that\n" +
			"the shell runs, with two lines on its standard input, the URL of an archive and the SHA-256 of\n" +
			"the content whose stored bytes it shall alter.\n\n" +
			"EXAMPLES:\n" +
			"   codex plugin test ./build/codex-archive-oracle --url 'oracle://ann@localhost/test{}'\n" +
			"   codex plugin test sqlite --url 'sqlite:///./kit-{}.db' --run '^(PUT|GET)-'\n" +
			"   codex plugin test --attach unix:/tmp/mydb.sock --url 'mydb://{}' --junit report.xml",
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "url", Usage: "`URL` of an archive that is empty or not there yet; without it CODEX_ARCHIVE_URL is asked"},
			&cli.StringFlag{Name: "run", Usage: "only rules whose id matches `REGEX`, such as '^PUT-'"},
			&cli.StringFlag{Name: "attach", Usage: "test a running backend at `ADDRESS` (unix:PATH or tcp:HOST:PORT) instead of a program"},
			&cli.Uint64Flag{Name: "seed", Usage: "`NUMBER` that all ids and bodies come from; the same gives the same calls", Value: 1},
			&cli.StringFlag{Name: "damage", Usage: "shell `COMMAND` that alters the stored body of a content, see above"},
			&cli.StringFlag{Name: "junit", Usage: "write the report to `FILE` in the XML of JUnit"},
			&cli.StringFlag{Name: "json", Usage: "write the report to `FILE` as JSON"},
			pluginDirFlag(),
		},
	}, p.pluginTest)
	c.Flags = c.Flags[:len(c.Flags)-1]
	return c
}

func (p *program) pluginTest(c *cli.Context) error {
	p.json = false // --json names a file here
	target, err := p.testTarget(c)
	if err != nil {
		return err
	}
	run, err := rulesNamed(c.String("run"))
	if err != nil {
		return err
	}
	reports, err := p.reportFiles(c)
	if err != nil {
		return err
	}
	options := backendtest.Options{Run: run, Seed: c.Uint64("seed")}
	end := p.watchRules(&options)
	report, err := backendtest.RunRules(c.Context, target, options)
	end()
	if err != nil {
		return errors.Join(err, reports.discard())
	}
	if err := errors.Join(reports.write(report), report.WriteSummary(p.stdout), c.Context.Err()); err != nil {
		return err
	}
	if !report.Conforms() {
		return &failure{code: exitFailed, kind: "failed", err: conformance(report)}
	}
	return nil
}

// watchRules shows on a terminal how far the rules are, which take minutes,
// until end is called.
func (p *program) watchRules(o *backendtest.Options) (end func()) {
	if !logging.IsTerminal(p.stderr) {
		return func() {}
	}
	done, total := 0, 0
	for _, rule := range backendtest.Rules() {
		if o.Run(rule.ID) {
			total++
		}
	}
	bar := &screen{stderr: p.stderr}
	bar.begin(0, total)
	o.Done = func(backendtest.Result) {
		done++
		bar.set(done)
	}
	return bar.end
}

func conformance(r *backendtest.Report) error {
	if r.Failed == 0 {
		return errors.New("no rule could be tried")
	}
	return fmt.Errorf("%s does not conform: %d of %d rules failed", r.Plugin, r.Failed, len(r.Results))
}

// rulesNamed returns what selects the rules whose ids match pattern.
func rulesNamed(pattern string) (func(id string) bool, error) {
	matches, err := regexp.Compile(pattern)
	if err != nil {
		return nil, usageError("--run: %v", err)
	}
	for _, rule := range backendtest.Rules() {
		if matches.MatchString(rule.ID) {
			return matches.MatchString, nil
		}
	}
	return nil, usageError("--run: no rule matches %q", pattern)
}

// testTarget says what is tested, and where.
func (p *program) testTarget(c *cli.Context) (backendtest.Target, error) {
	url := c.String("url")
	if url == "" {
		url = p.getenv("CODEX_ARCHIVE_URL")
	}
	if url == "" {
		return backendtest.Target{}, usageError("%s: missing --url, or CODEX_ARCHIVE_URL", c.Command.HelpName)
	}
	target := backendtest.Target{
		URL: archiveURLs(url), Single: !strings.Contains(url, numbered), Options: sdk.Options{Dir: p.dir},
	}
	if damage := c.String("damage"); damage != "" {
		target.Damage = func(ctx context.Context, url string, content sdk.Digest) error {
			return p.damage(ctx, damage, url, content)
		}
	}
	if target.Address = c.String("attach"); target.Address != "" {
		network, address, _ := strings.Cut(target.Address, ":")
		if network != "unix" && network != "tcp" || address == "" {
			return target, usageError("--attach: found %q, allowed unix:PATH or tcp:HOST:PORT", target.Address)
		}
		return target, arguments(c, 0, 0)
	}
	if err := arguments(c, 1, 1, "NAME or PATH"); err != nil {
		return target, err
	}
	command, err := p.testCommand(c)
	target.Program = &command
	return target, err
}

// damage runs the command that alters a stored body. The URL, which may hold a
// password, goes to its standard input, where nobody else can read it.
func (p *program) damage(ctx context.Context, command, url string, content sdk.Digest) error {
	cmd := exec.CommandContext(ctx, "/bin/sh", "-c", command)
	cmd.Dir, cmd.Stdin = p.dir, strings.NewReader(url+"\n"+content.String()+"\n")
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("--damage: %w: %s", err, sdk.Scrub(strings.TrimSpace(string(out)), url))
	}
	return nil
}

// testCommand says how to start the program that the first argument names. Only
// the one that .codex/plugins.lock names may run, where there is such a file.
func (p *program) testCommand(c *cli.Context) (plugin.Command, error) {
	program, err := p.namedProgram(c)
	if err != nil {
		return plugin.Command{}, err
	}
	root, err := config.Root(p.dir, p.getenv("HOME"))
	if err != nil {
		return plugin.Command{}, &failure{code: exitUsage, kind: "config", err: err}
	}
	locked, err := lockedSum(root, program.Name)
	if err != nil {
		return plugin.Command{}, err
	}
	return plugin.Command{Path: program.Path, Env: pluginhost.Environ(p.environ, nil), Logger: p.errorLog(), SHA256: locked}, nil
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

func (p *program) reportFiles(c *cli.Context) (reportFiles, error) {
	var files reportFiles
	for flag, form := range map[string]func(*backendtest.Report, io.Writer) error{
		"junit": (*backendtest.Report).WriteJUnit,
		"json":  (*backendtest.Report).WriteJSON,
	} {
		path := c.String(flag)
		if path == "" {
			continue
		}
		f, err := os.Create(path)
		if err != nil {
			return nil, errors.Join(usageError("--%s: %v", flag, err), files.discard())
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

// discard removes the files of a run that came to nothing.
func (files reportFiles) discard() error {
	var errs []error
	for _, f := range files {
		errs = append(errs, f.file.Close(), os.Remove(f.file.Name()))
	}
	return errors.Join(errs...)
}
