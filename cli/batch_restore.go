package main

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"strconv"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/codex-archive/codex/cli/internal/batch"
	"github.com/codex-archive/codex/sdk"
)

func (p *program) batchRestoreCommand() *cli.Command {
	return p.command(&cli.Command{
		Name:      "batch-restore",
		Usage:     "bring back all files that a manifest names",
		UsageText: "codex archive batch-restore MANIFEST --by WHO [flags]",
		Description: "MANIFEST is JSON, {\"items\": [{\"tombstone\": \"…\", \"output\": \"…\"}]}, or CSV with the header\n" +
			"tombstone,output; - reads standard input. An item may also carry sha256, which is checked\n" +
			"before anything is written. The whole manifest is checked before the first item begins.\n" +
			"batch.max_concurrent items are under way at a time, each as codex archive restore would do it,\n" +
			"for at most batch.timeout_per_item seconds. The first failure stops what has not begun, unless\n" +
			"--continue-on-error is given. What became of each item stands in the results file, also after\n" +
			"a failure or a signal.\n\n" +
			"EXAMPLES:\n" +
			"   codex archive batch-restore manifest.json --by user\n" +
			"   codex archive batch-restore manifest.csv --by user --continue-on-error --base-dir recovered\n" +
			"   codex archive batch-restore manifest.json --by user --resume",
		Flags: []cli.Flag{
			byFlag(),
			&cli.BoolFlag{Name: "continue-on-error", Usage: "go on after an item failed (batch.continue_on_error)", DisableDefaultText: true},
			&cli.StringFlag{Name: "resume-from", Usage: "begin with item `N`, counted from 1"},
			&cli.BoolFlag{Name: "resume", Usage: "do only what the newest results file of this manifest does not have as a success", DisableDefaultText: true},
			&cli.StringFlag{Name: "format", Usage: "`FORMAT` of the manifest: json or csv; without it the name, then the content tells"},
			&cli.StringFlag{Name: "results", Usage: "write the results to `FILE`, not to batch_restore_TIME.json in the current directory"},
			&cli.StringFlag{Name: "base-dir", Usage: "outputs are relative to `DIR`, and none leads out of it"},
			&cli.BoolFlag{Name: "force", Usage: "replace outputs that exist", DisableDefaultText: true},
			&cli.BoolFlag{Name: "dry-run", Usage: "say what would happen, and write nothing", DisableDefaultText: true},
		},
	}, (*session).batchRestore)
}

// batchPlan is what a batch was asked to do, checked.
type batchPlan struct {
	*session
	who      string
	manifest *batch.Manifest
	base     *os.Root // nil: outputs lead anywhere
	from     int      // index of the first item to do
	earlier  *batch.Results
	resumed  string // file that earlier is from
	carried  int    // how many items it has as a success
}

func (s *session) batchRestore(ctx context.Context) error {
	p := &batchPlan{session: s}
	if err := p.read(); err != nil {
		return err
	}
	if err := p.check(); err != nil {
		return err
	}
	if p.base != nil {
		defer p.base.Close()
	}
	if s.flags.Bool("dry-run") {
		return p.dryRun(ctx)
	}
	return p.run(ctx)
}

// read reads the command line and the manifest.
func (p *batchPlan) read() (err error) {
	if err := p.arguments(1, 1, "MANIFEST"); err != nil {
		return err
	}
	if p.who, err = p.actor(); err != nil {
		return err
	}
	format := batch.Format(p.flags.String("format"))
	if format != batch.Auto && format != batch.JSON && format != batch.CSV {
		return usageError("--format: found %q, allowed json, csv", format)
	}
	if p.flags.IsSet("results") && p.flags.String("results") == "" {
		return usageError("--results is empty")
	}
	p.manifest, err = p.readManifest(p.flags.Args().First(), format)
	if err != nil {
		return usageError("%w", err)
	}
	return nil
}

func (p *batchPlan) readManifest(path string, format batch.Format) (*batch.Manifest, error) {
	if path == "-" {
		return batch.Read(p.stdin, path, format)
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, manifestError(path, err)
	}
	defer f.Close()
	if info, err := f.Stat(); err == nil && info.IsDir() {
		return nil, manifestError(path, errors.New("is a directory"))
	}
	return batch.Read(f, path, format)
}

func manifestError(path string, err error) error {
	var p *fs.PathError
	if errors.As(err, &p) {
		err = p.Err
	}
	return &fs.PathError{Op: "manifest", Path: path, Err: err}
}

// check holds the manifest against the file system and against what was done
// before. It writes nothing but the base directory, and that at the end.
func (p *batchPlan) check() error {
	base := p.flags.String("base-dir")
	confined := p.flags.IsSet("base-dir")
	if confined {
		root, err := os.OpenRoot(base)
		if err != nil && (!errors.Is(err, fs.ErrNotExist) || base == "") {
			return usageError("--base-dir: %w", err)
		}
		p.base = root
	}
	if err := p.manifest.CheckOutputs(p.dir, confined, p.base); err != nil {
		return usageError("%w", err)
	}
	if err := p.whereToBegin(); err != nil {
		return err
	}
	if confined && p.base == nil && !p.flags.Bool("dry-run") {
		return p.makeBase(base)
	}
	return nil
}

func (p *batchPlan) makeBase(base string) (err error) {
	if err := os.MkdirAll(base, 0o777); err != nil {
		return usageError("--base-dir: %w", err)
	}
	if p.base, err = os.OpenRoot(base); err != nil {
		return usageError("--base-dir: %w", err)
	}
	return nil
}

// whereToBegin finds out which items were dealt with before.
func (p *batchPlan) whereToBegin() (err error) {
	if text := p.flags.String("resume-from"); p.flags.IsSet("resume-from") {
		n, err := strconv.Atoi(text)
		if err != nil || n < 1 || n > len(p.manifest.Items) {
			return usageError("--resume-from: found %q, allowed 1 to %d, which is how many items the manifest has", text, len(p.manifest.Items))
		}
		p.from = n - 1
	}
	if !p.flags.Bool("resume") {
		return nil
	}
	p.earlier, p.resumed, err = batch.Latest(p.dir, p.manifest.Path, p.flags.String("results"))
	if err != nil {
		return usageError("%w", err)
	}
	if p.earlier == nil {
		err := usageError("--resume: no results file of %s was found in %s", p.manifest.Path, p.dir)
		err.hint = "without --resume the batch begins at its first item; --results names a results file elsewhere"
		return err
	}
	if p.earlier.Manifest.SHA256 != p.manifest.SHA256.String() {
		p.log.Warn("The manifest is not what it was when "+p.resumed+" was written: an item is done if it was with this tombstone and this output", "manifest", p.manifest.Path)
	}
	return nil
}

// resultsFile takes the name that results will stand under.
func (p *batchPlan) resultsFile() (*batch.File, error) {
	if path := p.flags.String("results"); path != "" {
		return batch.NamedFile(path)
	}
	return batch.CreateFile(p.dir, p.started)
}

// resumeCommand is the command line that does what is left.
func (p *batchPlan) resumeCommand() string {
	manifest := p.manifest.Path
	if strings.HasPrefix(manifest, "-") && manifest != "-" {
		manifest = "./" + manifest // else it is a flag
	}
	words := []string{"codex", "archive", "batch-restore", shellWord(manifest)}
	for _, flag := range p.flags.Command.Flags {
		if name := flag.Names()[0]; p.flags.IsSet(name) && name != "resume" {
			words = append(words, p.typed(flag, name)...)
		}
	}
	words = append(words, "--resume")
	if manifest == "-" {
		words = append(words, "< MANIFEST")
	}
	return strings.Join(words, " ")
}

// typed is a flag as it was given; secrets of a URL are left out.
func (p *batchPlan) typed(flag cli.Flag, name string) []string {
	switch flag.(type) {
	case *cli.BoolFlag:
		if p.flags.Bool(name) {
			return []string{"--" + name}
		}
		return []string{"--" + name + "=false"}
	case *cli.StringSliceFlag:
		var words []string
		for _, value := range p.flags.StringSlice(name) {
			words = append(words, "--"+name, shellWord(sdk.RedactURL(value)))
		}
		return words
	}
	return []string{"--" + name, shellWord(sdk.RedactURL(p.flags.String(name)))}
}
