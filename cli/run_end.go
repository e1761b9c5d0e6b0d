package main

import (
	"context"
	"errors"

	"github.com/codex-archive/codex/cli/internal/output"
	"github.com/codex-archive/codex/sdk"
)

// runEnd is how a run over several records or files ended.
type runEnd struct {
	err     error // what ended it before its end
	failure error // the first of one of them

	done, failed, total int
}

// kind returns the kind of its failure, "" if all that was asked for is done.
func (e runEnd) kind(ctx context.Context) output.Kind {
	switch {
	case errors.Is(ctx.Err(), context.Canceled):
		return output.KindOf(sdk.Canceled)
	case output.CodeOf(e.err) == output.ExitEvidence:
		return output.Evidence
	case e.err == nil && e.failed == 0:
		return ""
	case e.err != nil && e.done == 0:
		return output.FailureOf(e.err).Kind
	case e.err == nil && e.total == 1:
		return output.FailureOf(e.failure).Kind
	}
	return output.Batch
}
