package backendtest

import (
	"bytes"
	"testing"

	"github.com/klauspost/compress/zstd"
)

// TestFrame: what the rules call a zstd frame is one.
func TestFrame(t *testing.T) {
	d, err := zstd.NewReader(nil)
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	maker := &T{rule: Rule{ID: "FRAME-01"}}
	for _, n := range []int{0, 1, 128<<10 - 1, 128 << 10, 128<<10 + 1, 300_000} {
		plain := maker.bytes(n)
		body, content := frame(plain)
		got, err := d.DecodeAll(body, nil)
		if err != nil || !bytes.Equal(got, plain) || content.StoredSize != int64(len(body)) {
			t.Errorf("%d bytes: %v", n, err)
		}
	}
}
