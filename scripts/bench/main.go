// Command bench measures whole processes, what a person waits for: codex on each
// of its databases, and the tools that are on PATH and do something comparable.
// They take turns, round by round, so that the noise of the machine hits all of
// them alike, and medians are compared within one run. docs/performance.md says
// how to read what it prints.
package main

import (
	"errors"
	"flag"
	"fmt"
	"log"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/codex-archive/codex/scripts/databases"
)

// options are the flags.
type options struct {
	codex, old, tree, json, contestants, sizes string
	rounds, singles, files                     int
}

func main() {
	log.SetFlags(0)
	log.SetPrefix("bench: ")
	var o options
	flag.StringVar(&o.codex, "codex", "bin/codex", "the `PROGRAM` to measure")
	flag.StringVar(&o.old, "old", "", "another codex `PROGRAM` to compare with, on SQLite")
	flag.StringVar(&o.tree, "tree", "", "the `DIRECTORY` to store; \"\" leaves it out")
	flag.IntVar(&o.rounds, "rounds", 3, "how often each contestant stores and restores files; one more round comes first and measures memory")
	flag.IntVar(&o.singles, "singles", 15, "the same for single small files and for starts; 0 leaves them out")
	flag.IntVar(&o.files, "files", 1000, "how many files of 11 KB a batch restores; 0 leaves it out")
	flag.StringVar(&o.sizes, "sizes", "1M,64M,256M", "`SIZES` of large files, such as 1M,4G; \"\" leaves them out")
	flag.StringVar(&o.contestants, "contestants", "sqlite,encrypted,postgres,mariadb,restic,borg,sqlite3,git,tar", "who takes part: `NAMES`")
	flag.StringVar(&o.json, "json", "", "write every measurement to `FILE`")
	flag.Parse()
	if err := o.run(); err != nil {
		log.Fatal(err)
	}
}

func (o *options) run() (err error) {
	b := &bench{}
	if b.dir, err = os.MkdirTemp("", "codex-bench-"); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, b.end()) }()
	if err := b.enter(o); err != nil {
		return err
	}
	jobs, err := b.jobs(o)
	if err != nil {
		return err
	}
	report := newReport()
	for _, j := range jobs {
		t, err := b.contest(j)
		if err != nil {
			return fmt.Errorf("%s: %w", j.title, err)
		}
		if err := report.add(t); err != nil {
			return err
		}
	}
	return report.save(o.json)
}

// bench is one run of this program.
type bench struct {
	dir         string // of everything
	contestants []contestant
	starters    []contestant // of the contest that only starts programs
	stop        []func() error
}

func (b *bench) end() error {
	var errs []error
	for _, stop := range b.stop {
		errs = append(errs, stop())
	}
	return errors.Join(append(errs, os.RemoveAll(b.dir))...)
}

// enter finds out who takes part.
func (b *bench) enter(o *options) error {
	program, err := filepath.Abs(o.codex)
	if err != nil {
		return err
	}
	all := peers()
	for _, name := range strings.Split(o.contestants, ",") {
		if peer, ok := all[name]; ok {
			if path := missing(peer.needs); path != "" {
				log.Printf("%s takes no part: %s is not on PATH (scripts/bench/install.sh installs it on Debian)", name, path)
				continue
			}
			b.contestants = append(b.contestants, peer)
			continue
		}
		if err := b.enterCodex(program, name); err != nil {
			return err
		}
	}
	if len(b.contestants) == 0 {
		return errors.New("no one takes part")
	}
	if o.old != "" {
		old, err := filepath.Abs(o.old)
		if err != nil {
			return err
		}
		b.contestants = append(b.contestants, codex{program: old, backend: "sqlite", label: "the other codex, sqlite", other: true}.contestant())
	}
	return b.enterStarters(program)
}

// encrypted is the name of codex on SQLite with recipients.
const encrypted = "encrypted"

func (b *bench) enterCodex(program, backend string) error {
	start := map[string]func() (*databases.Durable, error){"postgres": databases.StartPostgres, "mariadb": databases.StartMariaDB}[backend]
	c := codex{program: program, backend: backend, label: "codex, " + backend}
	switch {
	case start != nil:
		server, err := start()
		if err != nil {
			return err
		}
		if server == nil {
			log.Printf("%s takes no part: its server is not installed (scripts/databases/install.sh installs it on Debian)", backend)
			return nil
		}
		b.stop = append(b.stop, server.Stop)
		c.server = server
	case backend == encrypted:
		c = codex{program: program, backend: "sqlite", label: "codex, sqlite, encrypted", encrypted: true}
	case backend != "sqlite":
		return fmt.Errorf("no contestant is called %q", backend)
	}
	b.contestants = append(b.contestants, c.contestant())
	return nil
}

// missing returns the first program that is not on PATH, "" for none.
func missing(programs []string) string {
	for _, program := range programs {
		if _, err := exec.LookPath(program); err != nil {
			return program
		}
	}
	return ""
}
