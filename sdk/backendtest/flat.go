package backendtest

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"

	"github.com/codex-archive/codex/sdk"
)

const (
	bulk = 256 << 20 // bytes of the body that shows whether memory grows
	// grown is how much more memory a program may need for it than for small ones.
	// It leaves room for caches of the database and garbage; a program that
	// holds the body needs more.
	grown = bulk / 2
)

// flatMemory sends a large body each way.
func flatMemory(t *T) {
	b := t.openOver(setup{})
	pid := b.process.Pid()
	small := append(t.items(20), t.item(sdk.StagedBody+1))
	t.put(b, small...)
	t.same(b, small...)
	before := t.peak(pid)

	block := t.bytes(1 << 20)
	r := t.record(unknown(sdk.Content{SHA256: digest(block), Size: bulk, Codec: sdk.Zstd})) // a backend does not look inside
	if _, err := b.Put(t.ctx, one(sdk.Item{Record: sealed(r), Body: &repeated{block: block, left: bulk}})); err != nil {
		t.Fatalf("put of %d bytes: %v", bulk, err)
	}
	stored := t.peak(pid)
	if stored-before > grown {
		t.Errorf("a body of %d MiB is taken in with %d MiB more memory than small ones", bulk>>20, (stored-before)>>20)
	}
	for found, err := range b.Get(t.ctx, []sdk.Tombstone{r.Tombstone}) {
		if err = errors.Join(err, found.Err); err == nil {
			err = sameBytes(found.Body, &repeated{block: block, left: bulk})
		}
		if err != nil {
			t.Fatalf("get of %d bytes: %v", bulk, err)
		}
	}
	if returned := t.peak(pid); returned-before > grown && stored-before <= grown {
		t.Errorf("a body of %d MiB is returned with %d MiB more memory than small ones", bulk>>20, (returned-before)>>20)
	}
	t.append(b, t.request(r.Tombstone, "requester")) // it need not stay
	t.verdicts(b, t.purge(r.Tombstone), sdk.OutcomePurged)
}

// flatBatch sends many bodies each way, none of which is large.
func flatBatch(t *T) {
	b := t.openOver(setup{})
	pid := b.process.Pid()
	s := t.item(bulk / flatItems)
	small := append(t.items(20), s)
	t.put(b, small...)
	t.same(b, small...)
	before := t.peak(pid)

	var batch []sdk.Tombstone
	_, err := b.Put(t.ctx, func(yield func(sdk.Item, error) bool) {
		for i := range flatItems {
			copy(s.body, fmt.Sprintf("%06d", i)) // another content
			r := t.record(plain(s.body))
			batch = append(batch, r.Tombstone)
			if !yield(sample{r, s.body}.item(), nil) {
				return
			}
		}
	})
	if err != nil {
		t.Fatalf("put of %d items of %d bytes: %v", flatItems, len(s.body), err)
	}
	stored := t.peak(pid)
	if stored-before > grown {
		t.Errorf("%d bodies of %d MiB are taken in with %d MiB more memory than small ones", flatItems, len(s.body)>>20, (stored-before)>>20)
	}
	for found, err := range b.Get(t.ctx, batch) {
		if err = errors.Join(err, found.Err); err == nil {
			_, err = io.Copy(io.Discard, found.Body)
		}
		if err != nil {
			t.Fatalf("get of %d items: %v", flatItems, err)
		}
	}
	if returned := t.peak(pid); returned-before > grown && stored-before <= grown {
		t.Errorf("%d bodies of %d MiB are returned with %d MiB more memory than small ones", flatItems, len(s.body)>>20, (returned-before)>>20)
	}
	t.appendAll(b, batch, func(id sdk.Tombstone) sdk.Event { return t.request(id, "requester") })
	if _, err := b.Purge(t.ctx, t.purge(batch...)); err != nil { // they need not stay
		t.Errorf("purge of %d items: %v", flatItems, err)
	}
}

// flatItems is how many bodies make a batch of 256 MiB.
const flatItems = bulk / (4 << 20)

// appendAll records an event of each record.
func (t *T) appendAll(b sdk.Backend, ids []sdk.Tombstone, event func(sdk.Tombstone) sdk.Event) {
	var events []sdk.Event
	for _, id := range ids {
		events = append(events, event(id))
	}
	t.append(b, events...)
}

// peak is the most memory that a process has had so far, in bytes. Where that
// cannot be read the rule is skipped.
func (t *T) peak(pid int) int64 {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		t.Skipf("a system that says how much memory a process has had at most: %v", err)
	}
	_, rest, _ := strings.Cut(string(status), "VmHWM:")
	line, _, _ := strings.Cut(rest, "kB")
	kib, err := strconv.ParseInt(strings.TrimSpace(line), 10, 64)
	if err != nil {
		t.Skipf("a system that says how much memory a process has had at most: %v", err)
	}
	return kib << 10
}

// repeated yields a block again and again.
type repeated struct {
	block []byte
	at    int
	left  int64
}

// Read implements [io.Reader].
func (r *repeated) Read(p []byte) (int, error) {
	if r.left == 0 {
		return 0, io.EOF
	}
	n := copy(p[:min(int64(len(p)), r.left)], r.block[r.at:])
	r.at = (r.at + n) % len(r.block)
	r.left -= int64(n)
	return n, nil
}

// sameBytes reports where two readers differ.
func sameBytes(got, want io.Reader) error {
	x, y := make([]byte, sdk.ChunkSize), make([]byte, sdk.ChunkSize)
	for at := int64(0); ; at += int64(len(x)) {
		n, err := io.ReadFull(got, x)
		m, _ := io.ReadFull(want, y) // it ends, and has no other error
		switch {
		case err != nil && err != io.EOF && err != io.ErrUnexpectedEOF:
			return err
		case !bytes.Equal(x[:n], y[:m]):
			return fmt.Errorf("wrong bytes after %d", at)
		case n < len(x):
			return nil
		}
	}
}
