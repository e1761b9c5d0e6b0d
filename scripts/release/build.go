package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
)

// platforms are what a release is built for.
var platforms = []string{"darwin/amd64", "darwin/arm64", "linux/amd64", "linux/arm64", "windows/amd64", "windows/arm64"}

// buildTags are those of the Makefile.
const buildTags = "urfave_cli_no_docs"

// build is one build of a release.
type build struct {
	facts
	source   string // directory of the sources
	programs string // directory of the programs, one for each platform below it
	out      string // directory of the release's files
	cache    string // of the compiler; "" is the user's
	compiled map[string][]file
}

func newBuild(f facts, dir string) *build {
	return &build{facts: f, source: filepath.Join(dir, "source"), programs: filepath.Join(dir, "programs"), out: filepath.Join(dir, "out"), compiled: map[string][]file{}}
}

// all makes the files for the platforms.
func (b *build) all(ctx context.Context, platforms []string) error {
	if err := os.MkdirAll(b.out, 0o755); err != nil {
		return err
	}
	documents, err := b.documents(ctx)
	if err != nil {
		return err
	}
	for _, name := range platforms {
		if err := b.platform(ctx, name, documents); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	if err := b.container(); err != nil {
		return err
	}
	return writeSums(b.out)
}

// platform makes the files for one platform.
func (b *build) platform(ctx context.Context, name string, documents []file) error {
	goos, goarch, ok := strings.Cut(name, "/")
	if !ok {
		return fmt.Errorf("found platform %q, want OS/ARCH", name)
	}
	programs, err := b.compile(ctx, goos, goarch)
	if err != nil {
		return err
	}
	notices, err := b.notices(ctx, goos, goarch)
	if err != nil {
		return err
	}
	files := slices.Concat(programs, documents, []file{{"share/doc/codex/NOTICES", 0o644, notices}})
	stem := filepath.Join(b.out, fmt.Sprintf("codex_%s_%s_%s", b.version, goos, goarch))
	if err := b.bill(stem+".cdx.json", goos, goarch, programs); err != nil {
		return err
	}
	if goos == "windows" {
		return b.zip(stem+".zip", files)
	}
	if err := b.tarball(stem+".tar.gz", files); err != nil {
		return err
	}
	if goos == "linux" {
		return b.debian(goarch, files)
	}
	return nil
}

// compile builds the programs. Paths in them, and what git says about the
// directory, would differ between machines and are left out; version and commit
// are set by their names.
func (b *build) compile(ctx context.Context, goos, goarch string) ([]file, error) {
	name := goos + "-" + goarch
	if files, ok := b.compiled[name]; ok {
		return files, nil
	}
	suffix := ""
	if goos == "windows" {
		suffix = ".exe"
	}
	targets, err := b.packages()
	if err != nil {
		return nil, err
	}
	var files []file
	for _, pkg := range targets {
		program := "bin/codex" + suffix
		if pkg != "./cli" {
			program = "libexec/codex/codex-archive-" + filepath.Base(pkg) + suffix
		}
		output := filepath.Join(b.programs, name, filepath.FromSlash(program))
		flags := fmt.Sprintf("-s -w -X main.version=%s -X main.commit=%s", b.version, b.commit)
		if _, err := b.goTool(ctx, goos, goarch, "build", "-trimpath", "-buildvcs=false", "-tags="+buildTags, "-ldflags="+flags, "-o", output, pkg); err != nil {
			return nil, err
		}
		data, err := os.ReadFile(output)
		if err != nil {
			return nil, err
		}
		files = append(files, file{program, 0o755, data})
	}
	b.compiled[name] = files
	return files, nil
}

// packages are those of the programs, as arguments of go.
func (b *build) packages() ([]string, error) {
	mains, err := filepath.Glob(filepath.Join(b.source, "plugins", "*", "main.go"))
	if err != nil {
		return nil, err
	}
	targets := []string{"./cli"}
	for _, main := range mains {
		targets = append(targets, "./plugins/"+filepath.Base(filepath.Dir(main)))
	}
	return targets, nil
}

// goTool runs go in the sources, for a platform. What the environment of a
// machine could change in the programs is set.
func (b *build) goTool(ctx context.Context, goos, goarch string, args ...string) ([]byte, error) {
	cmd := exec.CommandContext(ctx, "go", args...)
	cmd.Dir = b.source
	cmd.Env = append(os.Environ(), "GOOS="+goos, "GOARCH="+goarch, "CGO_ENABLED=0", "GOAMD64=v1", "GOARM64=v8.0", "GOFLAGS=-mod=readonly", "GOWORK=off", "GOEXPERIMENT=", "GOFIPS140=off")
	if b.cache != "" {
		cmd.Env = append(cmd.Env, "GOCACHE="+b.cache)
	}
	return output(cmd)
}

// output is [exec.Cmd.Output] with an error that has what the command said.
func output(cmd *exec.Cmd) ([]byte, error) {
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("%s: %w\n%s", strings.Join(cmd.Args, " "), err, stderr.String())
	}
	return out, nil
}

// documents are the files that are the same on every platform.
func (b *build) documents(ctx context.Context) ([]file, error) {
	if _, err := b.compile(ctx, runtime.GOOS, runtime.GOARCH); err != nil {
		return nil, err
	}
	var files []file
	for _, d := range []struct {
		name, from string
		mode       uint32
	}{
		{"share/codex/format.md", "docs/format.md", 0o644},
		{"share/codex/rescue.sh", "scripts/rescue/rescue.sh", 0o755},
		{"share/doc/codex/CHANGELOG.md", "CHANGELOG.md", 0o644},
		{"share/doc/codex/LICENSE", "LICENSE", 0o644},
		{"share/doc/codex/README.md", "README.md", 0o644},
	} {
		data, err := os.ReadFile(filepath.Join(b.source, filepath.FromSlash(d.from)))
		if err != nil {
			return nil, err
		}
		files = append(files, file{d.name, os.FileMode(d.mode), data})
	}
	for _, p := range []struct {
		name string
		args []string
	}{
		{"share/man/man1/codex.1", []string{"man"}},
		{"share/bash-completion/completions/codex", []string{"completion", "bash"}},
		{"share/fish/vendor_completions.d/codex.fish", []string{"completion", "fish"}},
		{"share/zsh/site-functions/_codex", []string{"completion", "zsh"}},
	} {
		data, err := b.printed(ctx, p.args)
		if err != nil {
			return nil, err
		}
		files = append(files, file{p.name, 0o644, data})
	}
	return files, nil
}

// printed is what codex of this machine prints. Its environment is empty, so that
// nothing of the machine is in it.
func (b *build) printed(ctx context.Context, args []string) ([]byte, error) {
	codex := filepath.Join(b.programs, runtime.GOOS+"-"+runtime.GOARCH, "bin", "codex")
	cmd := exec.CommandContext(ctx, codex, args...)
	cmd.Dir, cmd.Env = b.programs, []string{"SYSTEMROOT=" + os.Getenv("SYSTEMROOT")} // without it Windows starts nothing
	return output(cmd)
}
