package restorer

import (
	"bufio"
	"io"
	"strings"

	"github.com/codex-archive/codex/sdk"
)

// How bodies begin.
const (
	zstdBegins = "\x28\xb5\x2f\xfd"
	ageBegins  = "age-encryption.org/v1\n"
)

// Labeled returns body, which is that of c, if c can have the codec that is recorded.
// No digest covers the codec. So a word that no program writes is damage where the body
// is one that this program knows, and so is the word of an encrypted body on another:
// no key is missing for that. Of other bodies it is not known
// whether a newer program wrote them.
func Labeled(c sdk.Content, body io.Reader) (io.Reader, error) {
	if c.Codec.Known() && c.Codec != sdk.ZstdAge {
		return body, nil // its hash tells
	}
	b := bufio.NewReaderSize(body, 4<<10)
	text, err := b.Peek(len(ageBegins))
	if err != nil && err != io.EOF {
		return nil, err
	}
	is := ""
	switch begin := string(text); {
	case strings.HasPrefix(begin, ageBegins):
		is = string(sdk.ZstdAge)
	case strings.HasPrefix(begin, zstdBegins):
		is = string(sdk.Zstd)
	case c.StoredSHA256 == c.SHA256:
		is = string(sdk.None)
	}
	switch {
	case is == string(c.Codec):
		return b, nil
	case is != "":
		return nil, sdk.Errorf(sdk.Corrupt, "its codec is recorded as %q, and its body is %s", c.Codec, is)
	case c.Codec == sdk.ZstdAge:
		return nil, sdk.Errorf(sdk.Corrupt, "its codec is recorded as %q, and its body is no age file", c.Codec)
	}
	return nil, sdk.Errorf(sdk.Schema, "its codec %q is not known here: a newer codex has stored it, or its row was changed", c.Codec)
}
