package main

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	cdx "github.com/CycloneDX/cyclonedx-go"
)

// built is a release for this machine, made twice.
type built struct{ first, second *build }

// TestRelease builds the sources of this directory, changes included, once for all
// that is looked at: where they are, and from a copy elsewhere.
func TestRelease(t *testing.T) {
	source, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	f := facts{"1.2.3-rc1", "0123456789ab", time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)}
	dir := t.TempDir()
	b := built{newBuild(f, filepath.Join(dir, "first")), newBuild(f, filepath.Join(dir, "second", "longer"))}
	b.first.source = source
	copySources(t, source, b.second.source)
	for _, b := range []*build{b.first, b.second} {
		if err := b.all(t.Context(), []string{runtime.GOOS + "/" + runtime.GOARCH}); err != nil {
			t.Fatal(err)
		}
	}
	t.Run("Twice", b.testTwice)
	t.Run("Archive", b.testArchive)
	t.Run("Bill", b.testBill)
	t.Run("Sums", b.testSums)
	t.Run("Debian", b.testDebian)
	t.Run("Lintian", b.testLintian)
	t.Run("Container", b.testContainer)
}

// copySources copies what a commit of the sources would hold.
func copySources(t *testing.T, from, to string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "git", "-C", from, "ls-files", "-z", "--cached", "--others", "--exclude-standard")
	out, err := output(cmd)
	if err != nil {
		t.Skip("the sources are not in a git work tree:", err)
	}
	for name := range strings.SplitSeq(strings.TrimSuffix(string(out), "\x00"), "\x00") {
		data, err := os.ReadFile(filepath.Join(from, name))
		if errors.Is(err, fs.ErrNotExist) {
			continue // removed, and not committed yet
		}
		target := filepath.Join(to, name)
		if err = errors.Join(err, os.MkdirAll(filepath.Dir(target), 0o755), os.WriteFile(target, data, 0o644)); err != nil {
			t.Fatal(err)
		}
	}
}

func (b built) testTwice(t *testing.T) {
	if err := sameFiles(b.first.out, b.second.out); err != nil {
		t.Error(err)
	}
}

// archive is the one for this machine.
func (b built) archive(t *testing.T) string {
	t.Helper()
	found, err := filepath.Glob(filepath.Join(b.first.out, "codex_1.2.3-rc1_"+runtime.GOOS+"_"+runtime.GOARCH+".[tz]*"))
	if err != nil || len(found) != 1 {
		t.Fatalf("archives: %v, %v", found, err)
	}
	return found[0]
}

func (b built) testArchive(t *testing.T) {
	dir := t.TempDir()
	unpack(t, b.archive(t), dir, func(h *tar.Header) {
		if !h.ModTime.Equal(b.first.time) || h.Uid != 0 || h.Gid != 0 || h.Uname != "root" || h.Gname != "root" {
			t.Errorf("%s: of %s:%s at %s", h.Name, h.Uname, h.Gname, h.ModTime)
		}
	})
	top := filepath.Join(dir, "codex_1.2.3-rc1_"+runtime.GOOS+"_"+runtime.GOARCH)
	for name, want := range map[string]string{
		"share/codex/format.md":                      "schema",
		"share/codex/rescue.sh":                      "#!",
		"share/doc/codex/CHANGELOG.md":               "0.1.0",
		"share/doc/codex/LICENSE":                    "Apache License",
		"share/doc/codex/NOTICES":                    "modernc.org/sqlite ",
		"share/doc/codex/README.md":                  "codex archive",
		"share/man/man1/codex.1":                     `codex 1.2.3\-rc1`,
		"share/bash-completion/completions/codex":    "codex",
		"share/fish/vendor_completions.d/codex.fish": "codex",
		"share/zsh/site-functions/_codex":            "#compdef codex",
	} {
		text, err := os.ReadFile(filepath.Join(top, name))
		if err != nil || !strings.Contains(string(text), want) {
			t.Errorf("%s: %v, does not have %q", name, err, want)
		}
	}
	programs, err := filepath.Glob(filepath.Join(top, "libexec", "codex", "codex-archive-*"))
	if err != nil || len(programs) < 3 {
		t.Fatalf("backends: %v, %v", programs, err)
	}
	codex, err := filepath.Glob(filepath.Join(top, "bin", "codex*"))
	if err != nil || len(codex) != 1 {
		t.Fatalf("codex: %v, %v", codex, err)
	}
	for _, program := range append(programs, codex...) {
		out, err := exec.CommandContext(t.Context(), program, "--version").Output()
		if err != nil || !strings.Contains(string(out), "1.2.3-rc1") || !strings.Contains(string(out), "0123456789ab") {
			t.Errorf("%s --version: %v, %s", program, err, out)
		}
	}
	useCodex(t, codex[0])
}

// useCodex stores a file, restores it, and compares.
func useCodex(t *testing.T, codex ...string) {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "old.py"), []byte("print()\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	run := func(args ...string) []byte {
		cmd := exec.CommandContext(t.Context(), codex[0], slices.Concat(codex[1:], args)...)
		cmd.Dir, cmd.Env = dir, []string{"HOME=" + t.TempDir(), "SYSTEMROOT=" + os.Getenv("SYSTEMROOT")}
		out, err := output(cmd)
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
	checkRoundTrip(t, dir, run)
}

func checkRoundTrip(t *testing.T, dir string, run func(args ...string) []byte) {
	t.Helper()
	var stored struct{ Tombstone string }
	if err := json.Unmarshal(run("archive", "store", "repo", "old.py", "--by", "test", "--reason", "dead"), &stored); err != nil {
		t.Fatal(err)
	}
	run("archive", "restore", stored.Tombstone, "back.py", "--by", "test")
	if got, err := os.ReadFile(filepath.Join(dir, "back.py")); err != nil || string(got) != "print()\n" {
		t.Errorf("restored: %q, %v", got, err)
	}
}

// unpack unpacks a tar.gz or zip into dir.
func unpack(t *testing.T, archive, dir string, check func(*tar.Header)) {
	t.Helper()
	data, err := os.ReadFile(archive)
	if err != nil {
		t.Fatal(err)
	}
	if strings.HasSuffix(archive, ".zip") {
		z, err := zip.NewReader(bytes.NewReader(data), int64(len(data)))
		if err == nil {
			err = os.CopyFS(dir, z)
		}
		if err != nil {
			t.Fatal(err)
		}
		return
	}
	packed, err := gzip.NewReader(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	last := ""
	for r := tar.NewReader(packed); ; {
		h, err := r.Next()
		if err == io.EOF {
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		check(h)
		if h.Name <= last {
			t.Errorf("%s comes behind %s", h.Name, last)
		}
		last = h.Name
		target := filepath.Join(dir, filepath.FromSlash(h.Name))
		content, err := io.ReadAll(r)
		if err = errors.Join(err, os.MkdirAll(filepath.Dir(target), 0o755), os.WriteFile(target, content, h.FileInfo().Mode().Perm())); err != nil {
			t.Fatal(err)
		}
	}
}

// testBill compares the bill of materials with the notices: what is inside and
// under which terms are found in different ways.
func (b built) testBill(t *testing.T) {
	stem := "codex_1.2.3-rc1_" + runtime.GOOS + "_" + runtime.GOARCH
	f, err := os.Open(filepath.Join(b.first.out, stem+".cdx.json"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var bom cdx.BOM
	if err := cdx.NewBOMDecoder(f, cdx.BOMFileFormatJSON).Decode(&bom); err != nil {
		t.Fatal(err)
	}
	notices, err := b.first.notices(context.Background(), runtime.GOOS, runtime.GOARCH)
	if err != nil {
		t.Fatal(err)
	}
	programs, modules := 0, 0
	for _, c := range *bom.Components {
		if c.Type == cdx.ComponentTypeApplication {
			programs++
			data, err := os.ReadFile(filepath.Join(b.first.programs, runtime.GOOS+"-"+runtime.GOARCH, c.BOMRef))
			if err != nil || digest(data) != (*c.Hashes)[0].Value || path.Base(c.BOMRef) != c.Name {
				t.Errorf("%s: %v, or another hash", c.BOMRef, err)
			}
			continue
		}
		modules++
		if heading := "\n" + c.Name + " " + c.Version + ": "; c.Name != "std" && !bytes.Contains(notices, []byte(heading)) {
			t.Errorf("%s %s is inside and not in the notices", c.Name, c.Version)
		}
	}
	if programs != 4 || modules < 10 {
		t.Errorf("%d programs, %d modules", programs, modules)
	}
}

func (b built) testSums(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(b.first.out, sumsName))
	if err != nil {
		t.Fatal(err)
	}
	want, err := sums(b.first.out)
	if err != nil {
		t.Fatal(err)
	}
	delete(want, sumsName)
	for line := range strings.Lines(string(text)) {
		sum, name, _ := strings.Cut(strings.TrimSpace(line), "  ")
		if want[name] != sum {
			t.Errorf("%s: %s, want %s", name, sum, want[name])
		}
		delete(want, name)
	}
	if len(want) > 0 {
		t.Errorf("not in %s: %v", sumsName, want)
	}
}

// A dependency that has no licence may not be passed on.
func TestNoLicence(t *testing.T) {
	dir := t.TempDir()
	inner := filepath.Join(dir, "inner")
	if err := os.Mkdir(inner, 0o755); err != nil {
		t.Fatal(err)
	}
	write := func(name, text string) {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	write("NOTICE", "a notice is no licence")
	write("license.go", "package license")
	m := listedModule{Path: "example.com/free", Version: "v1.0.0", Dir: dir}
	packages := []listed{{Dir: inner, Module: &m}}
	if _, err := noticesOf(packages); err == nil || !strings.Contains(err.Error(), "example.com/free v1.0.0 has no licence file") {
		t.Errorf("without a licence: %v", err)
	}
	write("COPYING", "do what you want")
	write("inner/OTHER-LICENSE.txt", "do something else")
	out, err := noticesOf(packages)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"example.com/free v1.0.0: COPYING\n\ndo what", "inner/OTHER-LICENSE.txt\n\ndo something", ": NOTICE\n"} {
		if !strings.Contains(string(out), want) {
			t.Errorf("no %q in:\n%s", want, out)
		}
	}
}

func TestDebianVersion(t *testing.T) {
	at := time.Date(2026, 11, 28, 0, 0, 0, 0, time.UTC)
	for version, want := range map[string]string{
		"0.1.0":                 "0.1.0",
		"0.1.0-rc1":             "0.1.0~rc1",
		"0.1.0-5-g0123456789ab": "0.1.0+5.g0123456789ab",
		"4452f2200000":          "0~git20261128.4452f2200000",
	} {
		if got := (facts{version, "4452f2200000", at}).debianVersion(); got != want {
			t.Errorf("%s: %s, want %s", version, got, want)
		}
	}
}
