package sdk_test

import (
	"crypto/sha256"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/codex-archive/codex/sdk"
)

// A backend reads each body through a BodyReader: it finds out what it was, or
// that it is not what was announced.
func ExampleNewBodyReader() {
	announced := sdk.Content{Codec: sdk.None}.WithBody([]byte("package old\n"))

	good := sdk.NewBodyReader(strings.NewReader("package old\n"), announced)
	n, err := io.Copy(io.Discard, good)
	fmt.Println(n, err)

	torn := sdk.NewBodyReader(strings.NewReader("package o"), announced, sdk.Tombstone{1})
	_, err = io.Copy(io.Discard, torn)
	fmt.Println(sdk.KindOf(err), err)

	streamed := sdk.NewBodyReader(strings.NewReader("package old\n"), sdk.Content{Codec: sdk.None, StoredSize: -1})
	io.Copy(io.Discard, streamed)
	fmt.Println(streamed.Content() == announced)
	// Output:
	// 12 <nil>
	// corrupt the stored body has size 9 instead of 12 (tombstone 01000000-0000-0000-0000-000000000000)
	// true
}

// A host completes a record before the first attempt to store it, and checks
// what comes back.
func ExampleRecord_ComputeDigest() {
	text := "package old\n"
	r := sdk.Record{
		Tombstone: sdk.NewID(), Event: sdk.NewID(), Set: sdk.NewID(), Type: sdk.RegularFile,
		Content: sdk.Content{SHA256: sha256.Sum256([]byte(text)), Size: int64(len(text)), Codec: sdk.None}.WithBody([]byte(text)),
		Repo:    "my-repo", Path: "old.go", Reason: "dead", ContentKind: "code", Mode: 0o644,
		ArchivedBy: "anna", ArchivedAt: sdk.Time(time.Now()),
	}
	r.Digest = r.ComputeDigest()
	fmt.Println(r.Validate(), r.CheckDigest())

	r.Content.SHA256 = sha256.Sum256([]byte("the bytes of another file"))
	fmt.Println(sdk.KindOf(r.CheckDigest()))
	// Output:
	// <nil> <nil>
	// corrupt
}

// Programs decide on the kind of an error, never on its text.
func ExampleKindOf() {
	err := fmt.Errorf("store old.go: %w", sdk.Errorf(sdk.Busy, "the database is locked"))
	fmt.Println(sdk.KindOf(err), sdk.AsError(err).Retry)
	// Output: busy true
}

// A backend asks its database for what the indexes know, and Matches for the
// rest.
func ExampleQuery_Matches() {
	q := sdk.Query{Path: "src", Name: "*.go", Match: "parser"}
	for _, r := range []sdk.Record{
		{Path: "src/old.go", Note: "replaced by the new Parser"},
		{Path: "src/old.c", Note: "replaced by the new Parser"},
		{Path: "srcs/old.go", Note: "replaced by the new Parser"},
	} {
		fmt.Println(r.Path, q.Matches(&r))
	}
	// Output:
	// src/old.go true
	// src/old.c false
	// srcs/old.go false
}

// Messages that may quote a URL pass through Scrub, and URLs are shown by
// RedactURL only.
func ExampleRedactURL() {
	url := "postgres://anna:s3cret@db.example.com/archive?sslmode=require"
	fmt.Println(sdk.RedactURL(url))
	fmt.Println(sdk.Scrub(`login failed for "anna" with "s3cret"`, url))
	// Output:
	// postgres://anna:***@db.example.com/archive?sslmode=require
	// login failed for "anna" with "***"
}
