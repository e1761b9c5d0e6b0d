package main

import (
	"bytes"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// largeSize is the file whose journey is measured, in bytes.
const largeSize = 1 << 30

// large stores and restores a file of 1 GiB that does not compress and prints
// how much memory host and plugin took at most, and how fast it was.
func (b *bench) large() error {
	name := filepath.Join(b.dir, "large")
	if err := writeNoise(name); err != nil {
		return err
	}
	out, used, err := b.watch("archive", "store", "bench", "large", "--by", "bench", "--reason", "dead")
	if err != nil {
		return err
	}
	printLarge("store", used)
	_, rest, _ := strings.Cut(out, `"tombstone": "`)
	tombstone, _, _ := strings.Cut(rest, `"`)
	if _, used, err = b.watch("archive", "restore", tombstone, "large.back", "--by", "bench"); err != nil {
		return err
	}
	printLarge("restore", used)
	return exec.Command("cmp", name, filepath.Join(b.dir, "large.back")).Run()
}

func printLarge(what string, u used) {
	fmt.Printf("%s of 1 GiB: %.1f s, %.0f MB/s; %s\n", what, u.took.Seconds(), largeSize/1e6/u.took.Seconds(), u.memory)
}

func writeNoise(name string) error {
	f, err := os.Create(name)
	if err != nil {
		return err
	}
	_, err = io.CopyN(f, rand.Reader, largeSize)
	return errors.Join(err, f.Close())
}

// watch runs codex and reads the peak of its resident memory, and of its
// plugin's, from /proc until it ends.
func (b *bench) watch(args ...string) (string, used, error) {
	cmd := exec.Command(b.codex, args...)
	cmd.Dir = b.dir
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	start := time.Now()
	if err := cmd.Start(); err != nil {
		return "", used{}, err
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	var host, plugin int64
	for {
		host = max(host, peak(cmd.Process.Pid))
		for _, child := range children(cmd.Process.Pid) {
			plugin = max(plugin, peak(child))
		}
		select {
		case err := <-ended:
			if err != nil {
				return "", used{}, fmt.Errorf("%s: %w: %s", strings.Join(cmd.Args, " "), err, stderr.String())
			}
			return stdout.String(), used{time.Since(start), fmt.Sprintf("peak memory: host %d MiB, plugin %d MiB", host>>10, plugin>>10)}, nil
		case <-time.After(10 * time.Millisecond):
		}
	}
}

// peak is VmHWM of a process, in KiB.
func peak(pid int) (kib int64) {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0
	}
	if _, rest, ok := strings.Cut(string(status), "VmHWM:"); ok {
		_, _ = fmt.Sscan(rest, &kib) // 0 says that it is not known
	}
	return kib
}

// children of all threads of a process.
func children(pid int) (pids []int) {
	lists, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", pid))
	for _, list := range lists {
		text, _ := os.ReadFile(list)
		for _, field := range strings.Fields(string(text)) {
			var child int
			if _, err := fmt.Sscan(field, &child); err == nil {
				pids = append(pids, child)
			}
		}
	}
	return pids
}
