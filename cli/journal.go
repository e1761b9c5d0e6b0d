package main

import (
	"context"
	"errors"

	"github.com/codex-archive/codex/cli/internal/app"
	"github.com/codex-archive/codex/cli/internal/journal"
	"github.com/codex-archive/codex/cli/internal/retry"
	"github.com/codex-archive/codex/sdk"
)

// actingMode is how a command opens the archive that it changes, unless --dry-run
// says that it changes nothing.
func actingMode(c *app.Command) sdk.Mode {
	if c.Flags.Bool("dry-run") {
		return sdk.ReadOnly
	}
	return sdk.ReadWrite
}

// openActing starts the archive of a command, and opens the evidence of what it
// does. One that only reads has no journal.
func openActing(ctx context.Context, c *app.Command, mode sdk.Mode) (*app.Archive, *journal.Journal, error) {
	return openWith(ctx, c, mode, c.RetryPolicy())
}

// openActingOnMany is openActing for a command with many calls under way. Each of
// them may use up its repeats; after that repeats come back only with successes. An
// interrupt ends the waits for repeats.
func openActingOnMany(ctx context.Context, c *app.Command, mode sdk.Mode) (*app.Archive, *journal.Journal, error) {
	policy := c.RetryPolicy()
	policy.Budget = retry.NewBudget(c.Config.Batch.MaxConcurrent * max(policy.Attempts-1, 0))
	policy.Stop = interrupts(ctx)
	return openWith(ctx, c, mode, policy)
}

// interrupts returns a channel that is closed when ctx is canceled. The end of its
// time does not count: items have that deadline themselves, and end as timed out.
func interrupts(ctx context.Context) <-chan struct{} {
	interrupted := make(chan struct{})
	context.AfterFunc(ctx, func() {
		if errors.Is(ctx.Err(), context.Canceled) {
			close(interrupted)
		}
	})
	return interrupted
}

// openWith is openActing with another policy for repeats.
func openWith(ctx context.Context, c *app.Command, mode sdk.Mode, policy retry.Policy) (*app.Archive, *journal.Journal, error) {
	archive, err := c.Dial(ctx, mode)
	if err != nil || mode == sdk.ReadOnly {
		return archive, nil, err
	}
	who, err := c.Actor()
	if err != nil {
		return nil, nil, err
	}
	c.Acts = true
	j, err := journal.Open(journal.Options{
		Dir: c.Config.Evidence.Dir, Actor: who, Backend: c.Config.Backend.Type, URL: c.RedactedURL(),
		Place: c.ArchiveKey(), Host: c.Env.Host, Started: c.Started, Retry: policy, Log: c.Log,
		Metrics: c.Config.Performance.EnableMetrics, Decompression: c.Config.Performance.TrackDecompression,
		Open: archive.Backend,
	})
	return archive, j, err
}
