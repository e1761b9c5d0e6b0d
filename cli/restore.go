package main

import (
	"bufio"
	"context"
	"errors"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/urfave/cli/v2"

	"github.com/codex-archive/codex/cli/internal/batch"
	"github.com/codex-archive/codex/cli/internal/evidence"
	"github.com/codex-archive/codex/cli/internal/restorer"
	"github.com/codex-archive/codex/sdk"
)

func (p *program) restoreCommand() *cli.Command {
	return p.command(&cli.Command{
		Name:      "restore",
		Usage:     "bring an archived file back, verified, and print where it is",
		UsageText: "codex archive restore TOMBSTONE OUTPUT --by WHO [flags]",
		Description: "Writes the content to OUTPUT with the mode and the time of the file that was stored, after\n" +
			"checking it against its SHA-256. OUTPUT holds the old file or the whole new one, never a part.\n" +
			"TOMBSTONE may be shortened to 8 or more characters. If OUTPUT is a directory, the file goes into\n" +
			"it under its recorded name; OUTPUT - writes to standard output. An OUTPUT with other content\n" +
			"is refused, unless --force is given.\n\n" +
			"EXAMPLES:\n" +
			"   codex archive restore 8e3531b9-c839-4a07-9dec-507c36136eb1 ./old_module.py --by developer\n" +
			"   codex archive restore 8e3531b9 restored/ --by developer --timeout 30\n" +
			"   codex archive restore 8e3531b9 - --by developer | less",
		Flags: []cli.Flag{
			byFlag(),
			&cli.BoolFlag{Name: "force", Usage: "replace OUTPUT if it exists", DisableDefaultText: true},
		},
	}, (*session).restore)
}

// restoration is one restore on its way: what is known of it so far.
type restoration struct {
	*journal
	writer *restorer.Restorer
	to     restorer.Destination
	typed  string      // the tombstone as the user gave it
	sha256 string      // what the content must have, in lower-case hex; "" where nobody said
	level  hclog.Level // of the lines that say how it goes
	// admit is asked before content is unpacked, which takes so many bytes of
	// memory; nil: there is room.
	admit    func(memory int64) error
	started  time.Time
	record   sdk.Record
	done     restorer.Restored
	attempts int
}

// restoredView is the result of restore with --json.
type restoredView struct {
	Tombstone     string  `json:"tombstone"`
	Output        string  `json:"output"`
	Unchanged     bool    `json:"unchanged"`
	SHA256        string  `json:"sha256"`
	Size          int64   `json:"size_bytes"`
	Repo          string  `json:"repo"`
	Path          string  `json:"path"`
	Duration      millis  `json:"duration_ms"`
	Decompression *millis `json:"decompression_ms,omitempty"`
	Write         *millis `json:"write_ms,omitempty"`
	Attempts      int     `json:"attempts"`
}

func (s *session) restore(ctx context.Context) error {
	if err := s.arguments(2, 2, "TOMBSTONE", "OUTPUT"); err != nil {
		return err
	}
	who, err := s.actor()
	if err != nil {
		return err
	}
	args := s.flags.Args()
	if args.Get(1) == "" {
		return usageError("OUTPUT is empty")
	}
	if args.Get(1) == "-" && s.json {
		return usageError("--json and OUTPUT - both want standard output")
	}
	if err := s.dial(ctx, sdk.ReadWrite); err != nil {
		return err
	}
	j, err := s.openEvidence(who)
	if err != nil {
		return err
	}
	r := &restoration{
		journal: j, writer: &restorer.Restorer{}, typed: args.Get(0), level: hclog.Info, started: s.started,
		to: restorer.Destination{Path: args.Get(1), Force: s.flags.Bool("force")},
	}
	if err := r.bring(ctx); err != nil {
		return err
	}
	if err := j.recordRestored(ctx, []*restoration{r})[0]; err != nil {
		return err
	}
	return r.answer()
}

// bring puts the file in its place. What follows is recording that: see
// recordRestored.
func (r *restoration) bring(ctx context.Context) error {
	r.metric("Restore started")
	if err := r.to.Check(); err != nil {
		return r.failed(err)
	}
	var err error
	r.attempts, err = r.try(ctx, evidence.Restore, r.describe, r.attempt)
	var later *batch.Later
	switch {
	case errors.As(err, &later):
		return later
	case err != nil:
		return r.failed(err)
	}
	return nil
}

// attempt gets the content and publishes it.
func (r *restoration) attempt(ctx context.Context, backend sdk.Backend) error {
	r.log.Debug("Retrieving restore payload for tombstone=" + r.typed)
	id, err := findTombstone(ctx, backend, r.typed)
	if err != nil {
		return err
	}
	for found, err := range backend.Get(ctx, []sdk.Tombstone{id}) {
		if err == nil {
			err = found.Err
		}
		if sdk.KindOf(err) == sdk.NotFound {
			return tombstoneNotFound(r.typed)
		}
		if err != nil {
			return err
		}
		if found.Record.Tombstone != id {
			return sdk.Errorf(sdk.Internal, "the backend answered with another record than was asked for")
		}
		r.record = found.Record
		if err := r.asPromised(); err != nil {
			return err
		}
		if r.admit != nil {
			if err := r.admit(restorer.Memory(r.record.Content)); err != nil {
				return err
			}
		}
		return r.publish(ctx, found)
	}
	return sdk.Errorf(sdk.Internal, "the backend answered with nothing")
}

// asPromised holds the record against the hash that came with the tombstone.
func (r *restoration) asPromised() error {
	if found := r.record.Content.SHA256; r.sha256 != "" && r.sha256 != found.String() {
		return otherContent(r.sha256, found)
	}
	return nil
}

func otherContent(want string, found sdk.Digest) error {
	return sdk.Errorf(sdk.Corrupt, "another content than the manifest asks for: it says sha256 %s, the archive has %s", want, found)
}

// publish verifies the content and gives it its place.
func (r *restoration) publish(ctx context.Context, found sdk.GetResult) error {
	r.log.Debug("Decompression codec: " + string(r.record.Content.Codec))
	var err error
	if r.to.Path == "-" {
		r.done, err = restorer.Print(ctx, &r.record, found.Body, r.stdout)
	} else {
		r.done, err = r.writer.Restore(ctx, &r.record, found.Body, r.to)
	}
	for _, warning := range r.done.Warnings {
		r.log.Warn(warning)
	}
	return err
}

// answer says on stderr how long it took and on stdout where the file is.
func (r *restoration) answer() error {
	took := r.elapsed()
	r.tell(took)
	if r.json {
		return writeJSON(r.stdout, r.view(took))
	}
	if r.to.Path == "-" {
		return nil
	}
	out := bufio.NewWriter(r.stdout)
	out.WriteString(r.done.Path)
	out.WriteByte('\n')
	return out.Flush()
}

// elapsed is how long this restore has taken.
func (r *restoration) elapsed() time.Duration { return time.Since(r.started) }

// tell logs how long it took.
func (r *restoration) tell(took time.Duration) {
	m := r.config.Performance
	if m.TrackDecompression {
		// At DEBUG always, and for metrics at the level of the other steps; a
		// batch has those at DEBUG too, and says it once.
		message := "Decompression completed in " + millis(r.done.Decompression).String()
		if !m.EnableMetrics || r.level != hclog.Debug {
			r.log.Debug(message)
		}
		r.metric(message)
	}
	r.metric("File written in " + millis(r.done.Write).String())
	message := "Restore completed in " + millis(took).String()
	if m.EnableMetrics {
		message += " total"
	}
	r.log.Log(r.level, message, r.facts(evidence.Restore, r.actor, r.record.Tombstone, took)...)
	r.warnRetention(r.record)
}

func (r *restoration) view(took time.Duration) restoredView {
	v := restoredView{
		Tombstone: r.record.Tombstone.String(), Output: r.done.Path, Unchanged: r.done.Unchanged,
		SHA256: r.record.Content.SHA256.String(), Size: r.record.Content.Size,
		Repo: r.record.Repo, Duration: millis(took), Attempts: r.attempts,
	}
	v.Path, _ = pathText(r.record.Path)
	if m := r.config.Performance; m.EnableMetrics {
		write, decompression := millis(r.done.Write), millis(r.done.Decompression)
		v.Write = &write
		if m.TrackDecompression {
			v.Decompression = &decompression
		}
	}
	return v
}

// metric logs a step, where metrics are on.
func (r *restoration) metric(message string) {
	if r.config.Performance.EnableMetrics {
		r.log.Log(r.level, message)
	}
}
