//go:build unix

package plugin

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/codex-archive/codex/sdk"
	"github.com/hashicorp/go-hclog"
)

// TestCrashInPut looks at what a Put says whose backend dies before, or after,
// it could have committed.
func TestCrashInPut(t *testing.T) {
	for role, effect := range map[string]sdk.Effect{"dies in put": sdk.EffectNone, "dies at commit": sdk.EffectMaybe} {
		t.Run(role, func(t *testing.T) {
			p, b := start(t, as(t, role))
			data := make([]byte, 1<<20)
			_, err := b.Put(t.Context(), func(yield func(sdk.Item, error) bool) {
				for n := range uint64(100) {
					if !yield(sdk.Item{Record: record(n, data), Body: bytes.NewReader(data)}, nil) {
						return
					}
				}
			})
			crashed(t, err, effect)
			oneLine(t, err, "put: ", "panic: boom", "exit status 2")
			<-p.Exited()
			if err := p.Close(); err != nil {
				t.Errorf("close after a crash: %v", err)
			}
		})
	}
}

func crashed(t *testing.T, err error, effect sdk.Effect) {
	t.Helper()
	var e *sdk.Error
	if !errors.As(err, &e) || e.Kind != sdk.Crashed || !e.Retry || e.Effect != effect {
		t.Errorf("%+v, want a crash with effect %d", err, effect)
	}
}

func TestCrashInGet(t *testing.T) {
	_, b := start(t, as(t, "dies in get"))
	r := record(1, nil)
	var last error
	for found, err := range b.Get(t.Context(), []sdk.Tombstone{r.Tombstone}) {
		if last = err; err == nil {
			_, readErr := io.Copy(io.Discard, found.Body)
			crashed(t, readErr, sdk.EffectNone)
		}
	}
	crashed(t, last, sdk.EffectNone)
	oneLine(t, last, "get: ", "exit status 3")
}

// TestKilled kills the backend under each kind of call, and between calls.
func TestKilled(t *testing.T) {
	data := make([]byte, 8<<20)
	calls := map[string]func(b sdk.Backend, kill func()) error{
		"put": func(b sdk.Backend, kill func()) error {
			_, err := b.Put(t.Context(), func(yield func(sdk.Item, error) bool) {
				if yield(sdk.Item{Record: record(2, data), Body: bytes.NewReader(data)}, nil) {
					kill()
					yield(sdk.Item{Record: record(3, data), Body: bytes.NewReader(data)}, nil)
				}
			})
			return err
		},
		"get": func(b sdk.Backend, kill func()) error {
			var last error
			for found, err := range b.Get(t.Context(), []sdk.Tombstone{record(1, data).Tombstone, record(1, data).Tombstone}) {
				if last = err; err == nil {
					io.CopyN(io.Discard, found.Body, 1000)
					kill()
				}
			}
			return last
		},
		"health": func(b sdk.Backend, kill func()) error {
			kill()
			_, err := b.Health(t.Context())
			return err
		},
	}
	for op, call := range calls {
		t.Run(op, func(t *testing.T) {
			p, b := start(t, as(t, "memory"))
			put(t, b, sdk.Item{Record: record(1, data), Body: bytes.NewReader(data)})
			err := call(b, func() { syscall.Kill(p.Pid(), syscall.SIGKILL) })
			crashed(t, err, sdk.EffectNone)
			oneLine(t, err, op+": ", "signal: killed")
			if err := b.Close(); err != nil {
				t.Errorf("close: %v", err)
			}
		})
	}
}

// TestPanicIsRecovered: a panic in a call is an error of that call, and the
// backend lives on.
func TestPanicIsRecovered(t *testing.T) {
	p, err := Launch(t.Context(), as(t, "panics"))
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	b, err := p.Open(t.Context(), sdk.Options{URL: secretURL, Mode: sdk.Create})
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		_, err = b.Health(t.Context())
		oneLine(t, err, "health: a bug in the backend: panic: boom at memory://user:***")
		if sdk.KindOf(err) != sdk.Internal {
			t.Errorf("kind %v", sdk.KindOf(err))
		}
	}
}

// TestPanicIsLogged: a panic arrives in the host's log as one entry at level
// error with its stack, which has its lines, whether the backend survives it or not.
// The lines of a stack used to come one by one, at level debug.
func TestPanicIsLogged(t *testing.T) {
	for role, want := range map[string][]string{
		"panics":      {"[ERROR] panic in the backend: method=", `panic="boom at memory://user:***`, "  | goroutine ", "sdk/plugin.(*faulty).Health("},
		"dies in put": {"[ERROR] panic: boom:", "  | goroutine ", "created by "},
	} {
		t.Run(role, func(t *testing.T) {
			var log recorder
			c := as(t, role)
			c.Logger = log.logger(hclog.Error)
			p, err := Launch(t.Context(), c)
			if err != nil {
				t.Fatal(err)
			}
			b, err := p.Open(t.Context(), sdk.Options{URL: secretURL, Mode: sdk.Create})
			if err != nil {
				t.Fatal(err)
			}
			if _, err = b.Health(t.Context()); role != "panics" {
				_, err = b.Put(t.Context(), func(func(sdk.Item, error) bool) {})
			}
			if err == nil {
				t.Error("no error")
			}
			p.Close()
			<-p.Exited()
			for _, text := range append(want, "\n  |  ") {
				if !strings.Contains(log.String(), text) {
					t.Errorf("no %q in the log:\n%s", text, log.String())
				}
			}
			if n := strings.Count(log.String(), "[ERROR]"); n != 1 {
				t.Errorf("%d entries:\n%s", n, log.String())
			}
		})
	}
}

// TestHostKilled kills a host in the middle of a Put: its backend goes, and the
// next host sweeps its sockets, but not those of a host that lives.
func TestHostKilled(t *testing.T) {
	c := as(t, "memory")
	living, err := Launch(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	defer living.Close()

	host := exec.Command(c.Path)
	host.Env = append(os.Environ(), roleVar+"=host", "TEST_SOCKETS="+c.SocketDir)
	out, err := host.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := host.Start(); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	backend, err := strconv.Atoi(strings.TrimSpace(line))
	if err != nil {
		t.Fatal(err)
	}
	if len(sockets(t, c.SocketDir)) != 2 {
		t.Fatalf("sockets of two hosts: %v", sockets(t, c.SocketDir))
	}
	host.Process.Kill()
	host.Wait()
	for syscall.Kill(backend, 0) == nil && !isZombie(backend) { // the test's own deadline bounds this
		time.Sleep(5 * time.Millisecond)
	}

	next, err := Launch(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	defer next.Close()
	if left := sockets(t, c.SocketDir); len(left) != 2 {
		t.Errorf("after the next start: %v, want those of the two that live", left)
	}
	if _, err := living.Describe(t.Context()); err != nil {
		t.Errorf("the living host's backend: %v", err)
	}
}

// isZombie reports a process that has ended and was not waited for,
// which is what becomes of an orphan in a container whose first process does not
// care.
func isZombie(pid int) bool {
	stat, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	if err != nil {
		return false
	}
	_, state, _ := strings.Cut(string(stat), ") ")
	return strings.HasPrefix(state, "Z")
}

func TestCleanSockets(t *testing.T) {
	base := shortDir(t)
	held, err := newSocketDir(base)
	if err != nil {
		t.Fatal(err)
	}
	defer held.remove()
	dead, err := newSocketDir(base)
	if err != nil {
		t.Fatal(err)
	}
	dead.lock.Close() // as the kernel does when a host is killed
	if err := CleanSockets(base); err != nil {
		t.Fatal(err)
	}
	if left := sockets(t, base); len(left) != 1 || left[0] != held.path {
		t.Errorf("left %v, want %v", left, held.path)
	}
}

// TestMemoryStaysFlat sends 512 MiB and looks at the most memory that
// the backend's process ever had.
func TestMemoryStaysFlat(t *testing.T) {
	p, b := start(t, as(t, "sink"))
	r := record(1, nil)
	r.Content.StoredSize = -1
	body := io.LimitReader(readerFunc(func(b []byte) (int, error) { return len(b), nil }), 512<<20)
	put(t, b, sdk.Item{Record: r, Body: body})
	most, err := peakMemory(p.Pid())
	if err != nil {
		t.Skip("this system does not tell: ", err)
	}
	if most > 256<<20 { // half of what was sent; 40 MiB, or 100 with the race detector, is what it needs
		t.Errorf("the backend had %d MiB", most>>20)
	}
	t.Logf("%d MiB", most>>20)
}

// peakMemory returns the largest resident set of a process so far, in bytes.
func peakMemory(pid int) (int64, error) {
	text, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/status")
	if err != nil {
		return 0, err
	}
	_, rest, _ := strings.Cut(string(text), "VmHWM:")
	number, _, _ := strings.Cut(strings.TrimSpace(rest), " ")
	kib, err := strconv.ParseInt(number, 10, 64)
	return kib << 10, err
}

// TestKilledAmongCalls: whenever in a call the backend goes, and whatever is
// noticed first, the call says that it is gone.
func TestKilledAmongCalls(t *testing.T) {
	for range 5 {
		p, b := start(t, as(t, "memory"))
		var callers sync.WaitGroup
		for range 16 {
			callers.Go(func() {
				for {
					if _, err := b.Health(t.Context()); err != nil {
						crashed(t, err, sdk.EffectNone)
						return
					}
				}
			})
		}
		p.Kill()
		callers.Wait()
	}
}
