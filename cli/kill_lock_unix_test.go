//go:build unix

package main

import (
	"database/sql"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// lockWatch freezes a plugin with SIGSTOP while it holds SQLite's lock for
// writing, which lasts from BEGIN to the end of COMMIT.
type lockWatch struct {
	p       *project
	db      *sql.DB
	shm     *os.File
	rows    int           // before the command
	delay   time.Duration // after BEGIN
	stopped int           // process
}

// writeLock is the byte of the -shm file that a writer locks: WAL_WRITE_LOCK of
// SQLite's wal.c, at UNIX_SHM_BASE of its os_unix.c.
const writeLock = 120

func newLockWatch(t *testing.T, p *project) freezer {
	t.Helper()
	p.must("archive", "init")
	w := &lockWatch{p: p, db: p.db()}
	if n := w.count(); n != 0 { // the connection keeps the -shm file there
		t.Fatalf("%d rows in a new archive", n)
	}
	var err error
	w.shm, err = os.Open(filepath.Join(p.dir, ".codex/archive.sqlite-shm"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { w.shm.Close() }) // which ends the locks of all of this process
	return w
}

// count returns how many rows commands have written that change the archive.
func (w *lockWatch) count() int {
	return w.p.number(w.db, "SELECT (SELECT count(*) FROM codex_item) + (SELECT count(*) FROM codex_event)")
}

func (w *lockWatch) arm(draw *rand.Rand, size int64) {
	w.rows, w.stopped = w.count(), 0
	w.delay = time.Duration(draw.Int64N(int64(time.Millisecond) + 5*size)) // 5 ns a byte
	if draw.IntN(2) == 0 {
		w.delay = 0
	}
}

// writer returns the process that has the lock, or 0.
func (w *lockWatch) writer() int {
	lock := syscall.Flock_t{Type: syscall.F_RDLCK, Whence: io.SeekStart, Start: writeLock, Len: 1}
	if err := syscall.FcntlFlock(w.shm.Fd(), syscall.F_GETLK, &lock); err != nil {
		w.p.t.Fatal(err)
	}
	if lock.Type == syscall.F_UNLCK {
		return 0
	}
	return int(lock.Pid)
}

func (w *lockWatch) freeze(host int) (inside bool) {
	const seldom = 100 // looks at the lock for one at the process, which takes longer
	for looks := 1; looks%seldom != 0 || alive(host); looks++ {
		writer := w.writer()
		if writer == 0 {
			time.Sleep(20 * time.Microsecond)
			continue
		}
		time.Sleep(w.delay)
		w.stop(writer)
		if w.count() != w.rows {
			return false // COMMIT is done, and the host may know
		}
		if w.writer() == writer {
			return true
		}
		w.thaw() // that was a transaction before that of the record
	}
	return false
}

// stop returns when the process does nothing any more.
func (w *lockWatch) stop(process int) {
	w.stopped = process
	_ = syscall.Kill(process, syscall.SIGSTOP) // it may have ended
	eventually(w.p.t, "the plugin is stopped", func() bool {
		stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", process))
		return err != nil || strings.Contains(string(stat), ") T ") || !alive(process)
	})
}

func (w *lockWatch) thaw() {
	if w.stopped != 0 {
		_ = syscall.Kill(w.stopped, syscall.SIGCONT) // it may have been killed
	}
}
