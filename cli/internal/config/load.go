package config

import (
	"context"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
)

// Variables that steer loading itself and are no settings.
const (
	fileVariable = "CODEX_ARCHIVE_CONFIG"         // takes the place of Options.File
	safeVariable = "CODEX_ARCHIVE_SAFE_DIRECTORY" // roots whose .codex another user may own
)

// Flag is a setting from a flag of its own.
type Flag struct {
	Name  string // for messages: "--url"
	Key   string // "backend.url"
	Value string
}

// Options says where settings are looked for.
type Options struct {
	Dir     string   // absolute current directory
	Environ []string // as os.Environ
	File    string   // a configuration, relative to Dir; "" for none
	Set     []string // --set section.key=value; the last for a key wins
	Flags   []Flag   // beat Set

	FileFlag string // what named File; "": --config

	// Alone says that only File, Flags and Set speak: not the environment, though
	// ${NAME} in File is replaced, and not the project's own file, unless it is File.
	// It is for a second archive, about which those of the first say nothing.
	Alone bool

	// Trust decides on the project's own file, once, after it was parsed. Where
	// it is nil the file is not trusted.
	Trust func(context.Context, Project) Trust
}

// Env returns the value of an environment variable.
func (o Options) Env(name string) (string, bool) {
	for _, pair := range slices.Backward(o.Environ) {
		if value, ok := strings.CutPrefix(pair, name+"="); ok {
			return value, true
		}
	}
	return "", false
}

// Loaded is the configuration and everything known about where it came from.
type Loaded struct {
	Config
	Root        string    // the project root, absolute: relative paths start here
	ProjectFile string    // the project's own file as messages show it, "" if there is none
	File        string    // the file the user named, as messages show it, "" if there is none
	Project     *Project  // what the project's own file says that needs trust; nil if there is none
	Trust       Trust     // in the project's own file; granted if there is none
	Warnings    []Warning // what was ignored, then what was overruled

	refusal  error // why the archive must not be opened
	sends    []string
	origins  []Origin
	secrets  []string               // URLs with every secret of any layer, for Scrub
	password atomic.Pointer[string] // what Password read last, for Scrub
}

// Load finds the project, reads every layer, checks all values, overruled ones
// too, and merges them. Each error is one line that says where, what, and what is allowed. An
// empty variable counts as not set.
//
// Load connects to nothing. Where the project's own file is not trusted and
// names an archive that it may not, Load succeeds and [Loaded.Refusal] says why
// the archive must not be opened.
func Load(ctx context.Context, o Options) (*Loaded, error) {
	l := newLoader(o)
	steps := []func() error{
		l.readFlags, func() error { return l.readFiles(ctx) }, l.readEnvironment, l.merge, l.checkDelays,
		l.settleBackend, l.resolvePaths,
		func() error { return l.checkDatabase(ctx) }, func() error { return l.checkLogFile(ctx) },
	}
	for _, step := range steps {
		if err := step(); err != nil {
			return nil, err
		}
	}
	l.warnOverruled()
	l.warnMisspelt()
	return l.loaded, nil
}

func newLoader(o Options) *loader {
	o.Dir = filepath.Clean(o.Dir)
	home, _ := o.Env("HOME")
	place := findPlace(o.Dir, home)
	return &loader{
		options: o, place: place, keys: Keys(),
		loaded: &Loaded{Root: place.root, Trust: Trust{Granted: true, Why: "there is no project file"}},
		layers: map[string][]Setting{},
	}
}

// loader holds what the steps of Load hand to each other.
type loader struct {
	options Options
	place   place
	keys    []Key
	loaded  *Loaded
	layers  map[string][]Setting // key -> what was found, highest first
	own     bool                 // the file the user named is the project's own
	foreign bool                 // another user owns .codex, and the user allowed that
	ignored bool                 // an unknown key was ignored and warned of
}

func (l *loader) key(name string) (Key, bool) {
	i := slices.IndexFunc(l.keys, func(k Key) bool { return k.Name == name })
	if i < 0 {
		return Key{}, false
	}
	return l.keys[i], true
}

// origin returns the origin of a key that exists, to change.
func (l *loader) origin(name string) *Origin {
	i := slices.IndexFunc(l.loaded.origins, func(o Origin) bool { return o.Key == name })
	return &l.loaded.origins[i]
}

// fromProject reports whether source is the project's own file.
func (l *loader) fromProject(source Source) bool {
	return source.Layer == ProjectFile || source.Layer == ExplicitFile && l.own
}

// untrusted reports whether another person may have written what source says.
func (l *loader) untrusted(source Source) bool {
	return l.fromProject(source) && !l.loaded.Trust.Granted
}
