package contest

import (
	"context"
	"errors"

	"github.com/codex-archive/codex/sdk"
	"github.com/codex-archive/codex/sdk/plugin"
)

// Process returns what opens archives in a process of the program, which ends
// with them.
func Process(program *plugin.Command) Open {
	return func(ctx context.Context, o sdk.Options) (sdk.Backend, error) {
		p, err := plugin.Launch(ctx, *program)
		if err != nil {
			return nil, err
		}
		b, err := p.Open(ctx, o)
		if err != nil {
			return nil, errors.Join(err, p.Close())
		}
		return process{b, p}, nil
	}
}

type process struct {
	sdk.Backend
	plugin *plugin.Process
}

func (p process) Close() error { return errors.Join(p.Backend.Close(), p.plugin.Close()) }
