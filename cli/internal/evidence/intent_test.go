package evidence

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/codex-archive/codex/cli/internal/filetest"
	"github.com/codex-archive/codex/sdk"
)

// intentsIn lists the files of intents.
func intentsIn(t *testing.T, dir string) []string {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(dir, pendingDir, "*"))
	if err != nil {
		t.Fatal(err)
	}
	return names
}

func wantIntents(t *testing.T, dir string, n int) {
	t.Helper()
	if names := intentsIn(t, dir); len(names) != n {
		t.Errorf("%d intents: %v", n, names)
	}
}

func mustBegin(t *testing.T, l *Log, n Intent) *PendingIntent {
	t.Helper()
	p, err := l.Begin(n)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func mustStale(t *testing.T, l *Log, want int) []*StaleIntent {
	t.Helper()
	stale, err := l.StaleIntents()
	if err != nil || len(stale) != want {
		t.Fatalf("%d stale, %v; want %d", len(stale), err, want)
	}
	return stale
}

func long(ago time.Duration) time.Time { return time.Now().Add(-ago) }

func all(sdk.ID) bool  { return true }
func none(sdk.ID) bool { return false }

func TestIntentThatIsDone(t *testing.T) {
	dir := t.TempDir()
	l := mustOpen(t, dir)
	r := archiveRecord("a")
	p := mustBegin(t, l, Intent{Backend: "sqlite", Records: []*Record{r}})
	if len(intentsIn(t, dir)) != 1 || r.ID.IsZero() || !r.Time.IsZero() {
		t.Fatalf("intents %v, id %s, time %v", intentsIn(t, dir), r.ID, r.Time)
	}
	mustStale(t, mustOpen(t, dir), 0) // its process runs
	mustAppend(t, l, r)
	if err := p.Done(); err != nil {
		t.Fatal(err)
	}
	wantIntents(t, dir, 0)
}

func TestCommittedIntentIsRecorded(t *testing.T) {
	dir := t.TempDir()
	l := mustOpen(t, dir)
	archive := sdk.ID{9}
	r := archiveRecord("caf\xe9")
	if err := mustBegin(t, l, Intent{Backend: "sqlite", Archive: archive, Records: []*Record{r}}).Release(); err != nil {
		t.Fatal(err)
	}
	l = mustOpen(t, dir)
	o := mustStale(t, l, 1)[0]
	mustStale(t, l, 0) // it is held
	if o.Intent.Archive != archive || o.Intent.Backend != "sqlite" || len(o.Events()) != 1 || o.Events()[0] != r.ID {
		t.Fatalf("intent: %+v", o.Intent)
	}
	if err := o.Resolve(all, Same); err != nil {
		t.Fatal(err)
	}
	got := intact(t, l)
	if len(got) != 1 || !got[0].Repaired || got[0].ID != r.ID || got[0].Path != "caf\xe9" || got[0].Time.IsZero() || got[0].Tombstone != r.Tombstone {
		t.Errorf("%+v", got)
	}
	wantIntents(t, dir, 0)
}

func TestIntentThatWasNotCommitted(t *testing.T) {
	for name, c := range map[string]struct {
		written time.Time
		left    int
	}{
		"may be committed yet": {time.Time{}, 1},
		"settled":              {long(2 * settle), 0},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			l := mustOpen(t, dir)
			p := mustBegin(t, l, Intent{Time: c.written, Records: []*Record{archiveRecord("a")}})
			if err := p.Release(); err != nil {
				t.Fatal(err)
			}
			if err := mustStale(t, l, 1)[0].Resolve(none, Same); err != nil {
				t.Fatal(err)
			}
			if len(intact(t, l)) != 0 || len(intentsIn(t, dir)) != c.left {
				t.Errorf("lines %v, intents %v", intact(t, l), intentsIn(t, dir))
			}
		})
	}
}

// A command that dies between its append and the removal of its intent, and one
// whose intent came back after a crash of the machine, are not recorded twice.
func TestIntentThatIsRecorded(t *testing.T) {
	dir := t.TempDir()
	l := mustOpen(t, dir)
	mustAppend(t, l, archiveRecord("before"))
	l = mustOpen(t, dir)
	committed, open := archiveRecord("a"), archiveRecord("b")
	for _, records := range [][]*Record{{committed}, {committed, open}} {
		if err := mustBegin(t, l, Intent{Records: records}).Release(); err != nil {
			t.Fatal(err)
		}
	}
	failed := *open
	failed.Status = Failed // says nothing about what the database holds
	mustAppend(t, l, committed, &failed)
	l = mustOpen(t, dir)
	o := mustStale(t, l, 1)[0]
	if ids := o.Events(); len(ids) != 1 || ids[0] != open.ID {
		t.Fatalf("asks about %v", ids)
	}
	if err := o.Resolve(all, Same); err != nil {
		t.Fatal(err)
	}
	if n := len(intact(t, l)); n != 4 || len(intentsIn(t, dir)) != 0 {
		t.Errorf("%d lines, intents %v", n, intentsIn(t, dir))
	}
}

// Only what was appended since the log was opened is searched for the records
// of an intent, and that from the beginning of a line.
func TestIntentSaysWhereToSearch(t *testing.T) {
	dir := t.TempDir()
	l := mustOpen(t, dir)
	mustAppend(t, l, archiveRecord("before"))
	info, err := os.Stat(l.Path())
	if err != nil {
		t.Fatal(err)
	}
	appendText(t, l.Path(), "torn")
	p := mustBegin(t, mustOpen(t, dir), Intent{Records: []*Record{archiveRecord("a")}})
	defer p.Done()
	text, err := os.ReadFile(intentsIn(t, dir)[0])
	var n intentFile
	if err == nil {
		err = json.Unmarshal(text, &n)
	}
	if err != nil || n.From < info.Size() || n.From > 2*info.Size() {
		t.Errorf("from %d, want the line after %d or the one after; %v", n.From, info.Size(), err)
	}
}

// Only what this program wrote is changed or removed.
func TestForeignFilesInPending(t *testing.T) {
	dir := t.TempDir()
	l := mustOpen(t, dir)
	p := mustBegin(t, l, Intent{Backend: "sqlite", Records: []*Record{archiveRecord("a")}})
	ours, err := os.ReadFile(p.path)
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Done(); err != nil {
		t.Fatal(err)
	}
	name := p.intent.Op.String() + ".json"
	for what, c := range map[string]struct{ name, text string }{
		"empty":          {name, ""},
		"half":           {name, string(ours[:50])},
		"other version":  {name, strings.Replace(string(ours), `"v":1`, `"v":2`, 1)},
		"other name":     {sdk.NewID().String() + ".json", string(ours)},
		"unknown field":  {name, strings.Replace(string(ours), `"op"`, `"x":1,"op"`, 1)},
		"no records":     {name, regexp.MustCompile(`"records":\[.*\]`).ReplaceAllString(string(ours), `"records":[]`)},
		"unknown action": {name, strings.Replace(string(ours), `"ARCHIVE"`, `"DELETE"`, 1)},
		"text behind":    {name, string(ours) + "precious"},
		"other file":     {"package.json", `{"v":1}`},
	} {
		t.Run(what, func(t *testing.T) {
			path := filepath.Join(dir, pendingDir, c.name)
			if err := os.WriteFile(path, []byte(c.text), 0o600); err != nil {
				t.Fatal(err)
			}
			stale, err := l.StaleIntents()
			if len(stale) != 0 || (err == nil) != (what == "other file") {
				t.Errorf("%d intents, %v", len(stale), err)
			}
			if text, err := os.ReadFile(path); err != nil || string(text) != c.text {
				t.Errorf("the file holds %q, %v", text, err)
			}
			os.Remove(path)
		})
	}
}

// An archive that was moved is asked about the events of an intent: it is the
// same if it has them, and maybe another if not.
func TestIntentOfMovedArchive(t *testing.T) {
	id, other, place, elsewhere := sdk.ID{1}, sdk.ID{2}, sdk.ID{3}, sdk.ID{4}
	for _, c := range []struct {
		intent    Intent
		archive   sdk.ID
		committed func(sdk.ID) bool
		match     Match
		left      int
	}{
		{Intent{Archive: id, Place: elsewhere}, id, none, Same, 0},
		{Intent{Archive: other, Place: place}, id, none, Other, 1},
		{Intent{Place: place}, id, none, Same, 0},
		{Intent{Place: elsewhere}, id, none, Unknown, 1},
		{Intent{Place: elsewhere}, sdk.ID{}, all, Unknown, 0},
	} {
		dir := t.TempDir()
		l := mustOpen(t, dir)
		c.intent.Time = long(2 * settle)
		c.intent.Records = []*Record{archiveRecord("a")}
		if err := mustBegin(t, l, c.intent).Release(); err != nil {
			t.Fatal(err)
		}
		s := mustStale(t, l, 1)[0]
		m := s.Intent.About(c.archive, place)
		if err := s.Resolve(c.committed, m); err != nil || m != c.match || len(intentsIn(t, dir)) != c.left {
			t.Errorf("%+v in %v: %v, %v, %d left", c.intent, c.archive, m, err, len(intentsIn(t, dir)))
		}
	}
}

// An identity goes into the intents that are pending, and into those that
// follow, in place: the files stay what they are otherwise.
func TestIdentify(t *testing.T) {
	dir := t.TempDir()
	l := mustOpen(t, dir)
	name := `a","archive":"b` // as no backend is called
	pending := []*PendingIntent{mustBegin(t, l, Intent{Backend: name, Records: []*Record{archiveRecord("a")}})}
	for range 2 {
		if err := l.Identify(sdk.ID{5}); err != nil {
			t.Fatal(err)
		}
		mustStale(t, l, 0) // it is locked
	}
	pending = append(pending, mustBegin(t, l, Intent{Backend: name, Records: []*Record{archiveRecord("b")}}))
	for _, p := range pending {
		if err := p.Release(); err != nil {
			t.Fatal(err)
		}
	}
	for _, s := range mustStale(t, l, 2) {
		if s.Intent.Archive != (sdk.ID{5}) || s.Intent.Backend != name || len(s.Intent.Records) != 1 {
			t.Errorf("%+v", s.Intent)
		}
		if err := s.Release(); err != nil {
			t.Error(err)
		}
	}
	wantIntents(t, dir, 2)
}

func TestForeignFileDoesNotHideIntents(t *testing.T) {
	dir := t.TempDir()
	l := mustOpen(t, dir)
	bad := filepath.Join(dir, pendingDir, sdk.ID{}.String()+".json")
	if err := os.WriteFile(bad, []byte("garbage\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := mustBegin(t, l, Intent{Records: []*Record{archiveRecord("a")}}).Release(); err != nil {
		t.Fatal(err)
	}
	stale, err := l.StaleIntents()
	if err == nil || !strings.Contains(err.Error(), bad) || len(stale) != 1 {
		t.Errorf("%d stale, %v", len(stale), err)
	}
}

// intentRole writes an intent, says so, and waits to be killed.
func intentRole(dir string) error {
	l, err := Open(dir)
	if err != nil {
		return err
	}
	if _, err := l.Begin(Intent{Backend: "sqlite", Records: []*Record{archiveRecord("killed")}}); err != nil {
		return err
	}
	fmt.Println("begun")
	select {}
}

func TestKilledProcess(t *testing.T) {
	dir := t.TempDir()
	cmd := filetest.Child(t, "intent", dir)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	if line, err := bufio.NewReader(out).ReadString('\n'); line != "begun\n" {
		t.Fatalf("%q, %v", line, err)
	}
	l := mustOpen(t, dir)
	mustStale(t, l, 0) // alive
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	cmd.Wait()
	o := mustStale(t, l, 1)[0]
	if err := o.Resolve(all, Same); err != nil {
		t.Fatal(err)
	}
	if got := intact(t, l); len(got) != 1 || got[0].Path != "killed" || !got[0].Repaired {
		t.Errorf("%+v", got)
	}
}

func TestIntentHoldsSpace(t *testing.T) {
	dir := t.TempDir()
	l := mustOpen(t, dir)
	var records []*Record
	for range 100 {
		records = append(records, archiveRecord("a/fairly/long/path/to/a/file.go"))
	}
	p := mustBegin(t, l, Intent{Records: records})
	lines, err := json.Marshal(records)
	if err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(intentsIn(t, dir)[0])
	if err != nil || info.Size()-p.used < int64(len(lines)) {
		t.Errorf("the intent holds %d bytes besides its %d, the records need %d; %v", info.Size()-p.used, p.used, len(lines), err)
	}
	if !l.releaseSpace() {
		t.Error("nothing released")
	}
	if info, err = os.Stat(intentsIn(t, dir)[0]); err != nil || info.Size() != p.used {
		t.Errorf("size after release %d, want %d; %v", info.Size(), p.used, err)
	}
	if err := p.Release(); err != nil {
		t.Fatal(err)
	}
	if n := len(mustStale(t, l, 1)[0].Intent.Records); n != 100 {
		t.Errorf("%d records read back", n)
	}
}
