package main

import (
	"context"
	"strconv"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/codex-archive/codex/cli/internal/app"
	"github.com/codex-archive/codex/cli/internal/batch"
	"github.com/codex-archive/codex/cli/internal/output"
	"github.com/codex-archive/codex/cli/internal/verifier"
)

func verifyCommand(a *app.App) *cli.Command {
	return a.Command(&cli.Command{
		Name:  "verify",
		Usage: "read content back and check that it is what was stored",
		UsageText: "codex archive verify [TOMBSTONE...] --by WHO [flags]\n" +
			"codex archive verify --by WHO [selectors] [--sample N|P%]",
		Description: "Without a TOMBSTONE and selectors all records are verified: their content is read back,\n" +
			"decompressed and hashed, each distinct content once, and their digests are checked. Records\n" +
			"that were changed, and content that is damaged or missing, are named, and the command ends\n" +
			"with 5. Purged records are counted apart.\n" +
			"The results file names the problems, and how far the run came, also after a signal;\n" +
			"--resume goes on from there. --structure reads no content: it checks that every row can be\n" +
			"read, that content is there with its recorded length, that no row is left alone or refers to\n" +
			"one that is gone, that holds and retention follow from the events, and that the counts agree.\n\n" +
			"EXAMPLES:\n" +
			"   codex archive verify --by me\n" +
			"   codex archive verify --sample 5% --by me\n" +
			"   codex archive verify --repo my-repo --since 30d --by me --jobs 2\n" +
			"   codex archive verify --by me --resume",
		Flags: append([]cli.Flag{
			app.ByFlag(),
			&cli.StringFlag{Name: "sample", Usage: "only a random choice: `N|P%` of the records"},
			app.Switch("structure", "look everything up and read no content"),
			&cli.StringFlag{Name: "jobs", Usage: "read `N` groups at a time (batch.max_concurrent)"},
			app.Switch("resume", "go on where the newest results file of the same selection ends"),
			&cli.StringFlag{Name: "results", Usage: "write results to `FILE`, not verify_TIME.json"},
		}, actingSelectors()...),
	}, runVerify)
}

// verifyPlan is what a verification was asked to do, checked.
type verifyPlan struct {
	command  *app.Command
	targets  targets
	selected string // in words, or verifier.All
	share    float64
	size     int // of the sample; 0 with a share, or without a sample
	earlier  *verifier.Results
	resumed  string // file that earlier is from
}

func runVerify(ctx context.Context, c *app.Command) error {
	p := &verifyPlan{command: c}
	if err := p.read(); err != nil {
		return err
	}
	if c.Flags.Bool("structure") {
		return p.runStructure(ctx)
	}
	return p.run(ctx)
}

// read reads the command line.
func (p *verifyPlan) read() (err error) {
	c := p.command
	if p.targets, err = readTargets(c, c.Started); err != nil {
		return err
	}
	p.selected = selectionWords(c, &p.targets, "sample")
	if _, err = c.Actor(); err != nil {
		return err
	}
	if err := p.readJobs(); err != nil {
		return err
	}
	if err := p.readSample(); err != nil {
		return err
	}
	if p.structure() && (p.sampled() || c.Flags.IsSet("resume") || c.Flags.IsSet("results") || p.selected != verifier.All) {
		return output.Usagef("--structure is about the whole archive, and has no results file")
	}
	if err := checkResultsFlag(c); err != nil {
		return err
	}
	return p.readEarlier()
}

func (p *verifyPlan) structure() bool { return p.command.Flags.Bool("structure") }

func (p *verifyPlan) sampled() bool { return p.size > 0 || p.share > 0 }

// readJobs makes --jobs the limit of calls under way.
func (p *verifyPlan) readJobs() error {
	c := p.command
	if !c.Flags.IsSet("jobs") {
		return nil
	}
	n, err := strconv.Atoi(c.Flags.String("jobs"))
	if err != nil || n < 1 || n > 32 {
		return output.Usagef("--jobs: found %q, allowed 1-32", c.Flags.String("jobs"))
	}
	c.Config.Batch.MaxConcurrent = n
	return nil
}

// maxSample bounds a sample of N records, whose numbers are held in memory.
const maxSample = 1_000_000

func (p *verifyPlan) readSample() error {
	c := p.command
	if !c.Flags.IsSet("sample") {
		return nil
	}
	text := c.Flags.String("sample")
	if share, ok := strings.CutSuffix(text, "%"); ok {
		percent, err := strconv.ParseFloat(share, 64)
		if err == nil && percent > 0 && percent <= 100 {
			p.share = percent / 100
		}
	} else if n, err := strconv.Atoi(text); err == nil && n > 0 && n <= maxSample {
		p.size = n
	}
	switch {
	case !p.sampled():
		return output.Usagef("--sample: found %q, allowed 1-%d, or a share such as 5%%", text, maxSample)
	case len(p.targets.names) > 0:
		return output.Usagef("TOMBSTONE and --sample are two ways to say which records: choose")
	}
	return nil
}

// readEarlier reads the results of the run that --resume goes on with.
func (p *verifyPlan) readEarlier() error {
	c := p.command
	if !c.Flags.Bool("resume") {
		return nil
	}
	var err error
	p.earlier, p.resumed, err = resultsToResume(c, batch.VerifyForm, func(text []byte) *verifier.Results {
		if r := verifier.Parse(text); r != nil && r.Selected == p.selected {
			return r
		}
		return nil
	})
	switch {
	case err != nil:
		return err
	case p.earlier == nil:
		return output.Usagef("--resume: no results file of the same selection was found in %s", c.Env.Dir).
			WithHint("without --resume the verification begins at the first record; --results names a results file elsewhere")
	case p.earlier.Complete && p.earlier.Summary.Failed == 0:
		return output.Usagef("--resume: %s is complete", p.resumed).WithHint("without --resume everything is verified again")
	}
	return nil
}
