package backendtest

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"strings"
	"sync"
	"time"

	"github.com/codex-archive/codex/sdk"
	"github.com/codex-archive/codex/sdk/plugin"
)

const (
	// leaveTime is what a program gets to be gone once its standard input has
	// ended: a number of the contract, in archive.proto.
	leaveTime = 2 * time.Second
	// leaveTick is the unit in which it is counted.
	leaveTick = 10 * time.Millisecond
)

func processRules() []Rule {
	return []Rule{
		must("PROC-01", "Standard output carries the line of the handshake and nothing else.", func(t *T) {
			var out recorder
			b := t.openOver(setup{stdout: &out})
			if err := t.lifeOfOne(b, 0, append(t.items(3), t.item(sdk.ChunkSize+1))); err != nil {
				t.Errorf("%v", err)
			}
			t.closed(b)
			<-b.process.Exited()
			if text := out.String(); text != "" {
				t.Errorf("it printed %q", shortened(text))
			}
		}, needsProgram),
		must("PROC-02", "Within 2 seconds of the end of its standard input a program is gone, whether it has opened an archive or not.", func(t *T) {
			t.leavesInTime("before Open", func() *plugin.Process {
				process := t.connect(setup{})
				process.CutLifeline()
				return process
			})
			t.leavesInTime("with an open archive", func() *plugin.Process {
				b := t.openOver(setup{})
				t.put(b, t.item(100))
				b.process.CutLifeline()
				return b.process
			})
		}, needsProgram),
		must("PROC-03", "So it is in the middle of a Put, of which nothing is visible then.", func(t *T) {
			t.leavesInTime("in a Put", func() *plugin.Process {
				b := t.openOver(setup{})
				s := []sample{t.item(100), t.item(sdk.StagedBody + 1), t.item(100)}
				_, err := b.Put(t.ctx, func(yield func(sdk.Item, error) bool) {
					if !yield(s[0].item(), nil) || !yield(s[1].item(), nil) {
						return
					}
					b.process.CutLifeline()
					t.await(b.process)
					yield(s[2].item(), nil)
				})
				if err == nil {
					t.Errorf("put succeeded though the program had to go")
				}
				fresh := t.backend()
				t.unseen(fresh, s...)
				t.missing(fresh, s...)
				return b.process
			})
		}, needsProgram),
		must("PROC-04", "An interrupt (SIGINT) is the host's business: the program goes on.", func(t *T) {
			b := t.openOver(setup{})
			program, err := os.FindProcess(b.process.Pid())
			if err == nil {
				err = program.Signal(os.Interrupt)
			}
			if err != nil {
				t.Skipf("a system that can interrupt another process: %v", err)
			}
			s := t.items(10)
			for _, one := range s { // the signal may take its time
				t.put(b, one)
			}
			t.same(b, s...)
		}, needsProgram),
		must("PROC-05", "Run by hand, without the host's variables, a program says so on standard error, prints nothing on standard output, and ends with a code other than 0.", runStandalone, needsProgram),
		must("PROC-06", "Programs that were given up at any moment keep no later one from its work.", func(t *T) {
			s := t.items(3)
			for i := range s {
				b := t.openOver(setup{})
				_, _ = b.Put(t.ctx, func(yield func(sdk.Item, error) bool) {
					_ = yield(s[i].item(), nil) && yield(t.item(sdk.StagedBody+1).item(), nil)
					b.process.Kill()
				})
				t.put(t.backend(), s[i])
			}
			t.same(t.backend(), s...)
		}, needsProgram),
		must("PROC-08", "A program whose archive was closed ends by itself, with code 0.", func(t *T) {
			b := t.openOver(setup{})
			t.put(b, t.item(100))
			t.closed(b)
			if !t.await(b.process) {
				t.Errorf("it is still there %v after its archive was closed", t.wait)
			} else if how := b.process.Ending(); how != "exit status 0" {
				t.Errorf("it ended with %s, want exit status 0", how)
			}
		}, needsProgram),
		patient(must("PROC-09", "Memory does not grow with the length of a batch: a Put and a Get of 256 MiB in bodies of 4 MiB need less than half of that more than small ones.", flatBatch, needsProgram)),
		must("PROC-10", "What a call has opened it closes, also where it ends early: the files and connections of a program do not grow with the number of calls.", descriptorLeak, needsProgram),
		must("PROC-11", "What a program has started ends with it: no process of its own is left.", leftProcesses, needsProgram),
		must("PROC-12", "A program of which nothing is asked says nothing: its log does not grow by itself.", idleLog, needsProgram),
		patient(must("PROC-07", "Memory does not grow with a body: one of 256 MiB is taken in and returned with less than half of that more than small ones need.", flatMemory, needsProgram)),
	}
}

const (
	idleTime  = time.Second
	idleBytes = 16 << 10 // more than a line about a timer that went off, and less than what has no end
)

// idleLog looks whether a program logs while nothing is asked of it. No one reads a
// log that has no end, and the host and its disk are busy with it.
func idleLog(t *T) {
	var log recorder
	b := t.openOver(setup{stderr: &log})
	t.exercise(b, t.items(3))
	before := log.written()
	select {
	case <-time.After(idleTime):
	case <-t.ctx.Done():
	}
	if n := log.written() - before; n > idleBytes {
		t.Errorf("it said %d bytes on standard error in %v in which nothing was asked of it", n, idleTime)
	}
}

// leavesInTime checks that a program goes in time once leave has told it to.
func (t *T) leavesInTime(when string, leave func() *plugin.Process) {
	process := leave()
	if !inTime(process) {
		t.Errorf("%s: it is still there %v after its standard input ended", when, leaveTime)
	}
}

// inTime waits for leaveTime, counted in ticks that this process receives. On
// a machine so busy that the kit itself does not run, ticks are dropped, and
// the program has more time on the clock.
func inTime(process *plugin.Process) bool {
	ticker := time.NewTicker(leaveTick)
	defer ticker.Stop()
	for range leaveTime / leaveTick {
		select {
		case <-process.Exited():
			return true
		case <-ticker.C:
		}
	}
	select {
	case <-process.Exited():
		return true
	default:
		return false
	}
}

// await reports whether the program went before it was given up.
func (t *T) await(process *plugin.Process) bool {
	timer := time.NewTimer(t.wait)
	defer timer.Stop()
	select {
	case <-process.Exited():
		return true
	case <-timer.C:
		return false
	}
}

func runStandalone(t *T) {
	ctx, cancel := t.within(t.wait)
	defer cancel()
	program := t.target.Program
	cmd := exec.CommandContext(ctx, program.Path, program.Args...)
	cmd.Env = program.Env
	var out, said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &said
	cmd.WaitDelay = time.Second
	err := cmd.Run()
	var exit *exec.ExitError
	switch {
	case ctx.Err() != nil:
		t.Errorf("it is still there after %v", t.wait)
	case err == nil:
		t.Errorf("it ended with code 0")
	case !errors.As(err, &exit):
		t.Errorf("%v", err)
	}
	if out.Len() > 0 {
		t.Errorf("it printed %q on standard output", shortened(out.String()))
	}
	if strings.TrimSpace(said.String()) == "" {
		t.Errorf("it said nothing on standard error")
	}
}

// shortened keeps what a report shows of a text in bounds.
func shortened(text string) string {
	if len(text) > 300 {
		return text[:300] + "…"
	}
	return text
}

// recorder keeps what is written to it, by several goroutines.
type recorder struct {
	mu sync.Mutex
	b  bytes.Buffer
	n  int64 // bytes that were written
}

// maxRecorded bounds what a recorder keeps, in bytes: a program may print without
// end.
const maxRecorded = 8 << 20

// Write implements [io.Writer].
func (r *recorder) Write(p []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.n += int64(len(p))
	_, _ = r.b.Write(p[:min(len(p), maxRecorded-r.b.Len())]) // to memory
	return len(p), nil
}

// written returns how many bytes were written.
func (r *recorder) written() int64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.n
}

// String returns what was written.
func (r *recorder) String() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.b.String()
}
