package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// listed is what go list says of a package.
type listed struct {
	ImportPath string
	Dir        string
	Module     *listedModule // nil for the standard library
}

type listedModule struct {
	Path, Version, Dir string
	Main               bool
}

var (
	// licenceFile matches the names of files that say under which terms others
	// may use what is beside them: LICENSE, COPYING.txt, SQLITE-LICENSE, NOTICE.
	licenceFile = regexp.MustCompile(`(?i)(^|[-_.])((un)?licen[cs]e|copying|copyright|notice|patents)([-_.]|$)`)
	// licence matches those of them that are a licence.
	licence = regexp.MustCompile(`(?i)licen[cs]e|copying`)
)

// notices returns the licences of everything that the programs contain on a
// platform: the dependencies of their packages, and Go's own library.
func (b *build) notices(ctx context.Context, goos, goarch string) ([]byte, error) {
	targets, err := b.packages()
	if err != nil {
		return nil, err
	}
	list, err := b.goTool(ctx, goos, goarch, append([]string{"list", "-deps", "-tags=" + buildTags, "-json=ImportPath,Dir,Module"}, targets...)...)
	if err != nil {
		return nil, err
	}
	var packages []listed
	for d := json.NewDecoder(bytes.NewReader(list)); ; {
		var p listed
		if err := d.Decode(&p); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			return nil, err
		}
		packages = append(packages, p)
	}
	env, err := b.goTool(ctx, goos, goarch, "env", "GOROOT", "GOVERSION")
	if err != nil {
		return nil, err
	}
	root, version, _ := strings.Cut(strings.TrimSpace(string(env)), "\n")
	goItself := listedModule{Path: "Go, its standard library and runtime", Version: version, Dir: root}
	return noticesOf(append(packages, listed{Dir: root, Module: &goItself}))
}

// noticesOf writes down the licence files in the directory of each package and
// those above it in its module. A module without a licence is an error: then the
// programs may not be passed on.
func noticesOf(packages []listed) ([]byte, error) {
	texts := map[listedModule]map[string][]byte{}
	for _, p := range packages {
		if p.Module == nil || p.Module.Main {
			continue
		}
		if texts[*p.Module] == nil {
			texts[*p.Module] = map[string][]byte{}
		}
		for dir := p.Dir; ; dir = filepath.Dir(dir) {
			if err := collect(texts[*p.Module], p.Module.Dir, dir); err != nil {
				return nil, err
			}
			if dir == p.Module.Dir || dir == filepath.Dir(dir) {
				break
			}
		}
	}
	var out bytes.Buffer
	out.WriteString("The programs of codex archive contain the work of others, under the terms below.\n")
	byPath := func(a, b listedModule) int { return strings.Compare(a.Path, b.Path) }
	for _, m := range slices.SortedFunc(maps.Keys(texts), byPath) {
		names := slices.Sorted(maps.Keys(texts[m]))
		if !slices.ContainsFunc(names, licence.MatchString) {
			return nil, fmt.Errorf("%s %s has no licence file", m.Path, m.Version)
		}
		for _, name := range names {
			fmt.Fprintf(&out, "\n%s\n%s %s: %s\n\n%s\n", strings.Repeat("=", 80), m.Path, m.Version, name, bytes.TrimRight(texts[m][name], "\n"))
		}
	}
	return out.Bytes(), nil
}

// collect reads the licence files in dir, by their names in the module.
func collect(texts map[string][]byte, module, dir string) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if !e.Type().IsRegular() || filepath.Ext(e.Name()) == ".go" || !licenceFile.MatchString(e.Name()) {
			continue
		}
		path := filepath.Join(dir, e.Name())
		name, err := filepath.Rel(module, path)
		if err != nil {
			return err
		}
		if texts[filepath.ToSlash(name)], err = os.ReadFile(path); err != nil {
			return err
		}
	}
	return nil
}
