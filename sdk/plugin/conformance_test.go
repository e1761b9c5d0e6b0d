package plugin_test

import (
	"bufio"
	"context"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/codex-archive/codex/sdk"
	"github.com/codex-archive/codex/sdk/backendtest"
	"github.com/codex-archive/codex/sdk/kvbackend/kvtest"
	"github.com/codex-archive/codex/sdk/memory"
	"github.com/codex-archive/codex/sdk/plugin"
)

func memoryURLs() func() string {
	var n atomic.Int64
	return func() string { return "memory://" + strconv.FormatInt(n.Add(1), 10) }
}

// TestConformanceOverSocket runs the rules on the reference backend through
// both halves of the wire in one process, where its bodies can be damaged.
func TestConformanceOverSocket(t *testing.T) {
	archives := new(memory.Archives)
	driver := archives.Driver()
	backendtest.Run(t, backendtest.Target{
		Address: "unix:" + serve(t, driver),
		URL:     memoryURLs(),
		Damage: func(ctx context.Context, url string, content sdk.Digest) error {
			return kvtest.Damage(ctx, archives.Store(url), content)
		},
	})
}

// TestConformanceOverTCP runs the rules about streams where nothing is known of
// the peer.
func TestConformanceOverTCP(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	driver := memory.Driver()
	serveOn(t, driver, l)
	report, err := backendtest.RunRules(t.Context(), backendtest.Target{
		Address: "tcp:" + l.Addr().String(), URL: memoryURLs(),
	}, backendtest.Options{Run: func(id string) bool {
		group, _, _ := strings.Cut(id, "-")
		return group == "PUT" || group == "GET" || group == "LIST" || group == "CLOSE" || group == "WIRE"
	}})
	if err != nil {
		t.Fatal(err)
	}
	for _, result := range report.Results {
		if result.Status == backendtest.Failed {
			t.Errorf("%s: %s: %s", result.ID, result.Says, result.Why)
		}
	}
	if report.Passed == 0 {
		t.Error("no rule passed")
	}
}

// TestConformanceOfProcess runs the rules on the reference backend in a process
// that was started by hand, as a developer would.
func TestConformanceOfProcess(t *testing.T) {
	if testing.Short() {
		t.Skip("short: TestConformanceOverSocket has run the same rules")
	}
	backendtest.Run(t, backendtest.Target{
		Address: "unix:" + startByHand(t), URL: memoryURLs(),
	})
}

// serve serves d on a Unix socket for the time of the test.
func serve(t testing.TB, d sdk.Driver) (address string) {
	t.Helper()
	address = filepath.Join(plugin.ShortDir(t), "s")
	l, err := net.Listen("unix", address)
	if err != nil {
		t.Fatal(err)
	}
	serveOn(t, d, l)
	return address
}

func serveOn(t testing.TB, d sdk.Driver, l net.Listener) {
	ctx, stop := context.WithCancel(context.Background())
	served := make(chan error, 1)
	go func() { served <- plugin.ServeListener(ctx, d, l) }()
	t.Cleanup(func() {
		stop()
		if err := <-served; err != nil {
			t.Errorf("ServeListener: %v", err)
		}
	})
}

// startByHand starts the reference backend with --listen and returns its
// socket once it serves.
func startByHand(t testing.TB) (address string) {
	t.Helper()
	address = filepath.Join(plugin.ShortDir(t), "s")
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(self, "--listen", "unix:"+address)
	cmd.Env = append(os.Environ(), "CODEX_TEST_ROLE=memory")
	says, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(says).ReadString('\n')
	if err != nil || !strings.HasPrefix(line, "serving memory on ") {
		t.Fatalf("it said %q, %v", line, err)
	}
	t.Cleanup(func() {
		cmd.Process.Signal(os.Interrupt)
		if err := cmd.Wait(); err != nil {
			t.Errorf("after an interrupt: %v", err)
		}
	})
	return address
}
