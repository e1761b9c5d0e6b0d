package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// used is what a run of codex took.
type used struct {
	took   time.Duration
	memory string
}

// batch measures batch restores: what concurrency gains where the backend takes
// its time, and what an item costs where it does not.
func (b *bench) batch(items int) error {
	if err := b.slowed(); err != nil {
		return err
	}
	for _, concurrent := range []string{"5", "32"} {
		manifest := "many" + concurrent + ".csv"
		err := b.manifest(manifest, items, func(i int) string { return b.tombstones[i%len(b.tombstones)] })
		if err != nil {
			return err
		}
		_, u, err := b.watch("archive", "batch-restore", manifest, "--by", "bench", "--set", "batch.max_concurrent="+concurrent)
		if err != nil {
			return err
		}
		fmt.Printf("batch-restore of %d files of 4 KiB, %s at a time: %.1f s, %.2f ms an item; %s\n",
			items, concurrent, u.took.Seconds(), ms(u.took)/float64(items), u.memory)
	}
	return nil
}

// manifest writes one whose outputs are in a directory of its name.
func (b *bench) manifest(name string, items int, tombstone func(i int) string) error {
	var text strings.Builder
	text.WriteString("tombstone,output\n")
	for i := range items {
		fmt.Fprintf(&text, "%s,%s.d/%d/%d\n", tombstone(i), name, i/1000, i)
	}
	return os.WriteFile(filepath.Join(b.dir, name), []byte(text.String()), 0o644)
}

// slowed restores 50 files from a backend that takes 100 ms for each, one and
// five at a time.
func (b *bench) slowed() error {
	const files = 50
	vendor := filepath.Join(b.dir, "vendor")
	if out, err := exec.Command("go", "build", "-o", filepath.Join(vendor, "codex-archive-slow"), "./cli/testdata/slow").CombinedOutput(); err != nil {
		return fmt.Errorf("build the slow backend: %w: %s", err, out)
	}
	var one time.Duration
	for _, concurrent := range []string{"1", "5"} {
		manifest := "slow" + concurrent + ".csv"
		err := b.manifest(manifest, files, func(i int) string { return fmt.Sprintf("00000000-0000-4000-8000-%012d", i+1) })
		if err != nil {
			return err
		}
		took, err := b.command(b.codex, "archive", "batch-restore", manifest, "--by", "bench", "--plugin-dir", vendor,
			"--backend", "slow", "--url", fmt.Sprintf("slow://%d?delay=100ms", files), "--set", "batch.max_concurrent="+concurrent)
		if err != nil {
			return err
		}
		if one == 0 {
			one = took
		}
		fmt.Printf("batch-restore of %d files at 100 ms each, %s at a time: %.2f s, %.2f of one at a time\n",
			files, concurrent, took.Seconds(), float64(took)/float64(one))
	}
	return nil
}
