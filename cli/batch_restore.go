package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"

	"github.com/urfave/cli/v2"

	"github.com/codex-archive/codex/cli/internal/app"
	"github.com/codex-archive/codex/cli/internal/batch"
	"github.com/codex-archive/codex/cli/internal/durable"
	"github.com/codex-archive/codex/cli/internal/journal"
	"github.com/codex-archive/codex/cli/internal/output"
	"github.com/codex-archive/codex/sdk"
)

func batchRestoreCommand(a *app.App) *cli.Command {
	return a.Command(&cli.Command{
		Name:  "batch-restore",
		Usage: "bring back all files that a manifest names",
		UsageText: "codex archive batch-restore MANIFEST --by WHO [flags]\n" +
			"codex archive batch-restore --output-dir DIR --by WHO [selectors]",
		Description: "MANIFEST is JSON, {\"items\": [{\"tombstone\": \"…\", \"output\": \"…\"}]}, or CSV with the header\n" +
			"tombstone,output; - reads standard input. An item may also carry sha256, which is checked\n" +
			"before anything is written. The whole manifest is checked before the first item begins.\n" +
			"batch.max_concurrent items are under way at a time, each as codex archive restore would do it,\n" +
			"for at most batch.timeout_per_item seconds. The first failure stops what has not begun, unless\n" +
			"--continue-on-error is given. The results file says how each item ended, also after a failure\n" +
			"or a signal.\n" +
			"A MANIFEST may also be a results file, of which the failed items are taken, or what\n" +
			"codex archive list --json prints, restored below --output-dir.\n" +
			"Without a MANIFEST the selectors, those of codex archive list, say what to restore: the\n" +
			"newest live record of each path, to that path below --output-dir.\n\n" +
			"EXAMPLES:\n" +
			"   codex archive batch-restore manifest.json --by user\n" +
			"   codex archive batch-restore m.csv --by user --continue-on-error --base-dir b\n" +
			"   codex archive batch-restore manifest.json --by user --resume\n" +
			"   codex archive batch-restore --repo r --path src --output-dir b --by user",
		Flags: append([]cli.Flag{
			app.ByFlag(),
			app.Switch("continue-on-error", "go on after an item failed (batch.continue_on_error)"),
			&cli.StringFlag{Name: "resume-from", Usage: "begin with item `N`, counted from 1"},
			app.Switch("resume", "do what the newest results file has no success for"),
			&cli.StringFlag{Name: "format", Usage: "`FORMAT` of the manifest: json or csv"},
			&cli.StringFlag{Name: "results", Usage: "write results to `FILE`, not batch_restore_TIME.json"},
			&cli.StringFlag{Name: "base-dir", Usage: "outputs are below `DIR`"},
			app.Switch("force", "replace outputs that exist"),
			app.Switch("dry-run", "say what would happen, and write nothing"),
			&cli.StringFlag{Name: "output-dir", Usage: "restore what the selectors select, below `DIR`"},
		}, actingSelectors()...),
	}, runBatchRestore)
}

// batchPlan is what a batch was asked to do, checked.
type batchPlan struct {
	command  *app.Command
	manifest *batch.Manifest
	outputs  outputs
	from     int            // index of the first item to do
	earlier  *batch.Results // nil: no earlier run is resumed
	resumed  string         // file that earlier is from

	large   map[sdk.Tombstone]sdk.Content // those that a query found; nil for a manifest
	archive *app.Archive                  // of a query, which has opened it; else nil
	journal *journal.Journal              // likewise
}

func runBatchRestore(ctx context.Context, c *app.Command) error {
	p := &batchPlan{command: c}
	if isQuery(c) {
		return p.runQuery(ctx)
	}
	if err := p.read(ctx); err != nil {
		return err
	}
	return p.leftOut(p.carryOut(ctx), p.manifest.LeftOut)
}

// leftOut is err, or that records were left out, of which nothing is known but
// their tombstones.
func (p *batchPlan) leftOut(err error, records int) error {
	if err == nil && records > 0 {
		return output.Errorf(output.Batch, "%s could not be read and left out", output.Count(records, "record"))
	}
	return err
}

// carryOut does what the manifest says.
func (p *batchPlan) carryOut(ctx context.Context) error {
	limitHeap(len(p.manifest.Items))
	if err := p.check(); err != nil {
		return err
	}
	if p.outputs.base != nil {
		defer p.outputs.base.Close()
	}
	if p.command.Flags.Bool("dry-run") {
		return p.dryRun(ctx)
	}
	return p.run(ctx)
}

// read reads the command line and the manifest.
func (p *batchPlan) read(ctx context.Context) (err error) {
	c := p.command
	if err := c.Arguments("MANIFEST"); err != nil {
		return err
	}
	if _, err = c.Actor(); err != nil {
		return err
	}
	format := batch.Format(c.Flags.String("format"))
	if format != batch.Auto && format != batch.JSON && format != batch.CSV {
		return output.Usagef("--format: found %q, allowed json, csv", format)
	}
	if err := checkResultsFlag(c); err != nil {
		return err
	}
	p.manifest, err = readManifest(ctx, c, c.Flags.Args().First(), format)
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if err != nil {
		return output.Usagef("%w", err)
	}
	return p.checkManifest()
}

// checkManifest compares the manifest with the flags about where its files go.
func (p *batchPlan) checkManifest() error {
	flags, path := p.command.Flags, p.manifest.Path
	set, err := p.command.RecordSet()
	if err != nil {
		return err
	}
	for _, selector := range actingSelectors() {
		if name := selector.Names()[0]; name == "set" && !set.IsZero() || name != "set" && flags.IsSet(name) {
			return output.Usagef("--%s selects records of the archive, and %s says already which: choose", name, path)
		}
	}
	into := flags.IsSet("output-dir")
	switch {
	case p.manifest.Listed && !into:
		return output.Usagef("%s lists records without outputs: --output-dir is missing", path)
	case p.manifest.Listed && flags.IsSet("base-dir"):
		return output.Usagef("--base-dir and --output-dir are two ways to say where files go: choose")
	case p.manifest.Listed && flags.String("output-dir") == "":
		return output.Usagef("--output-dir is empty")
	case into && !p.manifest.Listed:
		return output.Usagef("%s names its outputs, and --output-dir is for records without: choose", path).
			WithHint("--base-dir says where the outputs of a manifest are")
	case flags.IsSet("results") && isFile(path, flags.String("results")):
		return output.Usagef("--results names the manifest itself, which would be replaced")
	}
	if n := p.manifest.LeftOut; n > 0 {
		p.command.Log.Error(fmt.Sprintf("Left out: %s of %s, unreadable when listed", output.Count(n, "record"), path))
	}
	return nil
}

// isFile reports whether two paths lead to one file.
func isFile(a, b string) bool {
	first, err := os.Stat(a)
	if err != nil {
		return false
	}
	second, err := os.Stat(b)
	return err == nil && os.SameFile(first, second)
}

func readManifest(ctx context.Context, c *app.Command, path string, format batch.Format) (*batch.Manifest, error) {
	if info, err := os.Stat(path); path != "-" && err == nil && info.IsDir() {
		return nil, manifestError(path, errors.New("is a directory"))
	}
	f, err := c.Input(ctx, path)
	if err != nil {
		return nil, manifestError(path, err)
	}
	defer func() { _ = f.Close() }() // it was only read
	return batch.Read(f, path, format)
}

func manifestError(path string, err error) error {
	return durable.NamedFile("MANIFEST", path, err, "codex archive list --format manifest --output-dir DIR prints a manifest")
}

// check compares the manifest with the file system and with an earlier run. It
// writes nothing but the base directory, and that at the end.
func (p *batchPlan) check() error {
	c := p.command
	flag := "base-dir"
	if c.Flags.IsSet("output-dir") {
		flag = "output-dir"
	}
	base, confined := c.Flags.String(flag), c.Flags.IsSet(flag)
	if confined {
		root, err := os.OpenRoot(base)
		if err != nil && (!errors.Is(err, fs.ErrNotExist) || base == "") {
			return output.Usagef("--%s: %w", flag, err)
		}
		p.outputs = outputs{base: root, dir: base, missing: root == nil}
	}
	dir := c.Env.Dir
	if confined && !filepath.IsAbs(base) {
		dir = filepath.Join(dir, base)
	} else if confined {
		dir = base
	}
	if err := p.manifest.CheckOutputs(dir, confined, p.outputs.base); err != nil {
		return output.Usagef("%w", err)
	}
	if err := p.readResumeFrom(); err != nil {
		return err
	}
	if err := p.readEarlier(); err != nil {
		return err
	}
	if p.outputs.missing && !c.Flags.Bool("dry-run") {
		return p.makeBase(flag, base)
	}
	return nil
}

func (p *batchPlan) makeBase(flag, base string) error {
	if err := os.MkdirAll(base, 0o777); err != nil {
		return output.Usagef("--%s: %w", flag, err)
	}
	root, err := os.OpenRoot(base)
	if err != nil {
		return output.Usagef("--%s: %w", flag, err)
	}
	p.outputs = outputs{base: root, dir: base}
	return nil
}

func (p *batchPlan) readResumeFrom() error {
	if !p.command.Flags.IsSet("resume-from") {
		return nil
	}
	text := p.command.Flags.String("resume-from")
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 || n > len(p.manifest.Items) {
		return output.Usagef("--resume-from: found %q, allowed 1 to %d, which is how many items the manifest has", text, len(p.manifest.Items))
	}
	p.from = n - 1
	return nil
}

// readEarlier reads the results of the run that --resume goes on with.
func (p *batchPlan) readEarlier() (err error) {
	c := p.command
	if !c.Flags.Bool("resume") {
		return nil
	}
	p.earlier, p.resumed, err = resultsToResume(c, batch.RestoreForm, func(text []byte) *batch.Results {
		return batch.Parse(text, c.Env.Dir, p.manifest.Path)
	})
	if err != nil {
		return err
	}
	if p.earlier == nil {
		return output.Usagef("--resume: no results file of %s was found in %s", p.manifest.Path, c.Env.Dir).
			WithHint("without --resume the batch begins at its first item; --results names a results file elsewhere")
	}
	if p.earlier.Manifest.SHA256 != p.manifest.SHA256.String() {
		c.Log.Warn("The manifest has changed since "+p.resumed+" was written: items are compared by tombstone and output", "manifest", p.manifest.Path)
	}
	return nil
}

// resumeCommand is the command line that does what is left. onward says that an
// item would stop it again.
func (p *batchPlan) resumeCommand(onward bool) string {
	more := []string{"--resume"}
	if onward {
		more = append(more, "--continue-on-error")
	}
	line := typedLine(p.command, more...)
	if p.manifest.Path == "-" {
		line += " < MANIFEST"
	}
	return line
}
