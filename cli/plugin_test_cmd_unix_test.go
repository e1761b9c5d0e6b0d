//go:build unix

package main

import (
	"context"
	"encoding/json"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/codex-archive/codex/cli/internal/output"
	"github.com/codex-archive/codex/sdk"
	"github.com/codex-archive/codex/sdk/backendtest"
	reference "github.com/codex-archive/codex/sdk/memory"
	"github.com/codex-archive/codex/sdk/plugin"
)

// forgetful is a backend with a fault: it says that nothing is missing.
type forgetful struct{ sdk.Backend }

func (forgetful) Missing(context.Context, []sdk.Digest) ([]sdk.Digest, error) { return nil, nil }

// Identity is what the driver declares.
func (f forgetful) Identity() sdk.ID { return sdk.IdentityOf(f.Backend) }

// TestPluginTestAttached runs the kit on backends that serve on a socket: one
// that keeps the contract, and one that does not.
func TestPluginTestAttached(t *testing.T) {
	sound := reference.Driver()
	broken := reference.Driver()
	open := broken.Open
	broken.Open = func(ctx context.Context, o sdk.Options) (sdk.Backend, error) {
		b, err := open(ctx, o)
		if err != nil {
			return nil, err
		}
		return forgetful{b}, nil
	}
	broken.Capabilities = nil // forgetful hides the identity
	for _, c := range []struct {
		name   string
		driver sdk.Driver
		code   output.Code
		says   string
	}{
		{"sound", sound, output.ExitDone, "4 passed, 0 failed, 0 skipped"},
		{"broken", broken, output.ExitFailed, "✗ MISSING-01 MUST Missing answers"},
	} {
		t.Run(c.name, func(t *testing.T) {
			report := filepath.Join(t.TempDir(), "report.json")
			cmd := exec.Command(filepath.Join(programs, "codex"), "plugin", "test", "--attach", "unix:"+serveDriver(t, c.driver),
				"--url", "memory://kit-{}", "--run", "^MISSING-|^OPEN-06", "--report", report)
			out, err := cmd.CombinedOutput()
			if code := output.Code(cmd.ProcessState.ExitCode()); code != c.code || !strings.Contains(string(out), c.says) {
				t.Errorf("code %d (%v), want %d and %q:\n%s", code, err, c.code, c.says, out)
			}
			data, err := os.ReadFile(report)
			if err != nil {
				t.Fatal(err)
			}
			var r backendtest.Report
			if err := json.Unmarshal(data, &r); err != nil {
				t.Fatal(err)
			}
			if r.Plugin != "memory" || r.Passed+r.Failed+r.Skipped != 4 || (r.Failed > 0) != (c.code != output.ExitDone) {
				t.Errorf("the report says %+v", r)
			}
		})
	}
}

// serveDriver serves d on a Unix socket for the time of the test.
func serveDriver(t *testing.T, d sdk.Driver) (address string) {
	dir, err := os.MkdirTemp("", "t") // t.TempDir is too long for a socket
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	address = filepath.Join(dir, "s")
	l, err := net.Listen("unix", address)
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan error, 1)
	ctx, stop := context.WithCancel(context.Background())
	go func() { served <- plugin.ServeListener(ctx, d, l) }()
	t.Cleanup(func() {
		stop()
		if err := <-served; err != nil {
			t.Errorf("serve: %v", err)
		}
	})
	return address
}
