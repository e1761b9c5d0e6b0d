package main

import (
	"os"
	"os/signal"
	"syscall"

	"github.com/codex-archive/codex/cli/internal/app"
	"github.com/codex-archive/codex/cli/internal/journal"
	"github.com/codex-archive/codex/cli/internal/retry"
)

// openJournal opens the evidence of a command that acts on archive. From then on
// a reader of stdout that goes away is an error of writing and does not kill the
// command: what it does is recorded in any case.
func openJournal(c *app.Command, archive *app.Archive, actor string) (*journal.Journal, error) {
	return openBatchJournal(c, archive, actor, c.RetryPolicy())
}

// openBatchJournal is openJournal with another policy for repeats.
func openBatchJournal(c *app.Command, archive *app.Archive, actor string, policy retry.Policy) (*journal.Journal, error) {
	signal.Notify(make(chan os.Signal, 1), syscall.SIGPIPE)
	return journal.Open(journal.Options{
		Dir: c.Config.Evidence.Dir, Actor: actor, Backend: c.Config.Backend.Type, URL: c.RedactedURL(),
		Place: c.ArchiveKey(), Host: c.Env.Host, Started: c.Started, Retry: policy, Log: c.Log,
		Metrics: c.Config.Performance.EnableMetrics, Decompression: c.Config.Performance.TrackDecompression,
		Open: archive.Backend,
	})
}
