package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// facts are what a release is of.
type facts struct {
	version string    // 0.1.0, or what git describe says where there is no tag
	commit  string    // of the sources
	time    time.Time // of the commit: all files have it
}

// factsOf asks git about the last commit. Changes that are not committed would
// not be in the release, and are an error.
func factsOf(ctx context.Context) (facts, error) {
	if changed, err := git(ctx, "status", "--porcelain"); err != nil || changed != "" {
		return facts{}, errors.Join(err, errors.New("the work tree has changes: commit them first"))
	}
	version, err := git(ctx, "describe", "--tags", "--always", "--abbrev=12")
	if err != nil {
		return facts{}, err
	}
	commit, err := git(ctx, "rev-parse", "--short=12", "HEAD")
	if err != nil {
		return facts{}, err
	}
	epoch := os.Getenv("SOURCE_DATE_EPOCH")
	if epoch == "" {
		if epoch, err = git(ctx, "log", "-1", "--format=%ct"); err != nil {
			return facts{}, err
		}
	}
	seconds, err := strconv.ParseInt(epoch, 10, 64)
	if err != nil {
		return facts{}, fmt.Errorf("SOURCE_DATE_EPOCH: %w", err)
	}
	return facts{strings.TrimPrefix(version, "v"), commit, time.Unix(seconds, 0).UTC()}, nil
}

// exportCommit writes the files of the last commit to dir.
func exportCommit(ctx context.Context, dir string) error {
	if err := os.MkdirAll(filepath.Dir(dir), 0o755); err != nil {
		return err
	}
	top, err := git(ctx, "rev-parse", "--show-toplevel")
	if err != nil {
		return err
	}
	// A clone, because git archive takes instructions from .gitattributes.
	if _, err := git(ctx, "clone", "--quiet", "--no-hardlinks", "--depth=1", "file://"+filepath.ToSlash(top), dir); err != nil {
		return err
	}
	return nil
}

func git(ctx context.Context, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, "git", args...)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("git %s: %w: %s", args[0], err, bytes.TrimSpace(stderr.Bytes()))
	}
	return strings.TrimSpace(string(out)), nil
}

var (
	released = regexp.MustCompile(`^[0-9]+\.[0-9]+\.[0-9]+`)
	behind   = regexp.MustCompile(`-([0-9]+)-g([0-9a-f]+)$`) // what git describe appends behind a tag
)

// debianVersion is the version in Debian's order: a candidate comes before its
// release, commits behind a tag come after it, and one without a tag before all.
func (f facts) debianVersion() string {
	if !released.MatchString(f.version) {
		return fmt.Sprintf("0~git%s.%s", f.time.Format("20060102"), f.commit)
	}
	v := behind.ReplaceAllString(f.version, "+$1.g$2")
	return strings.ReplaceAll(v, "-", "~")
}

// file is one file of an archive or a package.
type file struct {
	name string // with slashes
	mode fs.FileMode
	data []byte
}
