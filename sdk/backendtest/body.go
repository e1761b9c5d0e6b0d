package backendtest

import (
	"bytes"
	"errors"
	"io"
	"iter"
	"strings"
	"testing/iotest"

	"github.com/codex-archive/codex/sdk"
)

// sizes of bodies that have found bugs: around every boundary of the contract.
func sizes() []int {
	return []int{
		0, 1, 2, 4095, 4096, 4097,
		sdk.SmallBody - 1, sdk.SmallBody, sdk.SmallBody + 1,
		sdk.ChunkSize - 1, sdk.ChunkSize, sdk.ChunkSize + 1,
		3*sdk.ChunkSize - 1, 3 * sdk.ChunkSize, 3*sdk.ChunkSize + 1,
		4<<20 - 1, 4 << 20, 4<<20 + 1, // gRPC's limit of one message
	}
}

func bodyRules() []Rule {
	return []Rule{
		must("BODY-01", "A body of any size comes back byte for byte, each size stored alone.", func(t *T) {
			b := t.backend()
			for _, n := range sizes() {
				s := t.item(n)
				t.put(b, s)
				t.same(b, s)
			}
		}),
		must("BODY-02", "Bodies of different sizes in one Put come back byte for byte.", func(t *T) {
			b := t.backend()
			var all []sample
			for i, n := range sizes() {
				all = append(all, t.item(n), t.item(i+10))
			}
			t.put(b, all...)
			t.same(b, all...)
		}),
		must("BODY-03", "Bodies at and above StagedBody come back byte for byte, alone and among small ones.", func(t *T) {
			b := t.backend()
			exact, above := t.item(sdk.StagedBody), t.item(sdk.StagedBody+1)
			t.put(b, exact)
			s := []sample{t.item(10), above, t.item(sdk.StagedBody + 3*sdk.ChunkSize + 7), t.item(20)}
			t.put(b, s...)
			t.same(b, append(s, exact)...)
		}),
		must("BODY-04", "A body is stored exactly as it was given, whatever its codec: a backend never looks inside.", func(t *T) {
			b := t.backend()
			for _, n := range []int{20, 1000, 300_000} {
				body, content := frame(t.bytes(n))
				s := []sample{{t.record(content), body}}
				for _, codec := range []sdk.Codec{sdk.Zstd, sdk.ZstdAge} { // of bytes that are neither
					other := t.item(n)
					other.Content.Codec, other.Content.Size = codec, int64(2*n)
					s = append(s, other)
				}
				t.put(b, s...)
				t.same(b, s...)
			}
		}),
		must("BODY-05", "While StoredSize is -1 the backend finds size, CRC-32C and SHA-256 of the body itself, and answers them.", func(t *T) {
			b := t.backend()
			for _, n := range []int{0, 1, 1000, sdk.ChunkSize, sdk.StagedBody + 1} {
				s := t.item(n)
				open := s
				open.Content = unknown(s.Content)
				if got := t.put(b, open)[0].Content; got != s.Content {
					t.Errorf("%d bytes: of the answer, %s", n, strings.Join(differences("Content", s.Content, got), ", "))
				}
				t.same(b, s)
			}
		}),
		must("BODY-06", "A reader may return as little as it likes at a time, nothing at all, or its last bytes with io.EOF.", func(t *T) {
			b := t.backend()
			for _, slow := range []struct {
				what string
				down func(io.Reader) io.Reader
			}{
				{"a byte at a time", iotest.OneByteReader},
				{"half of what is asked", iotest.HalfReader},
				{"data with EOF", iotest.DataErrReader},
				{"empty reads", func(r io.Reader) io.Reader { return &stutterer{r: r} }},
			} {
				s := t.item(sdk.SmallBody + 10)
				item := s.item()
				item.Body = slow.down(item.Body)
				if _, err := b.Put(t.ctx, one(item)); err != nil {
					t.Errorf("%s: %v", slow.what, err)
					continue
				}
				t.same(b, s)
			}
		}),
		must("BODY-07", "Put ranges over its items once, reads each body to its end before it asks for the next item, and does not touch it afterwards.", readToTheEnd),
		must("BODY-08", "A body that is shorter or longer than announced is Corrupt, names its record, and nothing of the call is written.", func(t *T) {
			for _, n := range []int{10, sdk.ChunkSize, sdk.StagedBody + 1} {
				for _, off := range []int64{-1, 1, 100} {
					t.corrupt(n, func(c *sdk.Content) { c.StoredSize = max(0, c.StoredSize+off) })
				}
			}
		}),
		must("BODY-09", "A body whose CRC-32C is not the one announced is Corrupt, names its record, and nothing of the call is written.", func(t *T) {
			for _, n := range []int{0, 10, sdk.ChunkSize, sdk.StagedBody + 1} {
				t.corrupt(n, func(c *sdk.Content) { c.CRC32C ^= 1 })
			}
		}),
		must("BODY-12", "A body whose SHA-256 is not the one announced is Corrupt, names its record, and nothing of the call is written.", func(t *T) {
			for _, n := range []int{0, 10, sdk.ChunkSize, sdk.StagedBody + 1} {
				t.corrupt(n, func(c *sdk.Content) { c.StoredSHA256[31] ^= 1 })
			}
		}),
		must("BODY-10", "A body for content that is present is read and checked all the same.", func(t *T) {
			b, s := t.backend(), t.item(5000)
			t.put(b, s)
			bad := t.again(s)
			bad.Content.CRC32C ^= 1
			t.refused(b, sdk.Corrupt, []sdk.Tombstone{bad.Tombstone}, bad)
			t.same(b, s)
		}),
		must("BODY-13", "Size is a number of 64 bits: content of more than 4 GiB keeps its own, whatever its body has.", func(t *T) {
			b := t.backend()
			var s []sample
			for _, size := range []int64{1<<31 - 1, 1 << 31, 1<<32 + 1, sdk.MaxSize} {
				one := t.item(100)
				one.Content.Codec, one.Content.Size = sdk.Zstd, size // a backend does not look inside
				s = append(s, one)
			}
			t.put(b, s...)
			t.same(b, s...)
			for _, one := range s {
				if got := t.entry(b, one.Tombstone).Record.Content.Size; got != one.Content.Size {
					t.Errorf("list says %d bytes of content, want %d", got, one.Content.Size)
				}
			}
		}),
		must("BODY-11", "When reading a body fails, Put fails with that error and nothing of the call is written.", func(t *T) {
			b := t.backend()
			for _, n := range []int{10, 3 * sdk.ChunkSize, sdk.StagedBody + 5} {
				before, s := t.item(100), t.item(n)
				item := s.item()
				failure := errors.New("the file changed while it was read")
				item.Body = io.MultiReader(bytes.NewReader(s.body[:n-5]), iotest.ErrReader(failure))
				_, err := b.Put(t.ctx, then(before, item))
				if !errors.Is(err, failure) {
					t.Errorf("put answered %v, want the reader's error", err)
				}
				t.unseen(b, before, s)
				t.missing(b, before, s)
				t.put(b, before, s)
				t.same(b, before, s)
			}
		}),
	}
}

// then yields a sample and an item.
func then(s sample, i sdk.Item) iter.Seq2[sdk.Item, error] {
	return func(yield func(sdk.Item, error) bool) {
		if yield(s.item(), nil) {
			yield(i, nil)
		}
	}
}

// stutterer returns nothing at every second Read.
type stutterer struct {
	r    io.Reader
	next bool
}

func (s *stutterer) Read(p []byte) (int, error) {
	if s.next = !s.next; s.next {
		return 0, nil
	}
	return s.r.Read(p)
}

// corrupt stores a body of n bytes that lie tells untruths about, between two
// sound items.
func (t *T) corrupt(n int, lie func(*sdk.Content)) {
	b := t.backend()
	s := []sample{t.item(100), t.item(n), t.item(100)}
	lie(&s[1].Content)
	t.refused(b, sdk.Corrupt, []sdk.Tombstone{s[1].Tombstone}, s...)
	t.missing(b, s[0], s[2])
	if n > 0 { // the content of no bytes may be there already
		t.missing(b, s[1])
	}
	t.put(b, s[0], s[2])
	t.same(b, s[0], s[2])
}

func readToTheEnd(t *T) {
	b := t.backend()
	present := t.item(3000)
	t.put(b, present)
	all := []sample{t.item(0), t.item(10), t.again(present), t.item(sdk.SmallBody + 1), present, t.item(sdk.StagedBody + 1), t.item(10)}
	ranges := 0
	var readers []*reader
	stored, err := b.Put(t.ctx, func(yield func(sdk.Item, error) bool) {
		ranges++
		for i, s := range all {
			r := &reader{Reader: bytes.NewReader(s.body)}
			readers = append(readers, r)
			item := s.item()
			item.Body = r
			if !yield(item, nil) {
				return
			}
			if r.taken != len(s.body) {
				t.Errorf("item %d: %d of %d bytes were read when the next item was asked for", i, r.taken, len(s.body))
			}
			r.dead = true
		}
	})
	if err != nil {
		t.Fatalf("put: %v", err)
	}
	t.answers(stored, all...)
	if ranges != 1 {
		t.Errorf("put ranged over its items %d times", ranges)
	}
	for i, r := range readers {
		if r.late {
			t.Errorf("item %d: its body was read after the next item was asked for", i)
		}
	}
	t.same(b, all...)
}
