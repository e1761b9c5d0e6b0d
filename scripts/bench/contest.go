package main

import (
	"errors"
	"fmt"
	"log"
	"os"
	"os/exec"
	"path/filepath"
)

// job is what all contestants of one contest do.
type job struct {
	title   string
	columns []string // names of steps
	rounds  int
	dir     string // that holds name, and is where programs run
	name    string // of the file, or of the directory of files
	// single: name is a file, which is stored and restored by itself.
	single bool
	// manifest: files are restored by a list of them, where a tool knows such.
	manifest bool
	starts   bool // programs are only started
}

// The steps.
const (
	stepStore   = "store"
	stepAgain   = "store again"
	stepShow    = "show"
	stepRestore = "restore"
	stepStart   = "start"
)

// contestant is one tool, or codex on one database.
type contestant struct {
	name  string
	needs []string // programs on PATH
	// begin makes an empty archive in the new directory dir. It is not measured.
	begin func(j *job, dir string) (*entry, error)
}

// entry is a contestant's archive of one round.
type entry struct {
	steps map[string]func(*meter) error
	out   string // where files are restored to
	// size returns the bytes of the archive, and of the stored bodies in it where
	// the tool can tell.
	size func() (archive, bodies int64, err error)
	drop func() error // nil: nothing outlives dir
}

// contest lets all contestants do a job. The first round is not timed: it fills
// the caches, measures memory, which costs time, and compares what is restored
// with what was stored.
func (b *bench) contest(j *job) (_ *table, err error) {
	log.Printf("%s: %d rounds", j.title, j.rounds)
	var used []string
	defer func() {
		for _, dir := range used {
			err = errors.Join(err, os.RemoveAll(dir))
		}
	}()
	contestants := b.contestants
	if j.starts {
		contestants = b.starters
	}
	t := newTable(j, contestants)
	for round := range j.rounds + 1 {
		for i := range contestants {
			k := i
			if round%2 == 0 { // what one leaves to be done, another must not always pay for
				k = len(contestants) - 1 - i
			}
			dir, err := os.MkdirTemp(b.dir, "turn-")
			if err != nil {
				return nil, err
			}
			used = append(used, dir)
			if err := b.turn(j, dir, &contestants[k], &t.rows[k], round == 0); err != nil {
				return nil, fmt.Errorf("%s, round %d: %w", contestants[k].name, round, err)
			}
			// ext4 looks past the inodes that were freed in the last minutes: a program
			// that makes many files after many were removed takes several times as long.
			if j.single {
				if err := os.RemoveAll(dir); err != nil {
					return nil, err
				}
			}
		}
	}
	return t, nil
}

// turn is one round of one contestant, in the empty directory dir.
func (b *bench) turn(j *job, dir string, c *contestant, row *row, first bool) (err error) {
	e, err := c.begin(j, dir)
	if err != nil {
		return err
	}
	if e.drop != nil {
		defer func() { err = errors.Join(err, e.drop()) }()
	}
	for _, column := range j.columns {
		step := e.steps[column]
		if step == nil {
			continue
		}
		settle()
		m := &meter{dir: j.dir, watched: first}
		if err := step(m); err != nil {
			return fmt.Errorf("%s: %w", column, err)
		}
		if first {
			row.memory = row.memory.max(m.memory)
			if column == stepStore && e.size != nil {
				if row.archive, row.bodies, err = e.size(); err != nil {
					return err
				}
			}
		} else {
			row.times[column] = append(row.times[column], m.took.Seconds())
		}
	}
	if !first || e.size == nil {
		return nil
	}
	return same(filepath.Join(j.dir, j.name), e.out, j)
}

// settle has everything written that waits for it, so that no step pays for one
// before.
func settle() {
	_ = exec.Command("sync").Run() // without it the figures are a little worse
}

// same compares what was restored with what was stored.
func same(stored, out string, j *job) error {
	if !j.single {
		out = filepath.Join(out, j.name)
	}
	if text, err := exec.Command("diff", "-r", "--no-dereference", stored, out).CombinedOutput(); err != nil {
		return fmt.Errorf("what was restored differs: %.500s", text)
	}
	return nil
}
