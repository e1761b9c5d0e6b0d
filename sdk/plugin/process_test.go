package plugin

import (
	"context"
	"os"
	"testing"
	"time"

	"github.com/codex-archive/codex/sdk"
	"github.com/hashicorp/go-hclog"
)

// as returns the command that starts the test binary in a role.
func as(t testing.TB, role string) Command {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	return Command{
		Path: self, Env: []string{roleVar + "=" + role, "HOME=" + os.Getenv("HOME")},
		Logger: hclog.New(&hclog.LoggerOptions{Level: hclog.Trace, Output: testWriter{t}}),
	}
}

type testWriter struct{ t testing.TB }

func (w testWriter) Write(p []byte) (int, error) { w.t.Log(string(p)); return len(p), nil }

func TestSmoke(t *testing.T) {
	ctx := context.Background()
	c := as(t, "memory")
	for range 3 {
		start := time.Now()
		p, err := Launch(ctx, c)
		if err != nil {
			t.Fatal(err)
		}
		t.Log("launched", time.Since(start))
		b, err := p.Open(ctx, sdk.Options{URL: "memory://x", Mode: sdk.Create, Parallel: 4})
		if err != nil {
			t.Fatal(err)
		}
		t.Log("opened", time.Since(start))
		h, err := b.Health(ctx)
		t.Log(h, err, time.Since(start))
		if err := b.Close(); err != nil {
			t.Fatal(err)
		}
		if err := p.Close(); err != nil {
			t.Fatal(err)
		}
		t.Log("closed", time.Since(start))
		<-p.Exited()
		t.Log("exited", time.Since(start), p.program.ending())
	}
}
