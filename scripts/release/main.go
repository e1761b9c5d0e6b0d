// Command release makes the files of a release from the last commit: archives
// for each platform, Debian packages, bills of materials and checksums.
//
// It builds everything twice, in two directories, and fails where a byte differs.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	err := run(ctx, os.Args[1:], os.Stdout)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "release:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string, stdout io.Writer) error {
	flags := flag.NewFlagSet("release", flag.ContinueOnError)
	out := flags.String("out", "dist", "`directory` of the files; its content is replaced")
	only := flags.String("platforms", strings.Join(platforms, ","), "what to build for, as `OS/ARCH,...`")
	shared := flags.Bool("shared-cache", false, "compile once for both builds: faster, and only packing and linking are compared")
	if err := flags.Parse(args); err != nil {
		return err
	}
	work, err := os.MkdirTemp("", "codex-release-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(work) }() // temporary files
	facts, err := factsOf(ctx)
	if err != nil {
		return err
	}
	wanted := strings.Split(*only, ",")
	// The two paths differ in length too.
	first := newBuild(facts, filepath.Join(work, "first"))
	second := newBuild(facts, filepath.Join(work, "second", "and", "longer"))
	if !*shared {
		second.cache = filepath.Join(work, "cache")
	}
	for _, b := range []*build{first, second} {
		if err := exportCommit(ctx, b.source); err != nil {
			return err
		}
		if err := b.all(ctx, wanted); err != nil {
			return err
		}
	}
	if err := sameFiles(first.out, second.out); err != nil {
		return err
	}
	if err := replaceDir(*out, first.out); err != nil {
		return err
	}
	return list(stdout, *out)
}

// sameFiles reports files that are not in both directories, or differ.
func sameFiles(a, b string) error {
	first, err := sums(a)
	if err != nil {
		return err
	}
	second, err := sums(b)
	if err != nil {
		return err
	}
	var errs []error
	for name, sum := range first {
		if second[name] != sum {
			errs = append(errs, fmt.Errorf("%s differs between two builds of one commit", name))
		}
		delete(second, name)
	}
	for name := range second {
		errs = append(errs, fmt.Errorf("%s is in one of two builds only", name))
	}
	return errors.Join(errs...)
}

// replaceDir copies the files of from to a new directory dir.
func replaceDir(dir, from string) error {
	if err := os.RemoveAll(dir); err != nil {
		return err
	}
	return os.CopyFS(dir, os.DirFS(from))
}

// list prints the files and their sizes in bytes.
func list(w io.Writer, dir string) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	for _, e := range entries {
		info, err := e.Info()
		if err != nil {
			return err
		}
		if _, err := fmt.Fprintf(w, "%12d  %s\n", info.Size(), filepath.Join(dir, e.Name())); err != nil {
			return err
		}
	}
	return nil
}
