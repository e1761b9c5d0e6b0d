package crypt

import (
	"bytes"
	"io"
	"testing"
)

// BenchmarkSmall is a body of 4 KiB, of which most of the cost would be its key.
func BenchmarkSmall(b *testing.B) {
	to, err := ParseRecipients([]byte(public))
	if err != nil {
		b.Fatal(err)
	}
	mine, err := ParseIdentities([]byte(private))
	if err != nil {
		b.Fatal(err)
	}
	plain := make([]byte, 4<<10)
	var body bytes.Buffer
	encrypt := func() {
		body.Reset()
		w := to.Encrypt(&body)
		_, err := w.Write(plain)
		if err == nil {
			err = w.Close()
		}
		if err != nil {
			b.Fatal(err)
		}
	}
	b.Run("encrypt", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			encrypt()
		}
	})
	encrypt()
	b.Run("open", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, ok := mine.Open(nil, body.Bytes()); !ok {
				b.Fatal("a small body is not opened")
			}
		}
	})
	b.Run("decrypt", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			r, err := mine.Decrypt(record(), bytes.NewReader(body.Bytes()))
			if err == nil {
				_, err = io.Copy(io.Discard, r)
			}
			if err != nil {
				b.Fatal(err)
			}
		}
	})
}
