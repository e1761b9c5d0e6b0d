package main

import (
	"context"
	"io"

	"github.com/hashicorp/go-hclog"
	"github.com/urfave/cli/v2"

	"github.com/codex-archive/codex/cli/internal/app"
	"github.com/codex-archive/codex/cli/internal/escape"
	"github.com/codex-archive/codex/cli/internal/journal"
	"github.com/codex-archive/codex/cli/internal/logging"
	"github.com/codex-archive/codex/cli/internal/output"
	"github.com/codex-archive/codex/cli/internal/restorer"
	"github.com/codex-archive/codex/sdk"
)

func restoreCommand(a *app.App) *cli.Command {
	return a.Command(&cli.Command{
		Name:      "restore",
		Usage:     "bring an archived file back, verified, and print where it is",
		UsageText: "codex archive restore TOMBSTONE OUTPUT --by WHO [flags]",
		Description: "Writes the content to OUTPUT with the mode and the time of the file that was stored, after\n" +
			"checking it against its SHA-256. OUTPUT holds the old file or the whole new one, never a part.\n" +
			"TOMBSTONE may be shortened to 8 or more characters. If OUTPUT is a directory, the file goes into\n" +
			"it under its recorded name; OUTPUT - writes to standard output. An OUTPUT with other content\n" +
			"is refused, unless --force is given.\n\n" +
			"EXAMPLES:\n" +
			"   codex archive restore 8e3531b9 ./old_module.py --by developer\n" +
			"   codex archive restore 8e3531b9 restored/ --by developer --timeout 30\n" +
			"   codex archive restore 8e3531b9 - --by developer | less",
		Flags: []cli.Flag{
			app.ByFlag(),
			app.Switch("force", "replace OUTPUT if it exists"),
		},
	}, app.Arguments(runRestore, "TOMBSTONE", "OUTPUT"))
}

// restoredView is the result of restore with --json.
type restoredView struct {
	Tombstone     string         `json:"tombstone"`
	Output        string         `json:"output"`
	Unchanged     bool           `json:"unchanged"`
	SHA256        string         `json:"sha256"`
	Size          int64          `json:"size_bytes"`
	Repo          string         `json:"repo"`
	Path          string         `json:"path"`
	Duration      output.Millis  `json:"duration_ms"`
	Decompression *output.Millis `json:"decompression_ms,omitempty"`
	Write         *output.Millis `json:"write_ms,omitempty"`
	Attempts      int            `json:"attempts"`
}

func runRestore(ctx context.Context, c *app.Command) error {
	if _, err := c.Actor(); err != nil {
		return err
	}
	path := c.Flags.Args().Get(1)
	switch {
	case path == "":
		return output.Usagef("OUTPUT is empty")
	case path == "-" && c.JSON:
		return output.Usagef("--json and OUTPUT - both want standard output")
	}
	opener, err := newOpener(c)
	if err != nil {
		return err
	}
	_, j, err := openActing(ctx, c, sdk.ReadWrite)
	if err != nil {
		return err
	}
	r := j.NewRestore(journal.Order{
		Tombstone: c.Flags.Args().Get(0), Level: hclog.Info, Stdout: c.Env.Stdout,
		To: restorer.Destination{Path: path, Force: c.Flags.Bool("force"), Own: own(c)},
	}, restorer.New(opener))
	if r.Publish(ctx); r.Err == nil {
		j.Record(ctx, r)
	}
	if r.Err != nil {
		return r.Err
	}
	r.Log()
	c.WarnRetention(r.Record)
	if err := printRestored(c, r); err != nil {
		return output.Errorf(output.FailureOf(err).Kind, "%s is restored, but the result could not be printed: %w", r.Done.Path, err)
	}
	return nil
}

// printRestored says where the file is.
func printRestored(c *app.Command, r *journal.Restore) error {
	switch {
	case c.JSON:
		return output.WriteJSON(c.Env.Stdout, viewRestored(r))
	case r.Done.Path == "-":
		return nil
	}
	path := r.Done.Path // a program that reads it needs its own bytes
	if logging.IsTerminal(c.Env.Stdout) {
		path = escape.Text(path)
	}
	_, err := io.WriteString(c.Env.Stdout, path+"\n")
	return err
}

func viewRestored(r *journal.Restore) restoredView {
	v := restoredView{
		Tombstone: r.Record.Tombstone.String(), Output: r.Done.Path, Unchanged: r.Done.Unchanged,
		SHA256: r.Record.Content.SHA256.String(), Size: r.Record.Content.Size,
		Repo: r.Record.Repo, Duration: output.Millis(r.Took), Attempts: r.Attempts,
	}
	v.Path, _ = output.PathText(r.Record.Path)
	v.Decompression, v.Write = r.Steps()
	return v
}
