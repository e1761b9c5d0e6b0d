package backendtest_test

import (
	"context"

	"github.com/codex-archive/codex/sdk"
)

type blind struct{ inner }

func (b *blind) Inspect(context.Context) ([]sdk.Finding, error) { return nil, nil }

type alarmist struct{ inner }

func (b *alarmist) Inspect(ctx context.Context) ([]sdk.Finding, error) {
	findings, err := sdk.Inspect(ctx, b.Backend)
	for i := range findings {
		if findings[i].Kind == sdk.Staged {
			findings[i].Kind = sdk.Orphaned
		}
	}
	return findings, err
}
