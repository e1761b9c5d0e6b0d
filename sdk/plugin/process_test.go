package plugin

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/codex-archive/codex/sdk"
	"github.com/hashicorp/go-hclog"
	"google.golang.org/protobuf/proto"
)

// as returns the command that starts the test binary in a role.
func as(t testing.TB, role string) Command {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	return Command{Path: self, Env: []string{roleVar + "=" + role}, SocketDir: shortDir(t)}
}

// shortDir is a t.TempDir whose path is short enough for a socket.
func shortDir(t testing.TB) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "t")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}

// sockets returns what is in the user's directory under base.
func sockets(t testing.TB, base string) []string {
	t.Helper()
	found, err := filepath.Glob(filepath.Join(base, "codex-"+strconv.Itoa(os.Getuid()), "*"))
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// start launches c and opens an archive. The process must be gone in the end,
// and its sockets.
func start(t testing.TB, c Command) (*Process, sdk.Backend) {
	t.Helper()
	p, err := Launch(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		p.Close()
		<-p.Exited()
		if left := sockets(t, c.SocketDir); len(left) > 0 {
			t.Errorf("left behind: %v", left)
		}
	})
	b, err := p.Open(t.Context(), sdk.Options{URL: "memory://x", Mode: sdk.Create, Parallel: 32})
	if err != nil {
		t.Fatal(err)
	}
	return p, b
}

// record returns a valid record number n of a body.
func record(n uint64, body []byte) sdk.Record {
	r := sdk.Record{
		Content: sdk.Content{SHA256: sha256.Sum256(body), Size: int64(len(body)), Codec: sdk.None}.WithBody(body),
		Set:     sdk.ID{3}, Type: sdk.RegularFile,
		Repo: "repo", Path: "a\xff/b c", Reason: "dead", ContentKind: "code", ArchivedBy: "me", Mode: 0o644,
		ArchivedAt: time.UnixMicro(1_700_000_000_000_001).UTC(), ModTime: time.Unix(0, 0).UTC(),
	}
	binary.BigEndian.PutUint64(r.Tombstone[:], n)
	r.Tombstone[15], r.Event = 1, r.Tombstone
	r.Event[15] = 2
	r.Digest = r.ComputeDigest()
	return r
}

// put stores items or ends the test.
func put(t testing.TB, b sdk.Backend, items ...sdk.Item) {
	t.Helper()
	if _, err := b.Put(t.Context(), sequence(items...)); err != nil {
		t.Fatal(err)
	}
}

func sequence(items ...sdk.Item) func(func(sdk.Item, error) bool) {
	return func(yield func(sdk.Item, error) bool) {
		for _, item := range items {
			if !yield(item, nil) {
				return
			}
		}
	}
}

// recorder is a log that can be read.
type recorder struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (r *recorder) Write(p []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.b.Write(p)
}

func (r *recorder) String() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.b.String()
}

func (r *recorder) logger(level hclog.Level) hclog.Logger {
	return hclog.New(&hclog.LoggerOptions{Level: level, Output: r, DisableTime: true})
}

// oneLine checks what every error owes its reader.
func oneLine(t testing.TB, err error, parts ...string) {
	t.Helper()
	if err == nil {
		t.Fatal("no error")
	}
	text := err.Error()
	if strings.ContainsAny(text, "\n\r\x1b") || strings.Contains(text, "goroutine ") || len(text) > 1000 {
		t.Errorf("not a line for people: %q", text)
	}
	for _, part := range parts {
		if !strings.Contains(text, part) {
			t.Errorf("%q does not say %q", text, part)
		}
	}
}

func TestProcessFromStartToEnd(t *testing.T) {
	c := as(t, "memory")
	p, b := start(t, c)
	if d := p.Description(); d.Name != "memory" || d.Protocol != sdk.ProtocolVersion || d.MaxItems != sdk.MaxItems || d.ChunkSize != sdk.ChunkSize || len(d.Schemes) != 1 {
		t.Errorf("description %+v", d)
	}
	if d, err := p.Describe(t.Context()); err != nil || d.Name != "memory" {
		t.Errorf("describe: %+v, %v", d, err)
	}
	if len(sockets(t, c.SocketDir)) != 1 {
		t.Errorf("sockets while it runs: %v", sockets(t, c.SocketDir))
	}
	if _, err := p.Open(t.Context(), sdk.Options{URL: "memory://y"}); sdk.KindOf(err) != sdk.Invalid {
		t.Errorf("a second Open: %v", err)
	}
	if _, err := b.Health(t.Context()); err != nil {
		t.Error(err)
	}
	for range 2 {
		if err := b.Close(); err != nil {
			t.Error(err)
		}
	}
	if _, err := b.Health(t.Context()); sdk.KindOf(err) != sdk.Invalid {
		t.Errorf("after Close: %v", err)
	}
	for range 2 {
		if err := p.Close(); err != nil {
			t.Error(err)
		}
	}
	<-p.Exited()
	if got := p.child.ending(); got != "exit status 0" {
		t.Errorf("it ended with %s", got)
	}
}

func TestOpenAgainAfterAnError(t *testing.T) {
	c := as(t, "memory")
	p, err := Launch(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	if _, err := p.Open(t.Context(), sdk.Options{URL: "memory://x"}); sdk.KindOf(err) != sdk.NoArchive {
		t.Errorf("open what is not there: %v", err)
	}
	if _, err := p.Open(t.Context(), sdk.Options{URL: "memory://x", Mode: sdk.Create}); err != nil {
		t.Error(err)
	}
}

func TestCloseWithoutOpenEndsTheProcess(t *testing.T) {
	p, err := Launch(t.Context(), as(t, "memory"))
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Close(); err != nil {
		t.Error(err)
	}
	select {
	case <-p.Exited():
	default:
		t.Error("Close did not wait for a process that had not closed its archive")
	}
}

// TestTimeoutNamesTheProgram: what has not answered is named, of several backends of a
// command.
func TestTimeoutNamesTheProgram(t *testing.T) {
	c := as(t, "hangs")
	_, b := start(t, c)
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	_, err := b.Health(ctx)
	if sdk.KindOf(err) != sdk.Timeout || !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("%v", err)
	}
	oneLine(t, err, "the time allowed is over", filepath.Base(c.Path), "has not answered")
}

func TestEnvironmentIsExact(t *testing.T) {
	t.Setenv("SECRET_OF_THE_HOST", "x")
	c := as(t, "environment")
	c.Env = append(c.Env, "LANG=C")
	_, b := start(t, c)
	health, err := b.Health(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	const want = "CODEX_ARCHIVE_HOST_PID CODEX_ARCHIVE_PLUGIN CODEX_ARCHIVE_PLUGIN_LOG_LEVEL CODEX_TEST_ROLE LANG " +
		"PLUGIN_MAX_PORT PLUGIN_MIN_PORT PLUGIN_PROTOCOL_VERSIONS PLUGIN_UNIX_SOCKET_DIR"
	if health.Server != want {
		t.Errorf("environment\n%s, want\n%s", health.Server, want)
	}
}

func TestTerminateClosesTheArchive(t *testing.T) {
	p, b := start(t, as(t, "memory"))
	self, err := os.FindProcess(p.Pid())
	if err != nil {
		t.Fatal(err)
	}
	for _, signal := range []os.Signal{os.Interrupt, syscall.SIGHUP, syscall.SIGQUIT} { // the host's business
		if err := self.Signal(signal); err != nil {
			t.Fatal(err)
		}
		if _, err := b.Health(t.Context()); err != nil {
			t.Errorf("after %v: %v", signal, err)
		}
	}
	if err := self.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	<-p.Exited()
	if got := p.child.ending(); got != "exit status 0" {
		t.Errorf("it ended with %s", got)
	}
}

// TestStopKills sets a deadline for a program that heeds nothing.
func TestStopKills(t *testing.T) {
	p := newChild(&Command{Path: "/bin/sh", Args: []string{"-c", "trap '' TERM INT HUP; while :; do sleep 1000; done"}, Logger: hclog.NewNullLogger()},
		&loglines{log: hclog.NewNullLogger(), secrets: &secrets{}}, func() {})
	if err := p.Start(context.Background()); err != nil {
		t.Fatal(err)
	}
	p.stop(time.Millisecond)
	<-p.exited
	if p.ending() != "signal: killed" {
		t.Errorf("it ended with %s", p.ending())
	}
}

func marshal(m proto.Message) []byte {
	b, err := proto.Marshal(m)
	if err != nil {
		panic(err) // a message of the test itself
	}
	return b
}

func unmarshal(b []byte, m proto.Message) error { return proto.Unmarshal(b, m) }
