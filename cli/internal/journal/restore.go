package journal

import (
	"context"
	"io"
	"time"

	"github.com/hashicorp/go-hclog"

	"github.com/codex-archive/codex/cli/internal/evidence"
	"github.com/codex-archive/codex/cli/internal/find"
	"github.com/codex-archive/codex/cli/internal/output"
	"github.com/codex-archive/codex/cli/internal/restorer"
	"github.com/codex-archive/codex/sdk"
)

// Order says which file to restore, and where to.
type Order struct {
	Tombstone string // as the user gave it
	SHA256    string // the content must have, in lower-case hex; "" for any
	To        restorer.Destination
	Stdout    io.Writer   // takes the content if To.Path is "-"
	Level     hclog.Level // of the log lines about its steps
}

// Restore is the restore of one file: what is known of it so far.
type Restore struct {
	Record   sdk.Record
	Done     restorer.Restored
	Attempts int
	Took     time.Duration // the one duration that log, evidence and results show
	Err      error         // why it is not restored, or not recorded

	journal *Journal
	order   Order
	writer  *restorer.Restorer
	started time.Time
	stdout  *delivery // nil unless the content goes to standard output
	earlier error     // of a Get for several files that was this one's first attempt
	group   *grouped  // nil unless it is restored together with others
}

// NewRestore returns a restore that begins now. All files of one command share
// writer.
func (j *Journal) NewRestore(o Order, writer *restorer.Restorer) *Restore {
	r := &Restore{journal: j, order: o, writer: writer, started: time.Now()}
	if o.To.Path == "-" {
		r.stdout = &delivery{to: o.Stdout, begin: r.recordStart}
	}
	return r
}

// Publish gets the content and puts the file in its place. [Journal.Record]
// follows.
func (r *Restore) Publish(ctx context.Context) {
	r.step("Restore started")
	err := r.order.To.Check()
	if err == nil {
		r.Attempts, err = r.journal.try(ctx, evidence.Restore, r.attempt, r.describe)
	}
	if err != nil {
		r.fail(err)
	}
}

// attempt gets the content and publishes it.
func (r *Restore) attempt(ctx context.Context, backend sdk.Backend) error {
	if err := r.earlier; err != nil {
		r.earlier = nil
		return err
	}
	r.journal.options.Log.Debug("Retrieving restore payload for tombstone=" + r.order.Tombstone)
	id, err := find.Tombstone(ctx, backend, r.order.Tombstone)
	if err != nil {
		return err
	}
	for found, err := range backend.Get(ctx, []sdk.Tombstone{id}) {
		if err == nil {
			err = r.check(id, found)
		}
		if err != nil {
			return err
		}
		return r.publish(ctx, found.Body)
	}
	return sdk.Errorf(sdk.Internal, "the backend answered with nothing")
}

// check takes in what the archive answered, and reports what is wrong with it.
func (r *Restore) check(id sdk.Tombstone, found sdk.GetResult) error {
	switch err := found.Err; {
	case sdk.KindOf(err) == sdk.NotFound:
		return find.NotFound(r.order.Tombstone)
	case err != nil:
		return err
	case found.Record.Tombstone != id:
		return sdk.Errorf(sdk.Internal, "the backend answered with another record than was asked for")
	}
	if err := found.Record.CheckDigest(); err != nil {
		return err
	}
	r.Record = found.Record
	return CheckContent(r.order.SHA256, r.Record)
}

// CheckContent compares a record with the hash that a manifest asks for, in
// lower-case hex; "" accepts any.
func CheckContent(want string, r sdk.Record) error {
	if found := r.Content.SHA256; want != "" && want != found.String() {
		return sdk.Errorf(sdk.Corrupt, "another content than the manifest asks for: it says sha256 %s, the archive has %s", want, found)
	}
	return nil
}

// publish verifies the content and puts it in its place.
func (r *Restore) publish(ctx context.Context, body io.Reader) (err error) {
	log := r.journal.options.Log
	log.Debug("Decompression codec: " + string(r.Record.Content.Codec))
	if r.stdout != nil {
		r.Done, err = r.writer.Print(ctx, &r.Record, body, r.stdout)
	} else {
		r.Done, err = r.writer.Restore(ctx, &r.Record, body, r.order.To)
	}
	for _, warning := range r.Done.Warnings {
		log.Warn(warning)
	}
	return err
}

// recordStart says in the evidence that content is about to leave.
func (r *Restore) recordStart() error {
	e := r.journal.record(evidence.Restore, evidence.Started)
	r.describe(e)
	return r.journal.write("nothing was printed", e)
}

// delivery passes content on. It says so before the first byte, and counts.
type delivery struct {
	to    io.Writer
	begin func() error
	bytes int64
	begun bool
}

func (d *delivery) Write(b []byte) (int, error) {
	if !d.begun {
		if err := d.begin(); err != nil {
			return 0, err
		}
		d.begun = true
	}
	n, err := d.to.Write(b)
	d.bytes += int64(n)
	return n, err
}

// describe fills in what is known of the restore.
func (r *Restore) describe(e *evidence.Record) {
	e.Duration = output.Millis(r.took())
	e.Tombstone, e.Output = r.order.Tombstone, r.order.To.Path
	if !r.Record.Tombstone.IsZero() {
		e.Tombstone, e.Repo, e.Path = r.Record.Tombstone.String(), r.Record.Repo, r.Record.Path
	}
	if r.Done.Path != "" {
		e.Output = r.Done.Path
	}
	if r.stdout != nil {
		e.Bytes = r.stdout.bytes
	}
}

// took is how long the restore has taken so far.
func (r *Restore) took() time.Duration {
	if r.group != nil {
		return r.group.busy
	}
	return time.Since(r.started)
}

// fail records that the restore failed.
func (r *Restore) fail(err error) {
	r.Err = r.journal.fail(evidence.RestoreFail, err, r.describeFailure)
}

func (r *Restore) describeFailure(e *evidence.Record) {
	r.describe(e)
	e.Attempts = max(r.Attempts, 1)
	r.Took = time.Duration(e.Duration)
}

// Log says how long a restore that succeeded took.
func (r *Restore) Log() {
	o := r.journal.options
	if r.order.Level <= hclog.Debug && !o.Log.IsDebug() {
		return // none of the lines would be seen
	}
	if o.Decompression && !r.Done.Unchanged {
		message := "Decompression completed in " + output.Millis(r.Done.Decompression).String()
		if o.Log.IsDebug() {
			o.Log.Debug(message)
		} else {
			r.step(message)
		}
	}
	if !r.Done.Unchanged {
		r.step("File written in " + output.Millis(r.Done.Write).String())
	}
	message := "Restore completed in " + output.Millis(r.Took).String()
	if o.Metrics {
		message += " total"
	}
	e := r.journal.record(evidence.Restore, evidence.Success)
	r.describe(e)
	e.Duration = output.Millis(r.Took)
	r.journal.completed(r.order.Level, message, e)
}

// step logs a step, if metrics are on.
func (r *Restore) step(message string) {
	if r.journal.options.Metrics {
		r.journal.options.Log.Log(r.order.Level, message)
	}
}

// Steps returns the durations of the steps that are measured, nil where one is
// not.
func (r *Restore) Steps() (decompression, write *output.Millis) {
	o := r.journal.options
	if !o.Metrics {
		return nil, nil
	}
	if o.Decompression {
		decompression = (*output.Millis)(&r.Done.Decompression)
	}
	return decompression, (*output.Millis)(&r.Done.Write)
}
