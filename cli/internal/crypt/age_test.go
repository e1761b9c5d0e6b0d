package crypt

import (
	"bytes"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/iotest"

	"filippo.io/age"
)

// boundaries are the sizes at which an age file has another form.
var boundaries = []int{0, 1, smallBody - 1, smallBody, smallBody + 1, 2 * smallBody, 2*smallBody + 1}

// stock are the identities of private, as age reads them.
func stock(t *testing.T) []age.Identity {
	t.Helper()
	mine, err := age.ParseIdentities(strings.NewReader(private))
	if err != nil {
		t.Fatal(err)
	}
	return mine
}

// pattern is content of which no part is like another.
func pattern(size int) []byte {
	b := make([]byte, size)
	for i := range b {
		b[i] = byte(i ^ i>>8 ^ i>>16)
	}
	return b
}

// TestStockReadsOurs: age reads what this package writes, in whatever pieces it was
// written.
func TestStockReadsOurs(t *testing.T) {
	to, mine := recipients(t, public), stock(t)
	for _, size := range boundaries {
		plain := pattern(size)
		var pieces bytes.Buffer
		w := to.Encrypt(&pieces)
		if _, err := io.CopyBuffer(struct{ io.Writer }{w}, iotest.HalfReader(bytes.NewReader(plain)), make([]byte, 40_000)); err != nil {
			t.Fatal(err)
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		if w.Close() == nil {
			t.Error("a body was closed twice")
		}
		for _, body := range [][]byte{encrypted(t, to, plain), pieces.Bytes()} {
			r, err := age.Decrypt(bytes.NewReader(body), mine...)
			if err != nil {
				t.Fatalf("%d bytes: %v", size, err)
			}
			if got, err := io.ReadAll(r); err != nil || !bytes.Equal(got, plain) {
				t.Errorf("%d bytes: got %d, %v", size, len(got), err)
			}
		}
	}
}

// TestProgramReadsOurs: so does the program age.
func TestProgramReadsOurs(t *testing.T) {
	if _, err := exec.LookPath("age"); err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal("the program age is not installed")
		}
		t.Skip("the program age is not installed")
	}
	dir := t.TempDir()
	file := func(name, content string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	keys := []string{file("age", private+"\n"), file("ssh", sshPrivate), file("rsa", rsaPrivate)}
	to := recipients(t, public+"\n"+sshPublic+"\n"+rsaPublic)
	for n, size := range boundaries {
		plain := pattern(size)
		cmd := exec.Command("age", "--decrypt", "--identity", keys[n%len(keys)])
		cmd.Stdin = bytes.NewReader(encrypted(t, to, plain))
		if got, err := cmd.Output(); err != nil || !bytes.Equal(got, plain) {
			t.Errorf("%d bytes: got %d, %v", size, len(got), err)
		}
	}
}

// TestOursReadsStock: a body that age made is read, with a key of its own.
func TestOursReadsStock(t *testing.T) {
	mine := identities(t, private)
	for _, size := range boundaries {
		plain := pattern(size)
		var body bytes.Buffer
		w, err := age.Encrypt(&body, recipients(t, public).keys...)
		if err == nil {
			_, err = w.Write(plain)
		}
		if err == nil {
			err = w.Close()
		}
		if err != nil {
			t.Fatal(err)
		}
		expect(t, mine, body.Bytes(), plain)
	}
}

// expect reads a body in both ways.
func expect(t *testing.T, i *Identities, body, plain []byte) {
	t.Helper()
	if got, ok := i.Open([]byte("before"), body); ok != (len(plain) <= smallBody) || ok && string(got) != "before"+string(plain) {
		t.Errorf("open %d bytes: %v, got %d", len(plain), ok, len(got))
	}
	r, err := i.Decrypt(record(), iotest.OneByteReader(bytes.NewReader(body)))
	if err != nil {
		t.Fatalf("%d bytes: %v", len(plain), err)
	}
	if got, err := io.ReadAll(r); err != nil || !bytes.Equal(got, plain) {
		t.Errorf("%d bytes: got %d, %v", len(plain), len(got), err)
	}
}

// parts are the header of a body, and its nonce with what follows.
func parts(t *testing.T, body []byte) (header, payload string) {
	t.Helper()
	h, err := age.ExtractHeader(bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	return string(h), string(body[len(h):])
}

// TestSharedKey: small bodies share a header as long as they may. Their nonces, and
// so what they are encrypted with, differ. Large ones share none.
func TestSharedKey(t *testing.T) {
	to := recipients(t, public)
	var mu sync.Mutex
	headers, nonces := make(map[string]int), make(map[string]bool)
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			for range 2*bodiesPerKey/4 + 1 {
				var body bytes.Buffer
				if err := to.Encrypt(&body).Close(); err != nil {
					t.Error(err)
					return
				}
				header, payload := parts(t, body.Bytes())
				mu.Lock()
				headers[header]++
				nonces[payload[:nonceSize]] = true
				mu.Unlock()
			}
		})
	}
	all.Wait()
	if len(headers) != 3 || len(nonces) != 2*bodiesPerKey+4 {
		t.Errorf("%d headers and %d nonces of %d bodies", len(headers), len(nonces), 2*bodiesPerKey+4)
	}
	for _, n := range headers {
		if n > bodiesPerKey {
			t.Errorf("%d bodies have one key", n)
		}
	}
	for _, to := range []*Recipients{to, to, recipients(t, public)} {
		header, _ := parts(t, encrypted(t, to, make([]byte, smallBody+1)))
		if headers[header]++; headers[header] > 1 {
			t.Error("a large body shares its key")
		}
	}
	header, _ := parts(t, encrypted(t, recipients(t, public), nil))
	if headers[header] > 0 {
		t.Error("two runs share a key")
	}
}

// TestUnwrapOnce: a key that many bodies have is unwrapped once, by each identity
// until one fits, and the number of keys that are remembered is bounded.
func TestUnwrapOnce(t *testing.T) {
	to := recipients(t, public)
	counts := &counting{identity: stock(t)[0]}
	mine := &Identities{keys: newFileKeys(counts)}
	var readers sync.WaitGroup
	header, _ := split(encrypted(t, to, []byte("x")))
	for range 10 {
		readers.Go(func() {
			if _, err := mine.keys.of(header); err != nil {
				t.Error(err)
			}
		})
	}
	readers.Wait()
	for range 10 {
		expect(t, mine, encrypted(t, to, []byte("x")), []byte("x"))
	}
	if counts.n != 1 {
		t.Errorf("a key was unwrapped %d times", counts.n)
	}
	if _, err := identities(t, other).Decrypt(record(), bytes.NewReader(encrypted(t, to, nil))); !IsForOthers(err) {
		t.Error(err)
	}
	for n := range 3 * rememberedKeys {
		mine.keys.unwrapper([]byte{byte(n), byte(n >> 8)})
	}
	if n := len(mine.keys.known); n > rememberedKeys {
		t.Errorf("%d keys are remembered", n)
	}
	expect(t, mine, encrypted(t, to, []byte("x")), []byte("x"))
}

// counting counts what is unwrapped.
type counting struct {
	identity age.Identity
	n        int
}

func (c *counting) Unwrap(stanzas []*age.Stanza) ([]byte, error) {
	c.n++
	return c.identity.Unwrap(stanzas)
}

// TestForeignPayload: a payload is not read below the header of another key.
func TestForeignPayload(t *testing.T) {
	mine := identities(t, private)
	first, second := encrypted(t, recipients(t, public), []byte("x")), encrypted(t, recipients(t, public), []byte("x"))
	expect(t, mine, first, []byte("x"))
	expect(t, mine, second, []byte("x"))
	header, _ := parts(t, first)
	_, payload := parts(t, second)
	mixed := []byte(header + payload)
	if _, ok := mine.Open(nil, mixed); ok {
		t.Error("it was opened")
	}
	r, err := mine.Decrypt(record(), bytes.NewReader(mixed))
	if err == nil {
		_, err = io.Copy(io.Discard, r)
	}
	if err == nil {
		t.Error("it was decrypted")
	}
}
