package backendtest

import (
	"io/fs"
	"maps"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/codex-archive/codex/sdk"
)

// Rules about backends that keep an archive in a file.
func fileRules() []Rule {
	return []Rule{
		must("OPEN-09", "Three slashes in a URL begin a path that is relative to Options.Dir, four an absolute one: both name the same file.", absoluteURL, needsFile),
		must("OPEN-10", "The path in a URL has no escapes: \"%41\" is not \"A\".", func(t *T) {
			dir := t.TempDir()
			plain, escaped := t.fileURL("kit-A"), t.fileURL("kit-%41")
			id := t.makeArchive(sdk.Options{URL: escaped, Dir: dir})
			_, err := t.tryOpen(t.ctx, sdk.Options{URL: plain, Dir: dir, Mode: sdk.ReadOnly})
			t.kindAt(plain, err, sdk.NoArchive)
			t.finds(sdk.Options{URL: escaped, Dir: dir}, id)
		}, needsFile),
		must("OPEN-12", "A URL whose path ends in a slash names no file: opening it is an error and makes nothing.", func(t *T) {
			dir := t.TempDir()
			for _, url := range []string{t.fileURL("kit") + "/", schemeOf(t.url) + ":///"} {
				_, err := t.tryOpen(t.ctx, sdk.Options{URL: url, Dir: dir, Mode: sdk.Create})
				t.kindAt(url, err, sdk.Invalid, sdk.Unsupported, sdk.NoArchive, sdk.PermissionDenied)
			}
			if made := snapshot(dir); len(made) > 0 {
				t.Errorf("in the directory there is now %v", slices.Sorted(maps.Keys(made)))
			}
		}, needsFile),
		must("OPEN-13", "Reading an archive that was opened for reading only changes no byte on disk, and leaves no file beside it.", func(t *T) {
			dir, url, s := t.TempDir(), t.fileURL("kit"), t.items(3)
			w := t.open(sdk.Options{URL: url, Dir: dir, Mode: sdk.Create})
			t.put(w, s...)
			t.append(w, t.request(s[0].Tombstone, "requester"))
			t.closed(w)
			before := snapshot(dir)
			r := t.open(sdk.Options{URL: url, Dir: dir, Mode: sdk.ReadOnly})
			t.same(r, s...)
			t.mine(r)
			t.health(r)
			t.verdicts(r, dry(t.purge(s[0].Tombstone)), sdk.OutcomePurged)
			t.closed(r)
			for name, content := range snapshot(dir) {
				switch old, there := before[name]; {
				case !there:
					t.Errorf("the file %s is new", name)
				case old != content:
					t.Errorf("the file %s was changed", name)
				}
			}
		}, needsFile),
	}
}

var needsFile = Need{"an archive that is a file: a URL with three slashes, and a target with more than one", func(t *Target) bool {
	return !t.Single && isFileURL(t.sampleURL)
}}

// isFileURL reports whether a URL names a file: it has no host.
func isFileURL(url string) bool { return schemeOf(url) != "" && strings.Contains(url, ":///") }

func schemeOf(url string) string {
	scheme, _, ok := strings.Cut(url, "://")
	if !ok {
		return ""
	}
	return scheme
}

// fileURL is the URL of a file of this name, with the ending that the target's
// archives have, in Options.Dir.
func (t *T) fileURL(name string) string {
	_, file, _ := strings.Cut(t.url, ":///")
	file, _, _ = strings.Cut(file, "?")
	return schemeOf(t.url) + ":///" + name + path.Ext(file)
}

// makeArchive makes an archive and returns its identity.
func (t *T) makeArchive(o sdk.Options) sdk.ID {
	o.Mode = sdk.Create
	b := t.open(o)
	id := t.health(b).Archive
	t.closed(b)
	return id
}

// finds checks that a URL names the archive with this identity.
func (t *T) finds(o sdk.Options, id sdk.ID) {
	o.Mode = sdk.ReadOnly
	b, err := t.tryOpen(t.ctx, o)
	if err != nil {
		t.Errorf("open %s in %s: %v, want the archive that was made there", o.URL, o.Dir, err)
		return
	}
	if got := t.health(b).Archive; got != id {
		t.Errorf("open %s in %s: the archive is %v, want %v", o.URL, o.Dir, got, id)
	}
}

// kindAt is kind for an error of opening a URL, of any of these kinds.
func (t *T) kindAt(url string, err error, kinds ...sdk.Kind) {
	if !slices.Contains(kinds, sdk.KindOf(err)) {
		if err == nil {
			t.Errorf("open %s: no error, want %v", sdk.RedactURL(url), kinds)
			return
		}
		t.Errorf("open %s: %v (%v), want %v", sdk.RedactURL(url), err, sdk.KindOf(err), kinds)
	}
}

func absoluteURL(t *T) {
	dir, other := t.TempDir(), t.TempDir()
	relative := t.fileURL("kit")
	_, name, _ := strings.Cut(relative, ":///")
	absolute := schemeOf(t.url) + ":///" + filepath.ToSlash(filepath.Join(dir, name))
	id := t.makeArchive(sdk.Options{URL: relative, Dir: dir})
	t.finds(sdk.Options{URL: absolute, Dir: other}, id)
	t.finds(sdk.Options{URL: relative, Dir: dir}, id)
	_, err := t.tryOpen(t.ctx, sdk.Options{URL: relative, Dir: other, Mode: sdk.ReadOnly})
	t.kindAt(relative+" in another directory", err, sdk.NoArchive)
}

// unknownOption opens the archive with an option in its URL that no backend has.
func unknownOption(t *T) {
	u, err := url.Parse(t.url)
	if err != nil {
		t.Skipf("a URL that can be parsed: %v", err)
	}
	const option = "codex_backendtest_no_such_option=1"
	if u.RawQuery != "" {
		u.RawQuery += "&"
	}
	u.RawQuery += option
	_, err = t.tryOpen(t.ctx, sdk.Options{URL: u.String(), Mode: sdk.ReadWrite})
	t.kindAt("the archive's URL with ?"+option, err, sdk.Unsupported, sdk.Invalid)
}

// snapshot returns the SHA-256 of each file of a directory.
func snapshot(dir string) map[string]sdk.Digest {
	files := map[string]sdk.Digest{}
	_ = filepath.WalkDir(dir, func(name string, d fs.DirEntry, err error) error {
		if err != nil || name == dir {
			return nil // it is gone
		}
		data, err := os.ReadFile(name)
		if err != nil {
			data = []byte(err.Error())
		}
		files[filepath.ToSlash(name[len(dir)+1:])] = digest(data)
		return nil
	})
	return files
}
