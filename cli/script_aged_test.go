package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"path/filepath"
	"strconv"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/codex-archive/codex/sdk"
	"github.com/codex-archive/codex/sdk/plugin"
)

// scriptAged is "aged NAME FILE AGE LEFT": the archive of the script holds FILE
// as it was stored AGE days ago, and LEFT days of its retention are left. Its
// tombstone goes into the variable NAME.
func scriptAged(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 4 {
		ts.Fatalf("usage: aged NAME FILE AGE LEFT")
	}
	age, err := strconv.Atoi(args[2])
	ts.Check(err)
	left, err := strconv.Atoi(args[3])
	ts.Check(err)
	content := []byte(ts.ReadFile(args[1]))
	now := time.Now()
	r := sdk.Record{
		Tombstone: sdk.NewID(), Event: sdk.NewID(), Set: sdk.NewID(), Type: sdk.RegularFile,
		Content: sdk.Content{SHA256: sha256.Sum256(content), Size: int64(len(content)), Codec: sdk.None}.WithBody(content),
		Repo:    "aged", Path: args[1], Reason: "dead", ContentKind: "code", Mode: 0o644, ModTime: sdk.Time(now), ArchivedBy: "ann",
		ArchivedAt: sdk.Time(now.AddDate(0, 0, -age)), RetainUntil: sdk.Time(now.AddDate(0, 0, left)),
	}
	r.RetainAtStore = r.RetainUntil
	r.Digest = r.ComputeDigest()
	putItem(ts, sdk.Item{Record: r, Body: bytes.NewReader(content)})
	ts.Setenv(args[0], r.Tombstone.String())
}

// putItem stores an item through the backend's program, as codex would.
func putItem(ts *testscript.TestScript, item sdk.Item) {
	url := ts.Getenv("CODEX_ARCHIVE_URL")
	if url == "" {
		url = "sqlite:///./.codex/archive.sqlite"
	}
	ctx := context.Background()
	process, err := plugin.Launch(ctx, plugin.Command{Path: filepath.Join(programs, "plugins", "codex-archive-"+ts.Getenv("BACKEND"))})
	ts.Check(err)
	defer process.Close()
	backend, err := process.Open(ctx, sdk.Options{URL: url, Dir: ts.MkAbs("."), Mode: sdk.Create, Parallel: 1})
	ts.Check(err)
	defer backend.Close()
	_, err = backend.Put(ctx, func(yield func(sdk.Item, error) bool) { yield(item, nil) })
	ts.Check(err)
}
