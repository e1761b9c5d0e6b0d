package config

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/xrash/smetrics"
)

// Variables that steer loading itself and are no settings.
const (
	fileVariable  = "CODEX_ARCHIVE_CONFIG"    // stands in for Options.File
	allowVariable = "CODEX_ARCHIVE_ALLOW_ENV" // names that a project's own file may expand
)

// Flag is a setting from a flag of its own.
type Flag struct {
	Name  string // for messages: "--url"
	Key   string // "backend.url"
	Value string
}

// Options says where settings are looked for.
type Options struct {
	Dir   string                           // absolute current directory
	Env   func(name string) (string, bool) // the environment; nil for an empty one
	File  string                           // --config, relative to Dir; "" for none
	Set   []string                         // --set section.key=value; the last for a key wins
	Flags []Flag                           // beat Set
}

// Loaded is the configuration and everything known about where it came from.
type Loaded struct {
	Config
	Root        string    // the project root, absolute: relative paths start here
	ProjectFile string    // the project's own file as messages show it, "" if there is none
	File        string    // the file the user named, as messages show it, "" if there is none
	Warnings    []Warning // what was ignored, then what was overruled

	origins  []Origin
	secrets  []string               // URLs with every secret of any layer, for Scrub
	password atomic.Pointer[string] // what Password read last, for Scrub
}

// Load finds the project, reads every layer, checks all values, overruled ones
// too, and merges them. Each error is one line that says where, what, and what is allowed. An
// empty variable counts as not set.
func Load(o Options) (*Loaded, error) {
	l := newLoader(o)
	for _, step := range []func() error{l.readFlags, l.readFiles, l.readEnvironment, l.merge, l.checkDelays, l.settleBackend, l.resolvePaths} {
		if err := step(); err != nil {
			return nil, err
		}
	}
	l.warnOverruled()
	return l.loaded, nil
}

// LogFormat returns what logging.format is where [Load] cannot be called, or has
// failed: what can still be read says it, whatever is wrong with the rest. It is
// "" where no one chose.
func LogFormat(o Options) string {
	l := newLoader(o)
	l.only = "logging.format"
	for _, step := range []func() error{l.readFlags, l.readFiles, l.readEnvironment} {
		_ = step() // somebody else reports it
	}
	if found := l.layers[l.only]; len(found) > 0 {
		return found[0].Value
	}
	return ""
}

func newLoader(o Options) *loader {
	if o.Env == nil {
		o.Env = func(string) (string, bool) { return "", false }
	}
	o.Dir = filepath.Clean(o.Dir)
	home, _ := o.Env("HOME")
	return &loader{options: o, keys: Keys(), loaded: &Loaded{Root: findRoot(o.Dir, home)}, layers: map[string][]Setting{}}
}

// loader holds what the steps of Load hand to each other.
type loader struct {
	options Options
	keys    []Key
	loaded  *Loaded
	layers  map[string][]Setting // key -> what was found, highest first
	own     bool                 // the file the user named is the project's own
	ignored bool                 // an unknown key was ignored and warned of
	only    string               // the one key that is wanted, "" for all
}

// skips reports whether nobody asks for the key called name.
func (l *loader) skips(name string) bool { return l.only != "" && l.only != name }

func (l *loader) key(name string) (Key, bool) {
	i := slices.IndexFunc(l.keys, func(k Key) bool { return k.Name == name })
	if i < 0 {
		return Key{}, false
	}
	return l.keys[i], true
}

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
		return &problem{source.where(), k.Name, found, k.Allowed}
	}
	l.layers[k.Name] = append(l.layers[k.Name], Setting{canonical, source, text})
	return nil
}

func (l *loader) readFlags() error {
	for _, f := range l.options.Flags {
		if l.skips(f.Key) {
			continue
		}
		k, ok := l.key(f.Key)
		if !ok {
			return l.unknown(f.Name, f.Key)
		}
		if err := l.add(k, f.Value, Source{FlagLayer, f.Name, 0}); err != nil {
			return err
		}
	}
	for _, set := range slices.Backward(l.options.Set) {
		name, value, ok := strings.Cut(set, "=")
		if l.skips(strings.TrimSpace(name)) {
			continue
		}
		// What is no name may be a misplaced URL and is not quoted.
		if name = strings.TrimSpace(name); !ok || !keyPattern.MatchString(name) {
			return &problem{"--set", "", "no section.key=value", "one, such as logging.level=debug"}
		}
		k, known := l.key(name)
		if !known {
			return l.unknown("--set", name)
		}
		if err := l.add(k, value, Source{FlagLayer, "--set " + name, 0}); err != nil {
			return err
		}
	}
	return nil
}

var keyPattern = regexp.MustCompile(`^[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*$`)

func (l *loader) readFiles() error {
	if err := checkProjectDir(l.loaded.Root); err != nil {
		return err
	}
	own := filepath.Join(l.loaded.Root, projectDir, projectFile)
	if err := l.readExplicit(own); err != nil || l.own {
		return err
	}
	if _, err := os.Lstat(own); errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	l.loaded.ProjectFile = l.display(own)
	return l.readFile(own, l.loaded.ProjectFile, ProjectFile)
}

// readExplicit reads the file that the user named. If that is the project's
// own file, its rank rises but it is trusted no more than before.
func (l *loader) readExplicit(own string) error {
	name, by := l.options.File, "--config"
	if name == "" {
		name, _ = l.options.Env(fileVariable)
		by = fileVariable
	}
	if name == "" {
		return nil
	}
	path := name
	if !filepath.IsAbs(path) {
		path = filepath.Join(l.options.Dir, path)
	}
	info, err := os.Stat(path)
	if err != nil {
		return fmt.Errorf("%s: %s: %w", by, showName(name), cause(err))
	}
	ownInfo, ownErr := os.Stat(own)
	l.own = ownErr == nil && os.SameFile(info, ownInfo)
	l.loaded.File = showName(name)
	if l.own {
		l.loaded.ProjectFile = l.loaded.File
	}
	return l.readFile(path, l.loaded.File, ExplicitFile)
}

// display returns path as messages show it: relative to the current directory
// where it lies below.
func (l *loader) display(path string) string {
	if rel, err := filepath.Rel(l.options.Dir, path); err == nil && filepath.IsLocal(rel) {
		path = rel
	}
	return showName(path)
}

func (l *loader) readFile(path, name string, layer Layer) error {
	data, err := readFile(path)
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	entries, err := parseFile(name, data)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if err := l.addEntry(e, Source{layer, name, e.line}); err != nil {
			return err
		}
	}
	return nil
}

func (l *loader) addEntry(e entry, source Source) error {
	if l.skips(e.name()) {
		return nil
	}
	if e.path[0] == "plugins" && len(e.path) > 1 && l.strange(source) {
		l.warnIgnored(e, source)
		return nil
	}
	k, ok := l.key(e.name())
	if !ok || len(e.path) != sectionDepth {
		return l.unknown(source.where(), e.name())
	}
	text, ok := k.fromTOML(e.value)
	if !ok {
		return &problem{source.where(), k.Name, showTOML(e.value, k.secret), k.Allowed}
	}
	return l.add(k, text, source)
}

// strange reports whether a stranger may have written what stands at source.
func (l *loader) strange(source Source) bool {
	return source.Layer == ProjectFile || source.Layer == ExplicitFile && l.own
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
	l.loaded.Warnings = append(l.loaded.Warnings, Warning{
		Message: fmt.Sprintf("%s: %s is ignored in a project's own file; use %s", source, name, use),
		Pairs:   []any{"file", source.Name, "line", source.Line, "key", name},
	})
}

// showTOML names a TOML value of the wrong type.
func showTOML(value any, secret bool) string {
	var kind string
	switch v := value.(type) {
	case string:
		if secret {
			return "a string"
		}
		return show(v) + " (a string)"
	case bool:
		kind = fmt.Sprint(v) + " (a boolean)"
	case int64:
		kind = fmt.Sprint(v) + " (an integer)"
	case float64:
		kind = decimal(v) + " (a float)"
	case []any:
		kind = "an array"
	case map[string]any:
		kind = "a table"
	case time.Time:
		kind = "a time"
	default:
		kind = "a date or time"
	}
	return kind
}

// unknown is the error for a key that does not exist, with the nearest that
// does.
func (l *loader) unknown(where, name string) error {
	section, _, dotted := strings.Cut(name, ".")
	var names, sectionNames []string
	for _, k := range l.keys {
		names = append(names, k.Name)
		if k.Section() == section {
			sectionNames = append(sectionNames, k.Name)
		}
	}
	p := &problem{where: where, key: showName(name)}
	switch {
	case !dotted && len(sectionNames) > 0:
		p.found, p.allowed = "a value in place of a section", "["+section+"]"
		return p
	case len(sectionNames) > 0:
		p.found, p.allowed = "an unknown key", strings.Join(sectionNames, " ")
	default:
		p.found, p.allowed = "an unknown section", strings.Join(sectionList(), " ")
		if !dotted {
			p.found = "a key outside a section"
		}
	}
	if near := nearest(name, names); near != "" {
		p.allowed += " (did you mean " + near + "?)"
	}
	return p
}

func sectionList() []string {
	var list []string
	for _, s := range sections() {
		list = append(list, s[0])
	}
	return list
}

// nearest returns the one of names that name most probably stands for, or "".
func nearest(name string, names []string) string {
	if len(name) > maxShown {
		return "" // bounds the work: distance costs the product of both lengths
	}
	best, least := "", 4 // up to 3 wrong letters
	for _, candidate := range names {
		_, last, _ := strings.Cut(candidate, ".")
		if name == last {
			return candidate
		}
		if d := smetrics.WagnerFischer(name, candidate, 1, 1, 1); d < least {
			best, least = candidate, d
		}
	}
	return best
}

func (l *loader) readEnvironment() error {
	for _, k := range l.keys {
		value, ok := l.options.Env(k.Variable)
		if !ok || value == "" || l.skips(k.Name) {
			continue
		}
		if err := l.add(k, value, Source{Environment, k.Variable, 0}); err != nil {
			return err
		}
	}
	return nil
}

// merge lets the highest layer win for each key.
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

// origin returns the origin of a key that exists, to change.
func (l *loader) origin(name string) *Origin {
	i := slices.IndexFunc(l.loaded.origins, func(o Origin) bool { return o.Key == name })
	return &l.loaded.origins[i]
}

// checkDelays compares the two delays, whichever layers they are from. The
// one that somebody chose is at fault.
func (l *loader) checkDelays() error {
	if l.loaded.Retry.MaxDelay >= l.loaded.Retry.InitialDelay {
		return nil
	}
	initial, most := l.origin("retry.initial_delay"), l.origin("retry.max_delay")
	if most.Source.Layer == Default {
		return &problem{initial.Source.where(), initial.Key, initial.Value, fmt.Sprintf("seconds, <= retry.max_delay (%s, %s)", most.Value, most.Source)}
	}
	return &problem{most.Source.where(), most.Key, most.Value, fmt.Sprintf("seconds, >= retry.initial_delay (%s, %s)", initial.Value, initial.Source)}
}

// settleBackend replaces ${NAME} in the URL, derives the type where nobody
// chose one, and checks that they go together.
func (l *loader) settleBackend() error {
	url, kind := l.origin("backend.url"), l.origin("backend.type")
	l.collectSecrets(url)
	if err := l.expandURL(url); err != nil {
		return err
	}
	if scheme := schemeOf(url.Value); kind.Source.Layer == Default && url.Source.Layer != Default && scheme != "" {
		backend := backendOf(scheme)
		if !validBackend(backend) {
			return &problem{url.Source.where(), url.Key, showURL(url.Value), "a URL whose scheme names a backend, or backend.type beside it"}
		}
		kind.Value, kind.Written, kind.Source.Name = backend, backend, fmt.Sprintf("scheme of backend.url (%s)", url.Source)
	}
	l.loaded.Backend.Type, l.loaded.Backend.URL = kind.Value, url.Value
	found, allowed, ok := checkURL(kind.Value, url.Value)
	if !ok && url.Source.Layer == Default {
		// Nobody wrote the URL, so the type is what somebody can mend.
		return &problem{kind.Source.where(), kind.Key, kind.Value, fmt.Sprintf("%s for backend.url %s (%s); set backend.url too",
			backendOf(schemeOf(url.Value)), showURL(url.Value), url.Source)}
	}
	if !ok {
		if schemeOf(url.Value) != "" {
			found = fmt.Sprintf("%s (%s)", found, url.Source)
			allowed = fmt.Sprintf("%s for backend.type %s (%s)", allowed, kind.Value, kind.Source)
		}
		return &problem{url.Source.where(), url.Key, found, allowed}
	}
	return nil
}

// expandURL replaces ${NAME} in a URL from a file.
func (l *loader) expandURL(url *Origin) error {
	source := url.Source
	if source.Layer != ProjectFile && source.Layer != ExplicitFile {
		return nil
	}
	expanded, err := expand(url.text, l.lookup(source))
	var bad *badExpansion
	if errors.As(err, &bad) {
		return &problem{source.where(), url.Key, bad.found, bad.allowed}
	}
	if err != nil {
		return err
	}
	k, _ := l.key(url.Key)
	var scratch Config
	canonical, ok := k.set(&scratch, expanded)
	if !ok {
		return &problem{source.where(), url.Key, "a value that is no URL once ${NAME} is replaced", k.Allowed}
	}
	url.Value = canonical
	l.loaded.secrets = append(l.loaded.secrets, canonical)
	return nil
}

// collectSecrets remembers every URL, so that no secret of an overruled one is
// printed either, and the passwords that backends take from the environment.
func (l *loader) collectSecrets(url *Origin) {
	l.loaded.secrets = append(l.loaded.secrets, url.Value)
	for _, s := range url.Overruled {
		l.loaded.secrets = append(l.loaded.secrets, s.Value)
	}
	for _, name := range []string{"PGPASSWORD", "MYSQL_PWD"} {
		if password, ok := l.options.Env(name); ok {
			l.loaded.secrets = append(l.loaded.secrets, asURL(password))
		}
	}
}

// lookup returns how a file at source may read the environment.
func (l *loader) lookup(source Source) func(string) (string, error) {
	return func(name string) (string, error) {
		if l.strange(source) && !l.mayExpand(name) {
			return "", &badExpansion{"${" + name + "}", fmt.Sprintf(
				"in a project's own file only names that start with %s, or that %s lists",
				strings.Join(openPrefixes(), " "), allowVariable)}
		}
		value, ok := l.options.Env(name)
		if !ok {
			return "", &badExpansion{"${" + name + "}, which is not set", "a variable that is set"}
		}
		return value, nil
	}
}

// openPrefixes are the beginnings of names that hold what belongs to an
// archive or a database, and not, say, to a cloud account.
func openPrefixes() []string { return []string{"DB_", "PG", "MYSQL_", "MARIADB_", "CODEX_"} }

func (l *loader) mayExpand(name string) bool {
	if slices.ContainsFunc(openPrefixes(), func(prefix string) bool { return strings.HasPrefix(name, prefix) }) {
		return true
	}
	list, _ := l.options.Env(allowVariable)
	return slices.Contains(splitWords(list), name)
}

// resolvePaths makes paths absolute. Those on the command line start from the
// current directory, all others from the root. What nobody but the project
// chose must stay inside the project.
func (l *loader) resolvePaths() error {
	for _, k := range l.keys {
		if k.path == nil {
			continue
		}
		field, source := k.path(&l.loaded.Config), l.origin(k.Name).Source
		switch {
		case *field == "":
		case source.Layer == Default || l.strange(source):
			resolved, err := confine(l.loaded.Root, *field)
			if err != nil {
				return &problem{source.where(), k.Name, fmt.Sprintf("%s, %s", show(*field), err),
					fmt.Sprintf("a path inside %s, or any path by %s or %s", showName(l.loaded.Root), k.Variable, k.option())}
			}
			*field = resolved
		case filepath.IsAbs(*field):
			*field = filepath.Clean(*field)
		case source.Layer == FlagLayer:
			*field = filepath.Join(l.options.Dir, *field)
		default:
			*field = filepath.Join(l.loaded.Root, *field)
		}
	}
	return nil
}

// warnOverruled warns of each variable that a file overrules with another
// value: that files win over the environment surprises many.
func (l *loader) warnOverruled() {
	for _, o := range l.loaded.origins {
		if o.Source.Layer != ProjectFile && o.Source.Layer != ExplicitFile {
			continue
		}
		k, _ := l.key(o.Key)
		for _, loser := range o.Overruled {
			if loser.Source.Layer != Environment || loser.Value == o.Value {
				continue
			}
			l.loaded.Warnings = append(l.loaded.Warnings, Warning{
				Message: fmt.Sprintf("%s is overruled by %s; %s would win", loser.Source.Name, o.Source, k.option()),
				Pairs: []any{"variable", loser.Source.Name, "key", k.Name,
					"file", o.Source.Name, "line", o.Source.Line, "flag", cmp.Or(k.Flag, "--set")},
			})
		}
	}
}
