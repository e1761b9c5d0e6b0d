package main

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"modernc.org/sqlite"

	"github.com/codex-archive/codex/sdk"
	"github.com/codex-archive/codex/sdk/sqlbackend"
)

// connect finds the file, makes an empty one where the mode is to make an
// archive, and says how to open it.
func connect(ctx context.Context, o sdk.Options) (sqlbackend.Connection, error) {
	path, err := filePath(&o)
	if err != nil {
		return sqlbackend.Connection{}, err
	}
	if o.Mode >= sdk.Create {
		if err := makeFile(path); err != nil {
			return sqlbackend.Connection{}, err
		}
	}
	if err := checkFile(path); err != nil {
		return sqlbackend.Connection{}, err
	}
	// SQLite keeps its log beside the name it opens, so that two names of one
	// file would have two logs.
	if path, err = filepath.EvalSymlinks(path); err != nil {
		return sqlbackend.Connection{}, sdk.FileError("open the archive", err)
	}
	if err := checkSideFiles(path); err != nil {
		return sqlbackend.Connection{}, err
	}
	conn := sqlbackend.Connection{Place: path, Writable: writable(path) && writable(filepath.Dir(path))}
	if err := checkTables(ctx, path, conn.Writable); err != nil {
		return conn, err
	}
	if o.Mode == sdk.ReadOnly || !conn.Writable {
		conn.Read, err = sqlite.NewConnector(onlyReadDSN(path, conn.Writable))
		return conn, err
	}
	if conn.Read, err = sqlite.NewConnector(readDSN(path)); err != nil {
		return conn, err
	}
	writer, err := sqlite.NewConnector(writeDSN(path))
	conn.Write = patient{writer}
	return conn, err
}

// filePath returns the path that the URL names.
func filePath(o *sdk.Options) (string, error) {
	if strings.TrimPrefix(o.URL, "sqlite:///") == ":memory:" {
		return "", sdk.Errorf(sdk.Unsupported, "an archive in memory would be gone at once")
	}
	return o.FilePath("sqlite")
}

// makeFile makes an empty file, readable by its owner only, and its directory.
// SQLite's log files get the same permissions.
func makeFile(path string) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return sdk.FileError("make the directory of the archive", err)
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return nil
	}
	if err != nil {
		return sdk.FileError("make the archive", err)
	}
	return f.Close()
}

// checkFile finds what SQLite has one code for.
func checkFile(path string) error {
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return sdk.Errorf(sdk.NoArchive, "there is no archive at %s; make one with: codex archive init", path)
	case err != nil:
		return sdk.FileError("open the archive", err)
	case info.IsDir():
		return sdk.Errorf(sdk.NoArchive, "%s is a directory, not an archive", path)
	case !info.Mode().IsRegular():
		return sdk.Errorf(sdk.NoArchive, "%s is not a regular file", path)
	}
	return nil
}

// checkSideFiles refuses files beside the archive that are another file under a
// second name: SQLite would write its log into that. It follows no symbolic link
// there by itself.
func checkSideFiles(path string) error {
	for _, end := range []string{"-wal", "-shm", "-journal"} {
		info, err := os.Lstat(path + end)
		if err != nil {
			continue // it is not there, or SQLite says why it cannot be opened
		}
		if info.Mode().IsRegular() && names(info) > 1 {
			return sdk.Errorf(sdk.NoArchive, "%s has a second name (a hard link): what SQLite writes into it would change another file; see what it is, and move it away", path+end)
		}
	}
	return nil
}

// busyTimeout is how long a connection waits for another program's lock. Thirty
// programs that store one file each need a second here.
const busyTimeout = 10 * time.Second

// walBytes is how long the log becomes before it is copied to the archive. In a
// large archive each record changes pages at random places. A long log collects
// them, so that fewer are written and fewer syncs wait for them.
const walBytes = 64 << 20

// writeDSN keeps to this order of the driver: busy_timeout, then the _pragma
// values sorted, then the others. page_size must come before WAL, and only
// matters for a new file.
func writeDSN(path string) string {
	return dsn(path, url.Values{
		"mode":          {"rw"},
		"_busy_timeout": {"10000"},
		"_pragma": {
			"cache_size(-8192)", // KiB; as much as one group
			fmt.Sprintf("journal_size_limit(%d)", walBytes),
			fmt.Sprintf("page_size(%d)", pageSize),
			"secure_delete(1)", // what is purged is overwritten
			noTemporaryFiles,
			trustNoSchema,
			fmt.Sprintf("wal_autocheckpoint(%d)", walBytes/pageSize),
		},
		"_foreign_keys": {"on"},
		"_journal_mode": {"WAL"},
		"_synchronous":  {"FULL"},
	})
}

// readDSN opens for reading, beside a writer of this process. Without mode=ro
// the driver would make a missing file.
func readDSN(path string) string { return dsn(path, readOptions()) }

// onlyReadDSN opens for reading where nothing may be written. SQLite makes two
// files beside the archive while it is read, for readers to agree with writers,
// and a connection in mode=ro leaves them there. One that could write, and is
// kept from it, removes them at the end. Where a log with content shows that a
// program is writing, or died, everything is left as it is.
func onlyReadDSN(path string, writable bool) string {
	options := readOptions()
	wal, err := os.Stat(path + "-wal")
	switch clean := errors.Is(err, fs.ErrNotExist) || err == nil && wal.Size() == 0; {
	case clean && writable:
		options.Set("mode", "rw")
		options.Set("_query_only", "on")
	case errors.Is(err, fs.ErrNotExist):
		options.Set("immutable", "1") // the files could not be made, so no process writes
	}
	return dsn(path, options)
}

func readOptions() url.Values {
	return url.Values{
		"mode":          {"ro"},
		"_busy_timeout": {"10000"},
		"_pragma": {
			"cache_size(-1024)", // KiB, for each of up to 33 connections
			noTemporaryFiles,
			trustNoSchema,
		},
	}
}

// Pragmas of every connection.
const (
	// SQLite would put the journals of statements, with content of the archive in
	// them, into /var/tmp. Those of our statements are small.
	noTemporaryFiles = "temp_store(MEMORY)"
	// What the file itself may call: only functions without side effects.
	trustNoSchema = "trusted_schema(0)"
)

// dsn makes a URI of path, in which nothing can be taken for options. Errors
// then carry no text of another operation (_error_rc).
func dsn(path string, options url.Values) string {
	options.Set("_error_rc", "1")
	options.Set("_dqs", "0")
	slashed := filepath.ToSlash(path)
	if !strings.HasPrefix(slashed, "/") {
		slashed = "/" + slashed // C:/x
	}
	return "file://" + (&url.URL{Path: slashed}).EscapedPath() + "?" + options.Encode()
}

// patient waits where SQLite does not: the change to WAL of a new file does not
// heed busy_timeout.
type patient struct{ driver.Connector }

// Connect tries until busyTimeout is over.
func (p patient) Connect(ctx context.Context) (driver.Conn, error) {
	deadline := time.Now().Add(busyTimeout)
	for {
		conn, err := p.Connector.Connect(ctx)
		if err == nil || classify(err).Kind != sdk.Busy || time.Now().After(deadline) {
			return conn, err
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(5 * time.Millisecond):
		}
	}
}
