package pluginhost

import (
	"context"

	"github.com/codex-archive/codex/sdk/plugin"
)

// Describe starts a program, asks it what it is, and ends it.
func Describe(ctx context.Context, s Start) (Description, error) {
	command, err := s.Command(ctx)
	if err != nil {
		return Description{}, err
	}
	ctx, cancel := context.WithTimeout(ctx, s.Timeout)
	defer cancel()
	process, err := plugin.Launch(ctx, command)
	if err != nil {
		return Description{}, refusal(err)
	}
	defer func() { _ = process.Close() }() // the description is all that was asked for
	return process.Describe(ctx)           // the handshake has agreed on a protocol
}
