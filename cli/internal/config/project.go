package config

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
)

// Project is what the project's own file says that needs trust.
type Project struct {
	Root     string    // the project root, without symbolic links
	Tree     string    // the linked work tree whose file it is, or Root
	File     string    // the file, absolute
	Foreign  bool      // another user owns its directory
	Silent   bool      // the file sets nothing at all
	Settings []Written // in the order of their lines
}

// Written is a setting as a file writes it, whether or not its value is
// allowed.
type Written struct {
	Key   string
	Value string // text, or what [Key.Allowed] would be said against
}

// Value returns the value of the key called name, "" where the file is silent.
func (p Project) Value(name string) string {
	for _, w := range p.Settings {
		if w.Key == name {
			return w.Value
		}
	}
	return ""
}

// Trust says whether the user wrote the project's own file, or accepted it.
type Trust struct {
	Granted bool
	Why     string
}

// trustedSections are what a file may set only if it is trusted.
func trustedSections() []string { return []string{"backend", "archive", "retention", "verify"} }

// decideTrust asks for the trust in the project's own file at path.
func (l *loader) decideTrust(ctx context.Context, path string, entries []entry) {
	p := &Project{Root: resolved(l.loaded.Root), File: path, Foreign: l.foreign, Silent: len(entries) == 0}
	if p.Tree = p.Root; path != filepath.Join(l.place.root, projectDir, projectFile) {
		p.Tree = resolved(l.place.tree)
	}
	for _, e := range entries {
		if !slices.Contains(trustedSections(), e.path[0]) {
			continue
		}
		value := fmt.Sprint(e.value)
		if k, known := l.key(e.name()); known {
			if text, ok := k.fromTOML(e.value); ok {
				value = text
			}
		}
		p.Settings = append(p.Settings, Written{e.name(), value})
	}
	l.loaded.Project, l.loaded.Trust = p, Trust{Why: "it was not judged"}
	if l.options.Trust != nil {
		l.loaded.Trust = l.options.Trust(ctx, *p)
	}
}

// ignores reports whether what source says in a section does not count. How
// programs start is never the project's affair; how files are stored and for
// how long is, once the file is trusted.
func (l *loader) ignores(section string, source Source) bool {
	switch section {
	case "plugins":
		return l.fromProject(source)
	case "archive", "retention", "verify":
		return l.untrusted(source)
	}
	return false
}

// warnIgnored warns of each known key, and of the first unknown one: there may
// be any number of those.
func (l *loader) warnIgnored(e entry, source Source) {
	name, use := showName(e.name()), "a file given by --config"
	k, known := l.key(e.name())
	switch {
	case known:
		use = k.Variable + " or --set " + k.Name
	case l.ignored:
		return
	default:
		l.ignored = true
	}
	why := "in a project's own file"
	if e.path[0] != "plugins" {
		why = "until you trust the file (" + l.loaded.Trust.Why + ")"
		use = "codex archive trust, " + use
	}
	l.loaded.Warnings = append(l.loaded.Warnings, Warning{
		Message: fmt.Sprintf("%s: %s is ignored %s; use %s", source, name, why, use),
		Pairs:   []any{"file", source.Name, "line", source.Line, "key", name},
	})
}

// WarnLevel returns the level of the log for [Loaded.Warnings]: what the
// project's own file sets may show a warning about that file, and not hide it.
func (l *Loaded) WarnLevel() string {
	level := "info"
	origin := l.Origin("logging.level")
	for _, s := range append([]Setting{origin.Setting}, origin.Overruled...) {
		own := s.Source.Layer == ProjectFile || s.Source.Layer == ExplicitFile && l.File == l.ProjectFile
		if !own {
			level = s.Value
			break
		}
	}
	levels := []string{"debug", "info", "warn", "error"}
	return levels[min(slices.Index(levels, level), slices.Index(levels, origin.Value))]
}
