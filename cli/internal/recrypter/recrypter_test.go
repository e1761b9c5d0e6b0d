package recrypter

import (
	"bytes"
	"crypto/sha256"
	"io"
	"testing"

	"filippo.io/age"

	"github.com/codex-archive/codex/cli/internal/archiver"
	"github.com/codex-archive/codex/cli/internal/crypt"
	"github.com/codex-archive/codex/cli/internal/filetest"
	"github.com/codex-archive/codex/cli/internal/restorer"
	"github.com/codex-archive/codex/sdk"
)

const (
	public  = "age19575rf5g85ahakpze352tpa5fr04tarrs8y2nt0h74k77t9uqq8sxpdrm8"
	private = "AGE-SECRET-KEY-162M2M69LT9UWF7XW8LRJ7LTFKPTVCG20DQSHSGGKMF0NJZ5S78USQDM6US"
)

// newWay is the way of one run.
func newWay(t *testing.T) Way {
	t.Helper()
	recipients, err := crypt.ParseRecipients([]byte(public))
	if err != nil {
		t.Fatal(err)
	}
	identities, err := crypt.ParseIdentities([]byte(private))
	if err != nil {
		t.Fatal(err)
	}
	c, err := archiver.NewCompressor("", "", recipients)
	if err != nil {
		t.Fatal(err)
	}
	return Way{Identities: identities, Recipients: recipients, Compressor: c}
}

// TestNewKeys: a body that is made anew has another file key, so a former recipient
// who kept the old one reads nothing with it. That holds for small bodies, which share
// keys, and for others.
func TestNewKeys(t *testing.T) {
	for _, size := range []int{10, 300 << 10} {
		content := filetest.Noise(size)
		stored, codec, err := newWay(t).Compressor.Compress(nil, content)
		if err != nil {
			t.Fatal(err)
		}
		r := &sdk.Record{Content: sdk.Content{SHA256: sha256.Sum256(content), Size: int64(size), Codec: codec, StoredSize: int64(len(stored))}}
		anew := remade(t, newWay(t), r, stored)
		header, err := age.ExtractHeader(bytes.NewReader(stored))
		if err != nil {
			t.Fatal(err)
		}
		mine, err := age.ParseX25519Identity(private)
		if err != nil {
			t.Fatal(err)
		}
		fileKey, err := age.DecryptHeader(header, mine)
		if err != nil {
			t.Fatal(err)
		}
		if bytes.HasPrefix(anew, header) {
			t.Errorf("%d bytes: the header is the old one", size)
		}
		if _, err := age.Decrypt(bytes.NewReader(anew), age.NewInjectedFileKeyIdentity(fileKey)); err == nil {
			t.Errorf("%d bytes: the key is the old one", size)
		}
	}
}

// remade is the body that is made of stored, the body of r. It is checked.
func remade(t *testing.T, way Way, r *sdk.Record, stored []byte) []byte {
	t.Helper()
	body, err := way.Make(t.Context(), r, bytes.NewReader(stored))
	if err != nil {
		t.Fatal(err)
	}
	defer body.Close()
	opened, err := body.Open()
	if err != nil {
		t.Fatal(err)
	}
	anew, err := io.ReadAll(opened)
	if err != nil {
		t.Fatal(err)
	}
	sealed := *r
	sealed.Content = body.Content
	if err := (restorer.Opener{Identities: way.Identities}).Check(t.Context(), &sealed, bytes.NewReader(anew)); err != nil {
		t.Error(err)
	}
	return anew
}
