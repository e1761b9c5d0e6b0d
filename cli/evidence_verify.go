package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/codex-archive/codex/cli/internal/app"
	"github.com/codex-archive/codex/cli/internal/durable"
	"github.com/codex-archive/codex/cli/internal/escape"
	"github.com/codex-archive/codex/cli/internal/evidence"
	"github.com/codex-archive/codex/cli/internal/output"
)

func evidenceVerifyCommand(a *app.App) *cli.Command {
	return a.Command(&cli.Command{
		Name:      "verify",
		Usage:     "check that no line of the evidence log was changed or cut out",
		UsageText: "codex archive evidence verify [flags]",
		Description: "Each line holds the hash of the line before it and a number without a gap. The first\n" +
			"line that does not fit is named, and the command ends with 5. The chain alone cannot show\n" +
			"that lines were cut off at its end, or that the log was deleted or written anew.\n\n" +
			"--reconcile compares the log with the events in the archive, both ways, and names each line\n" +
			"without a row, each row of this machine without a line, and what differs. Events of other\n" +
			"hosts have their lines there, and are counted. --also names the evidence of another clone\n" +
			"on this machine that uses the same archive; --host another name that this machine had.\n" +
			"--checkpoint shows that the log is an extension of what was signed. --last is the same for\n" +
			"the hash of one line. --receipt checks a receipt of store, --certificate one of\n" +
			"purge; they need no log. The checkpoints beside the closed parts are checked where there is\n" +
			"a public key. The output says what was checked and what was not.\n\n" +
			"EXAMPLES:\n" +
			"   codex archive evidence verify --reconcile\n" +
			"   codex archive evidence verify --checkpoint 2025-10.checkpoint --key audit.pub\n" +
			"   codex archive evidence verify --receipt old.py.receipt --key audit.pub\n" +
			"   codex archive evidence verify --certificate purged.txt --key audit.pub",
		Flags: []cli.Flag{
			app.Switch("reconcile", "compare with the events in the archive"),
			&cli.StringSliceFlag{Name: "also", Usage: "with --reconcile: lines in the evidence directory `DIR` count too, repeatable"},
			&cli.StringSliceFlag{Name: "host", Usage: "with --reconcile: `NAME` is this machine too, repeatable"},
			&cli.StringFlag{Name: "checkpoint", Usage: "the log must be an extension of the checkpoint in `FILE`"},
			&cli.StringFlag{Name: "receipt", Usage: "check only the receipt in `FILE`"},
			&cli.StringFlag{Name: "certificate", Usage: "check only the certificate of a purge in `FILE`, and print it"},
			&cli.StringFlag{Name: "key", Usage: "public key `PUB` of what is signed: a file, or the key itself"},
			&cli.StringFlag{Name: "last", Usage: "a line with this `HASH` must be there: what verify printed earlier"},
		},
	}, app.NoArguments(runEvidenceVerify))
}

// verifyView is the result of evidence verify.
type verifyView struct {
	Log        string              `json:"log"`
	Exists     bool                `json:"log_exists"`
	Parts      int                 `json:"parts"`
	Lines      int64               `json:"lines"`
	Last       string              `json:"last"`
	Root       string              `json:"root"`
	Torn       bool                `json:"torn"`
	Broken     string              `json:"broken,omitempty"` // with --reconcile: what breaks the chain
	Checkpoint *signedView         `json:"checkpoint,omitempty"`
	Reconciled *reconcileView      `json:"reconcile,omitempty"`
	Checked    []string            `json:"checked"`
	NotChecked []string            `json:"not_checked"`
	Error      *output.FailureView `json:"error,omitempty"`
}

// signedView is what a checkpoint says.
type signedView struct {
	File  string `json:"file"`
	Key   string `json:"key"`
	Lines int64  `json:"lines"`
	Root  string `json:"root"`
}

// verification is one run of evidence verify.
type verification struct {
	command *app.Command
	last    string
	signed  *signedView
	checker evidence.Checker
	view    verifyView

	closed    []signedView      // the checkpoints of the closed parts
	unchecked []string          // those of them that could not be checked
	others    map[string]string // those by name that the key, which is named, has not signed
	exchanged string            // the one of these that it has signed by the log

	lastFound bool
	roots     map[int64]string // of the log where it has as many lines as a checkpoint
}

func runEvidenceVerify(ctx context.Context, c *app.Command) error {
	if c.Flags.IsSet("receipt") {
		return verifyReceipt(c)
	}
	if c.Flags.IsSet("certificate") {
		return verifyCertificate(c)
	}
	v := &verification{command: c, roots: map[int64]string{}, others: map[string]string{}}
	if err := v.read(); err != nil {
		return err
	}
	if err := v.chain(ctx); err != nil {
		return err
	}
	if !c.Flags.Bool("reconcile") {
		if err := v.failure(); err != nil {
			return err
		}
		return v.write()
	}
	if err := v.reconcile(ctx); err != nil {
		return err
	}
	return v.end()
}

// read checks the flags and reads the checkpoint.
func (v *verification) read() error {
	flags := v.command.Flags
	v.last = strings.ToLower(flags.String("last"))
	if flags.IsSet("last") && (len(v.last) != 64 || strings.Trim(v.last, "0123456789abcdef") != "") {
		return output.Usagef("--last: found %q, allowed a SHA-256, 64 hex digits", v.last)
	}
	for _, flag := range []string{"also", "host"} {
		if flags.IsSet(flag) && !flags.Bool("reconcile") {
			return output.Usagef("--%s belongs to --reconcile", flag)
		}
	}
	if err := v.readClosed(); err != nil || !flags.IsSet("checkpoint") {
		return err
	}
	key, err := publicKey(v.command)
	if err != nil {
		return err
	}
	file := flags.String("checkpoint")
	signed, err := readNote("--checkpoint", file)
	if err != nil {
		return err
	}
	tree, _, err := key.OpenTree(signed)
	if err != nil {
		return output.Errorf(output.Chain, "%s: %w", file, err)
	}
	v.signed = &signedView{file, key.Name(), tree.N, tree.Hash.String()}
	return nil
}

// readNote reads the signed note that a flag names.
func readNote(flag, file string) ([]byte, error) {
	signed, err := evidence.ReadNote(file)
	if err != nil {
		return nil, durable.NamedFile(flag, file, err, noteHint(flag))
	}
	return signed, nil
}

func noteHint(flag string) string {
	switch flag {
	case "--receipt":
		return "codex archive store --receipt FILE writes a receipt"
	case "--certificate":
		return "codex archive purge --certificate FILE writes a certificate"
	}
	return "codex archive evidence checkpoint --output FILE writes a checkpoint"
}

// chain checks the chain, and on the way what --last and --checkpoint ask for.
func (v *verification) chain(ctx context.Context) error {
	path := evidenceLog(v.command)
	v.checkPrefix()
	err := v.checker.Run(path, func(line evidence.Line) error {
		v.lastFound = v.lastFound || v.last != "" && line.Hash.String() == v.last
		v.checkPrefix()
		if err := v.rotated(line); err != nil {
			return err
		}
		return ctx.Err()
	})
	missing := errors.Is(err, fs.ErrNotExist)
	if err != nil && !missing {
		return logError(err)
	}
	r, tree := v.checker.Report, v.checker.Tree()
	v.view = verifyView{
		Log: path, Exists: !missing, Parts: r.Parts, Lines: r.Lines, Last: r.Last.String(), Root: tree.Hash.String(), Torn: r.Torn,
		Broken: r.Why, Checkpoint: v.signed,
	}
	return nil
}

// checkPrefix keeps the root of the lines that a checkpoint is about.
func (v *verification) checkPrefix() {
	lines := v.checker.Report.Lines
	if v.signed != nil && lines == v.signed.Lines || slices.ContainsFunc(v.closed, func(s signedView) bool { return s.Lines == lines }) {
		v.roots[lines] = v.checker.Tree().Hash.String()
	}
}

// failure is what the log itself shows.
func (v *verification) failure() error {
	path := v.view.Log
	switch {
	case v.view.Broken != "":
		return chainError("%s: the chain is broken: %s", path, v.view.Broken)
	case v.signed != nil && v.view.Lines < v.signed.Lines:
		return chainError("%s: has %s, the checkpoint was signed with %d: lines were cut off, or the log is another one", path, output.Count(v.view.Lines, "line"), v.signed.Lines)
	case v.signed != nil && v.roots[v.signed.Lines] != v.signed.Root:
		return chainError("%s: what was signed is not its first %s: the log was written anew, or is another one", path, output.Count(v.signed.Lines, "line"))
	case v.last != "" && !v.lastFound:
		return chainError("%s: no line has the hash %s: lines were cut off, or the log is another one", path, v.last)
	}
	return v.closedFailure()
}

// say fills in what was checked, and what was not.
func (v *verification) say() {
	view, report := &v.view, v.checker.Report
	view.Checked, view.NotChecked = []string{}, []string{}
	checked := func(format string, args ...any) {
		view.Checked = append(view.Checked, fmt.Sprintf("Checked: "+format, args...))
	}
	not := func(sentence string) { view.NotChecked = append(view.NotChecked, "Not checked: "+sentence) }
	if view.Broken == "" {
		view.Checked = append(view.Checked, report.Checked())
	}
	if v.lastFound {
		checked("the line with the hash of --last is there.")
	}
	if v.signed != nil && v.failure() == nil {
		checked("the log is an extension of the checkpoint: %s has signed its first %s.", v.signed.Key, output.Count(v.signed.Lines, "line"))
	}
	if n := int64(len(v.closed)); n > 0 && v.failure() == nil {
		checked("%s that closed parts of the log, signed by %s.", output.Count(n, "checkpoint"), v.closed[0].Key)
	}
	for _, sentence := range v.unchecked {
		not(sentence)
	}
	if r := view.Reconciled; r != nil {
		if r.Matched > 0 {
			checked("%s of the archive agree with the log.", output.Count(r.Matched, "event"))
		}
		not("whether log and archive were changed in the same way, or both put back to an older copy.")
		if v.signed == nil || v.signed.Lines < view.Lines {
			not("whether lines about what is no event of the archive, such as failures, were cut off at the end.")
		}
		return
	}
	switch {
	case v.signed == nil:
		view.NotChecked = append(view.NotChecked, report.NotChecked())
	case v.signed.Lines < view.Lines:
		not("whether lines behind the checkpoint were cut off at the end, and whether the last line was changed.")
	}
	not("whether the archive has the same events. --reconcile does that.")
}

// write prints the result.
func (v *verification) write() error {
	v.say()
	if v.command.JSON {
		return output.WriteJSON(v.command.Env.Stdout, v.view)
	}
	return writeVerified(v.command.Env.Stdout, v.view)
}

// end prints the result of a comparison and returns how the command ends.
func (v *verification) end() error {
	err := v.failure()
	if r := v.view.Reconciled; err == nil && r.Found > 0 {
		err = output.Errorf(output.Chain, "%s between the log and the archive, the first: %s", output.Count(r.Found, "discrepancy"), r.Discrepancies[0].text()).
			WithHint("codex archive show TOMBSTONE shows what the archive has; keep both until the cause is known")
	}
	if err == nil {
		return v.write()
	}
	failure := output.ViewFailure(output.FailureOf(err))
	v.view.Error = &failure
	if werr := v.write(); werr != nil {
		return werr
	}
	return output.Shown{Err: err}
}

func writeVerified(out io.Writer, v verifyView) error {
	var b strings.Builder
	fmt.Fprintf(&b, "Evidence: %s\n", escape.Text(v.Log))
	switch {
	case !v.Exists:
		b.WriteString("Lines: 0, there is no log\n")
	case v.Broken != "":
		fmt.Fprintf(&b, "Lines: %d before the chain is broken\nBroken: %s\n", v.Lines, escape.Text(v.Broken))
	case v.Lines == 0:
		b.WriteString("Lines: 0, the log is empty\n")
	default:
		fmt.Fprintf(&b, "Lines: %d, chained without a gap\n", v.Lines)
		if v.Parts > 1 {
			fmt.Fprintf(&b, "Parts: %d\n", v.Parts)
		}
		fmt.Fprintf(&b, "Last: %s\n", v.Last)
	}
	if v.Torn {
		b.WriteString("The last line has no end yet: it is being written, or the next command sets it aside\n")
	}
	if v.Reconciled != nil {
		v.Reconciled.write(&b)
	}
	for _, sentence := range append(v.Checked, v.NotChecked...) {
		b.WriteString(foldedText(sentence, output.Width(out)) + "\n")
	}
	_, err := io.WriteString(out, b.String())
	return err
}

func chainError(format string, args ...any) error {
	return output.Errorf(output.Chain, format, args...).WithHint("compare with the events in the database: codex archive evidence verify --reconcile")
}

// alsoLogs returns the logs that --also names.
func alsoLogs(c *app.Command) (logs []string, err error) {
	for _, dir := range c.Flags.StringSlice("also") {
		log := filepath.Join(dir, evidence.FileName)
		if _, err := os.Stat(log); err != nil {
			return nil, durable.NamedFile("--also", log, err, "name the directory of a log, which holds "+evidence.FileName)
		}
		logs = append(logs, log)
	}
	return logs, nil
}
