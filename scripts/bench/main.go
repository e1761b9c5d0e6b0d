// Command bench measures whole processes: what a person waits for. It runs the
// contestants in turn, so that noise of the machine hits all of them alike,
// drops the first round, and prints medians as ratios to starting a plugin and
// to the peers that are on PATH.
package main

import (
	"context"
	"flag"
	"fmt"
	"log"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/codex-archive/codex/sdk"
	"github.com/codex-archive/codex/sdk/plugin"
)

func main() {
	log.SetFlags(0)
	log.SetPrefix("bench: ")
	codex := flag.String("codex", "bin/codex", "the program to measure")
	rounds := flag.Int("rounds", 31, "how often each contestant runs, the first round not counted")
	items := flag.Int("items", 2000, "how many small files are restored in one batch")
	flag.Parse()
	if err := run(*codex, *rounds, *items); err != nil {
		log.Fatal(err)
	}
}

// contestant is one thing to measure. prepare, if any, is not.
type contestant struct {
	name    string
	measure func(round int) (time.Duration, error)
	times   []time.Duration
}

func run(codex string, rounds, items int) error {
	codex, err := filepath.Abs(codex)
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "codex-bench-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }() // the system clears its temporary directory
	b := &bench{codex: codex, dir: dir}
	if err := b.prepare(rounds); err != nil {
		return err
	}
	contestants := b.contestants()
	for round := range rounds {
		for _, c := range contestants {
			took, err := c.measure(round)
			if err != nil {
				return fmt.Errorf("%s, round %d: %w", c.name, round, err)
			}
			if round > 0 {
				c.times = append(c.times, took)
			}
		}
	}
	print(contestants, rounds-1)
	if err := b.batch(items); err != nil {
		return err
	}
	return b.large()
}

type bench struct {
	codex, dir string
	tombstones []string
}

// prepare makes the archive and 4 KiB files that all differ, as sources of a
// project do: half text, half noise.
func (b *bench) prepare(rounds int) error {
	random := rand.New(rand.NewPCG(1, 2))
	for round := range rounds {
		content := make([]byte, 4<<10)
		for i := range content {
			if i%2 == 0 {
				content[i] = "func return if err != nil"[i/2%25]
			} else {
				content[i] = byte(random.Uint32())
			}
		}
		if err := os.WriteFile(b.file(round), content, 0o644); err != nil {
			return err
		}
	}
	_, err := b.command(b.codex, "archive", "init")
	return err
}

func (b *bench) file(round int) string {
	return filepath.Join(b.dir, fmt.Sprintf("file%d.go", round))
}

// command runs a program in the directory of the archive and returns how long
// the whole process took, and what it printed.
func (b *bench) command(program string, args ...string) (time.Duration, error) {
	took, _, err := b.output(program, args...)
	return took, err
}

func (b *bench) output(program string, args ...string) (time.Duration, string, error) {
	cmd := exec.Command(program, args...)
	cmd.Dir = b.dir
	var stderr strings.Builder
	cmd.Stderr = &stderr
	start := time.Now()
	out, err := cmd.Output()
	took := time.Since(start)
	if err != nil {
		return 0, "", fmt.Errorf("%s: %w: %s", strings.Join(cmd.Args, " "), err, stderr.String())
	}
	return took, string(out), nil
}

func (b *bench) contestants() []*contestant {
	all := []*contestant{
		{name: "plugin: spawn to first reply, and stop", measure: b.spawn},
		{name: "codex --version", measure: func(int) (time.Duration, error) { return b.command(b.codex, "--version") }},
		{name: "codex archive health-check: codex, spawn, open, one answer", measure: func(int) (time.Duration, error) {
			return b.command(b.codex, "archive", "health-check")
		}},
		{name: "codex archive store, 4 KiB", measure: b.store},
		{name: "codex archive restore, 4 KiB", measure: b.restore},
	}
	if path, err := exec.LookPath("sqlite3"); err == nil {
		all = append(all, &contestant{name: "peer: sqlite3 -A --insert, 4 KiB", measure: func(round int) (time.Duration, error) {
			return b.command(path, "peer.sqlar", "-A", "--insert", filepath.Base(b.file(round)))
		}})
	}
	if path, err := exec.LookPath("git"); err == nil {
		if _, err := b.command(path, "init", "-q", "peer.git"); err == nil {
			all = append(all, &contestant{name: "peer: git hash-object -w, 4 KiB", measure: func(round int) (time.Duration, error) {
				return b.command(path, "-C", "peer.git", "-c", "core.fsync=all", "hash-object", "-w", b.file(round))
			}})
		}
	}
	return all
}

// spawn starts the SQLite plugin, opens the archive and stops it.
func (b *bench) spawn(int) (time.Duration, error) {
	ctx := context.Background()
	start := time.Now()
	process, err := plugin.Launch(ctx, plugin.Command{
		Path:         filepath.Join(filepath.Dir(b.codex), "plugins", "codex-archive-sqlite"),
		Env:          []string{"HOME=" + b.dir},
		StartTimeout: 30 * time.Second,
	})
	if err != nil {
		return 0, err
	}
	defer func() { _ = process.Close() }() // for early returns, which have an error already
	backend, err := process.Open(ctx, sdk.Options{
		URL: "sqlite:///./.codex/archive.sqlite", Dir: b.dir, Mode: sdk.ReadOnly, Parallel: 1,
	})
	if err != nil {
		return 0, err
	}
	if err := backend.Close(); err != nil {
		return 0, err
	}
	if err := process.Close(); err != nil {
		return 0, err
	}
	return time.Since(start), nil
}

func (b *bench) store(round int) (time.Duration, error) {
	took, out, err := b.output(b.codex, "archive", "store", "bench", b.file(round), "--by", "bench", "--reason", "dead")
	if err != nil {
		return 0, err
	}
	_, rest, _ := strings.Cut(out, `"tombstone": "`)
	tombstone, _, _ := strings.Cut(rest, `"`)
	b.tombstones = append(b.tombstones, tombstone)
	return took, nil
}

func (b *bench) restore(round int) (time.Duration, error) {
	return b.command(b.codex, "archive", "restore", b.tombstones[round], fmt.Sprintf("restored%d.go", round), "--by", "bench")
}

// print ignores errors of the terminal, as fmt.Print does.
func print(contestants []*contestant, rounds int) {
	w := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', 0)
	_, _ = fmt.Fprintf(w, "median of %d whole processes, in turn\tms\tp90 ms\tof spawn\n", rounds) // see above
	spawn := quantile(contestants[0].times, 0.5)
	for _, c := range contestants {
		m := quantile(c.times, 0.5)
		_, _ = fmt.Fprintf(w, "%s\t%.1f\t%.1f\t%.2f\n", c.name, ms(m), ms(quantile(c.times, 0.9)), float64(m)/float64(spawn)) // see above
	}
	_ = w.Flush() // see above
}

func quantile(times []time.Duration, q float64) time.Duration {
	sorted := slices.Sorted(slices.Values(times))
	return sorted[min(int(q*float64(len(sorted))), len(sorted)-1)]
}

func ms(d time.Duration) float64 { return d.Seconds() * 1000 }
