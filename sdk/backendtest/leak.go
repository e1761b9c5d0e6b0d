package backendtest

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime/pprof"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/codex-archive/codex/sdk"
)

// leakLabel marks the goroutines that a rule starts, and those that these start.
const leakLabel = "backendtest"

// goroutineLeak looks for goroutines that outlive the handle that started them.
func goroutineLeak(t *T) {
	t.exercise(t.backend(), t.items(3)) // what a library starts once is not the handle's
	label := strconv.FormatInt(time.Now().UnixNano(), 36)
	done := make(chan struct{})
	go pprof.Do(context.Background(), pprof.Labels(leakLabel, label), func(context.Context) {
		defer close(done)
		t.guarded(func() {
			for range 10 {
				b := t.backend()
				t.exercise(b, t.items(3))
				t.closed(b)
			}
		})
	})
	<-done
	ctx, cancel := t.within(t.wait)
	defer cancel()
	for pause := time.Millisecond; ; pause *= 2 {
		left := goroutines(label)
		if left == "" {
			return
		}
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			t.Errorf("10 handles were closed, and goroutines that they started are running %v later:\n%s", t.wait, left)
			return
		}
	}
}

// goroutines describes those with this label.
func goroutines(label string) string {
	var b bytes.Buffer
	_ = pprof.Lookup("goroutine").WriteTo(&b, 1) // to memory
	var left []string
	for entry := range strings.SplitSeq(b.String(), "\n\n") {
		if strings.Contains(entry, fmt.Sprintf("%q:%q", leakLabel, label)) {
			left = append(left, strings.TrimSpace(entry))
		}
	}
	return strings.Join(left, "\n\n")
}

// exercise makes calls that hold something for a while, and ends some early.
func (t *T) exercise(b sdk.Backend, s []sample) {
	t.put(b, s...)
	for _, err := range b.Get(t.ctx, tombstones(s...)) {
		_ = err // other rules look at errors; this one at what is left behind
		break
	}
	for _, err := range b.List(t.ctx, sdk.Query{Repo: t.repo()}) {
		_ = err // the same
		break
	}
	ctx, cancel := context.WithCancel(t.ctx)
	for _, err := range b.Get(ctx, tombstones(s...)) {
		_ = err // the same
		cancel()
	}
	cancel()
	t.unseen(b, t.item(10))
	_, err := b.Put(t.ctx, broken(errors.New("stop here"), t.items(2)...))
	if err == nil {
		t.Errorf("a put whose sequence ends in an error succeeded")
	}
}

// descriptorLeak looks for files and connections that calls leave open in a
// program.
func descriptorLeak(t *T) {
	b := t.openOver(setup{})
	for range 10 {
		t.exercise(b, t.items(3)) // caches and pools are filled
	}
	before := t.descriptors(b.process.Pid())
	for range leakRounds {
		t.exercise(b, t.items(3))
	}
	if after := t.descriptors(b.process.Pid()); after > before+leakRounds/2 {
		t.Errorf("the program has %d open files and connections, and had %d before %d rounds of calls", after, before, leakRounds)
	}
}

// leakRounds is how often the calls are made.
const leakRounds = 30

// descriptors is how many a process has. Where that cannot be read the rule is
// skipped.
func (t *T) descriptors(pid int) int {
	entries, err := os.ReadDir(fmt.Sprintf("/proc/%d/fd", pid))
	if err != nil {
		t.Skipf("a system that lists the open files of a process: %v", err)
	}
	return len(entries)
}

// leftProcesses looks for processes that outlive the program that started them. They
// have its environment, and in it a mark.
func leftProcesses(t *T) {
	mark := "CODEX_KIT_MARK=" + rand.Text()
	b := t.openOver(setup{env: []string{mark}})
	if len(t.marked(mark)) == 0 {
		t.Skipf("a system that shows the environment of a process")
	}
	t.exercise(b, t.items(3))
	t.closed(b)
	if !t.await(b.process) {
		t.Fatalf("it is still there %v after its archive was closed", t.wait)
	}
	ctx, cancel := t.within(t.wait)
	defer cancel()
	for pause := time.Millisecond; ; pause *= 2 {
		left := t.marked(mark)
		if len(left) == 0 {
			return
		}
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			for pid, command := range left {
				t.Errorf("process %d (%s) is running %v after the program that started it has ended", pid, shortened(command), t.wait)
				if p, err := os.FindProcess(pid); err == nil {
					_ = p.Kill() // it may end at last
				}
			}
			return
		}
	}
}

// marked returns the processes with this pair in the environment that they were
// started with, by id, and how they were called.
func (t *T) marked(pair string) map[int]string {
	found := map[int]string{}
	all, _ := filepath.Glob("/proc/[0-9]*") // the pattern is sound
	for _, dir := range all {
		environ, err := os.ReadFile(dir + "/environ")
		if err != nil || !slices.Contains(strings.Split(string(environ), "\x00"), pair) {
			continue // of another user, or gone
		}
		command, _ := os.ReadFile(dir + "/cmdline") // it may be gone
		if pid, err := strconv.Atoi(filepath.Base(dir)); err == nil {
			found[pid] = strings.TrimSpace(strings.ReplaceAll(string(command), "\x00", " "))
		}
	}
	return found
}
