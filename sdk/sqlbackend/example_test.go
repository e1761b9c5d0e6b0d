package sqlbackend_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"net/url"
	"os"
	"time"

	"modernc.org/sqlite"
	lib "modernc.org/sqlite/lib"

	"github.com/codex-archive/codex/sdk"
	"github.com/codex-archive/codex/sdk/sqlbackend"
)

// dialect is a whole backend: what a vendor writes besides a schema and a main
// function. The schema is that of codex-archive-sqlite.
func dialect() *sqlbackend.Dialect {
	return &sqlbackend.Dialect{
		Connect: func(_ context.Context, o sdk.Options) (sqlbackend.Connection, error) {
			path, err := o.FilePath("example")
			if err != nil {
				return sqlbackend.Connection{}, err
			}
			file := (&url.URL{Scheme: "file", Path: path}).String()
			mode := "rw"
			if o.Mode >= sdk.Create {
				mode = "rwc"
			}
			write, err := sqlite.NewConnector(file + "?mode=" + mode + "&_busy_timeout=10000")
			if err != nil {
				return sqlbackend.Connection{}, err
			}
			read, err := sqlite.NewConnector(file + "?mode=ro&_busy_timeout=10000")
			return sqlbackend.Connection{Write: write, Read: read, Place: path, Writable: true}, err
		},
		Classify: func(err error) sqlbackend.Class {
			var e *sqlite.Error
			if !errors.As(err, &e) {
				return sqlbackend.Class{}
			}
			switch e.Code() & 0xff {
			case lib.SQLITE_CONSTRAINT:
				return sqlbackend.Class{Kind: sdk.Conflict, Native: "19", ServerReplied: true}
			case lib.SQLITE_BUSY:
				return sqlbackend.Class{Kind: sdk.Busy, Native: "5", ServerReplied: true}
			case lib.SQLITE_CANTOPEN:
				return sqlbackend.Class{Kind: sdk.NoArchive, Native: "14", ServerReplied: true}
			}
			return sqlbackend.Class{Kind: sdk.Internal, ServerReplied: true}
		},
		Schema: sqlbackend.Schema{
			Files:  os.DirFS("../../plugins/sqlite/schema"),
			Atomic: true,
			Tables: "SELECT name FROM sqlite_schema WHERE type = 'table' AND name LIKE 'codex%'",
		},
		Server: sqlbackend.Server{
			Version: "SELECT 'Example ' || sqlite_version()",
			Now:     "CAST(unixepoch('subsec') * 1000 AS INTEGER) * 1000",
			Length:  "length(?)",
		},
		Locks:      sqlbackend.Locks{Begin: "BEGIN IMMEDIATE", OneWriter: true},
		Statements: sqlbackend.Statements{IgnoreContext: true},
		Insert:     sqlbackend.Insert{IgnoreSuffix: "ON CONFLICT DO NOTHING", Shapes: []int{1}},
	}
}

// open is the Open of an [sdk.Driver], which [plugin.Serve] serves.
func open(ctx context.Context, o sdk.Options) (sdk.Backend, error) {
	return sqlbackend.Open(ctx, dialect(), o)
}

func Example() {
	dir, err := os.MkdirTemp("", "example")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir)
	ctx := context.Background()
	archive, err := open(ctx, sdk.Options{URL: "example:///archive.db", Dir: dir, Mode: sdk.Create, Parallel: 1})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer archive.Close()

	body := []byte("package old\n")
	record := sdk.Record{
		Tombstone: sdk.NewID(), Event: sdk.NewID(), Set: sdk.NewID(), Type: sdk.RegularFile,
		Repo: "example", Path: "old.go", Reason: "dead", ContentKind: "code", ArchivedBy: "me", ArchivedAt: sdk.Time(time.Now()),
		Content: sdk.Content{SHA256: sha256.Sum256(body), Size: int64(len(body)), Codec: sdk.None}.WithBody(body),
	}
	record.Digest = record.ComputeDigest()
	stored, err := archive.Put(ctx, func(yield func(sdk.Item, error) bool) {
		yield(sdk.Item{Record: record, Body: bytes.NewReader(body)}, nil)
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	health, err := archive.Health(ctx)
	fmt.Println(stored[0].Deduplicated, health.Retrievable, health.Live, health.Durable, err)
	// Output: false 1 1 true <nil>
}
