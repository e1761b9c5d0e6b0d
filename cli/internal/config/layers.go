package config

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"

	"github.com/codex-archive/codex/cli/internal/durable"
)

// add notes that text was found for k at source. Sources are added in the
// order of their layers, highest first.
func (l *loader) add(k Key, text string, source Source) error {
	var scratch Config
	canonical, ok := k.set(&scratch, text)
	if !ok {
		found := show(text)
		if k.secret {
			found = "a value that is no URL"
		}
		return &ValueError{where: source.where(), key: k.Name, found: found, allowed: k.Allowed}
	}
	l.layers[k.Name] = append(l.layers[k.Name], Setting{canonical, source, text})
	return nil
}

func (l *loader) readFlags() error {
	for _, f := range l.options.Flags {
		k, ok := l.key(f.Key)
		if !ok {
			return l.unknown(f.Name, f.Key)
		}
		if err := l.add(k, f.Value, Source{FlagLayer, f.Name, 0}); err != nil {
			return err
		}
	}
	for _, set := range slices.Backward(l.options.Set) {
		if err := l.readSet(set); err != nil {
			return err
		}
	}
	return nil
}

var keyPattern = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`^[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*$`)
})

func (l *loader) readSet(set string) error {
	name, value, ok := strings.Cut(set, "=")
	name = strings.TrimSpace(name)
	// What is no name may be a misplaced URL and is not quoted.
	if !ok || !keyPattern().MatchString(name) {
		return &ValueError{where: "--set", found: "no section.key=value", allowed: "one, such as logging.level=debug"}
	}
	k, known := l.key(name)
	if !known {
		return l.unknown("--set", name)
	}
	return l.add(k, value, Source{FlagLayer, "--set " + name, 0})
}

func (l *loader) readFiles(ctx context.Context) (err error) {
	if l.foreign, err = l.place.check(l.options); err != nil {
		return err
	}
	own := l.place.file()
	if err := l.readExplicit(ctx, own); err != nil || l.own || l.options.Alone {
		return err
	}
	if _, err := os.Lstat(own); errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	l.loaded.ProjectFile = l.display(own)
	return l.readFile(ctx, own, l.loaded.ProjectFile, ProjectFile)
}

// readExplicit reads the file that the user named. If that is the project's
// own file, its rank rises but it is trusted no more than before.
func (l *loader) readExplicit(ctx context.Context, own string) error {
	name, by := l.options.File, cmp.Or(l.options.FileFlag, "--config")
	if name == "" && !l.options.Alone {
		name, _ = l.options.Env(fileVariable)
		by = fileVariable
	}
	if name == "" {
		return nil
	}
	if l.options.FileFlag != "" {
		by = l.options.FileFlag
	}
	path := name
	if !filepath.IsAbs(path) {
		path = filepath.Join(l.options.Dir, path)
	}
	info, err := os.Stat(path)
	if err != nil {
		return durable.NamedFile(by, showName(name), err, "")
	}
	ownInfo, ownErr := os.Stat(own)
	l.own = ownErr == nil && os.SameFile(info, ownInfo)
	l.loaded.File = showName(name)
	if l.own {
		path = own
		l.loaded.ProjectFile = l.loaded.File
	}
	return l.readFile(ctx, path, l.loaded.File, ExplicitFile)
}

// display returns path as messages show it: relative to the current directory
// where it lies below.
func (l *loader) display(path string) string {
	if rel, err := filepath.Rel(l.options.Dir, path); err == nil && filepath.IsLocal(rel) {
		path = rel
	}
	return showName(path)
}

func (l *loader) readFile(ctx context.Context, path, name string, layer Layer) error {
	data, err := readFile(path)
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	entries, err := parseFile(name, data)
	if err != nil {
		return err
	}
	if l.fromProject(Source{Layer: layer}) {
		l.decideTrust(ctx, path, entries)
	}
	for _, e := range entries {
		if err := l.addEntry(e, Source{layer, name, e.line}); err != nil {
			return err
		}
	}
	return nil
}

func (l *loader) addEntry(e entry, source Source) error {
	if len(e.path) > 1 && l.ignores(e.path[0], source) {
		l.warnIgnored(e, source)
		return nil
	}
	k, ok := l.key(e.name())
	if !ok || len(e.path) != sectionDepth {
		return l.unknown(source.where(), e.name())
	}
	text, ok := k.fromTOML(e.value)
	if !ok {
		return &ValueError{where: source.where(), key: k.Name, found: showTOML(e.value, k.secret), allowed: k.Allowed}
	}
	return l.add(k, text, source)
}

func (l *loader) readEnvironment() error {
	if l.options.Alone {
		return nil
	}
	for _, k := range l.keys {
		value, ok := l.options.Env(k.Variable)
		if !ok || value == "" {
			continue
		}
		if err := l.add(k, value, Source{Environment, k.Variable, 0}); err != nil {
			return err
		}
	}
	return nil
}

// merge makes the highest layer win for each key.
func (l *loader) merge() error {
	for _, k := range l.keys {
		found := l.layers[k.Name]
		if len(found) == 0 {
			if err := l.add(k, k.Default, Source{}); err != nil {
				return fmt.Errorf("default: %w", err)
			}
			found = l.layers[k.Name]
		}
		k.set(&l.loaded.Config, found[0].text)
		l.loaded.origins = append(l.loaded.origins, Origin{
			Key: k.Name, Setting: found[0], Written: found[0].text, Overruled: found[1:],
		})
	}
	return nil
}

// checkDelays compares the two delays, whichever layers they are from. The
// one that was chosen is at fault.
func (l *loader) checkDelays() error {
	if l.loaded.Retry.MaxDelay >= l.loaded.Retry.InitialDelay {
		return nil
	}
	initial, most := l.origin("retry.initial_delay"), l.origin("retry.max_delay")
	if most.Source.Layer == Default {
		return &ValueError{where: initial.Source.where(), key: initial.Key, found: initial.Value,
			allowed: fmt.Sprintf("seconds, <= retry.max_delay (%s, %s)", most.Value, most.Source)}
	}
	return &ValueError{where: most.Source.where(), key: most.Key, found: most.Value,
		allowed: fmt.Sprintf("seconds, >= retry.initial_delay (%s, %s)", initial.Value, initial.Source)}
}
