package backendtest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"runtime/pprof"
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
