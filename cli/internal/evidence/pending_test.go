package evidence

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/codex-archive/codex/sdk"
)

// notesIn lists the files of notes.
func notesIn(t *testing.T, dir string) []string {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(dir, pendingDir, "*"))
	if err != nil {
		t.Fatal(err)
	}
	return names
}

func mustNote(t *testing.T, l *Log, n Intent) *PendingIntent {
	t.Helper()
	p, err := l.Begin(n)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func mustOrphans(t *testing.T, l *Log, want int) []*StaleIntent {
	t.Helper()
	orphans, err := l.StaleIntents()
	if err != nil || len(orphans) != want {
		t.Fatalf("%d orphans, %v; want %d", len(orphans), err, want)
	}
	return orphans
}

func long(ago time.Duration) time.Time { return time.Now().Add(-ago) }

func all(sdk.ID) bool  { return true }
func none(sdk.ID) bool { return false }

func TestNoteThatIsDone(t *testing.T) {
	dir := t.TempDir()
	l := mustOpen(t, dir)
	r := archiveRecord("a")
	p := mustNote(t, l, Intent{Backend: "sqlite", Records: []*Record{r}})
	if len(notesIn(t, dir)) != 1 || r.ID.IsZero() || !r.Time.IsZero() {
		t.Fatalf("notes %v, id %s, time %v", notesIn(t, dir), r.ID, r.Time)
	}
	mustOrphans(t, mustOpen(t, dir), 0) // its owner lives
	mustAppend(t, l, r)
	if err := p.Done(); err != nil {
		t.Fatal(err)
	}
	if names := notesIn(t, dir); len(names) != 0 {
		t.Errorf("left: %v", names)
	}
}

func TestOrphanThatStandsIsRepaired(t *testing.T) {
	dir := t.TempDir()
	l := mustOpen(t, dir)
	archive := sdk.ID{9}
	r := archiveRecord("caf\xe9")
	if err := mustNote(t, l, Intent{Backend: "sqlite", Archive: archive, Records: []*Record{r}}).Release(); err != nil {
		t.Fatal(err)
	}
	l = mustOpen(t, dir)
	o := mustOrphans(t, l, 1)[0]
	mustOrphans(t, l, 0) // it is held
	if o.Note.Archive != archive || o.Note.Backend != "sqlite" || len(o.Events()) != 1 || o.Events()[0] != r.ID {
		t.Fatalf("note: %+v", o.Note)
	}
	if err := o.Resolve(all); err != nil {
		t.Fatal(err)
	}
	got := intact(t, l)
	if len(got) != 1 || !got[0].Repaired || got[0].ID != r.ID || got[0].Path != "caf\xe9" || got[0].Time.IsZero() || got[0].Tombstone != r.Tombstone {
		t.Errorf("%+v", got)
	}
	if names := notesIn(t, dir); len(names) != 0 {
		t.Errorf("left: %v", names)
	}
}

func TestOrphanThatDoesNotStand(t *testing.T) {
	for name, c := range map[string]struct {
		written time.Time
		left    int
	}{
		"may still be committed": {time.Time{}, 1},
		"settled":                {long(2 * settle), 0},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			l := mustOpen(t, dir)
			p := mustNote(t, l, Intent{Time: c.written, Records: []*Record{archiveRecord("a")}})
			if err := p.Release(); err != nil {
				t.Fatal(err)
			}
			if err := mustOrphans(t, l, 1)[0].Resolve(none); err != nil {
				t.Fatal(err)
			}
			if len(intact(t, l)) != 0 || len(notesIn(t, dir)) != c.left {
				t.Errorf("lines %v, notes %v", intact(t, l), notesIn(t, dir))
			}
		})
	}
}

// A command that dies between its append and the removal of its note, and one
// whose note came back after a crash of the machine, are not recorded twice.
func TestOrphanThatIsRecorded(t *testing.T) {
	dir := t.TempDir()
	l := mustOpen(t, dir)
	mustAppend(t, l, archiveRecord("before"))
	l = mustOpen(t, dir)
	stands, open := archiveRecord("a"), archiveRecord("b")
	for _, records := range [][]*Record{{stands}, {stands, open}} {
		if err := mustNote(t, l, Intent{Records: records}).Release(); err != nil {
			t.Fatal(err)
		}
	}
	failed := *open
	failed.Status = Failed // says nothing about what the database holds
	mustAppend(t, l, stands, &failed)
	l = mustOpen(t, dir)
	o := mustOrphans(t, l, 1)[0]
	if ids := o.Events(); len(ids) != 1 || ids[0] != open.ID {
		t.Fatalf("asks about %v", ids)
	}
	if err := o.Resolve(all); err != nil {
		t.Fatal(err)
	}
	if n := len(intact(t, l)); n != 4 || len(notesIn(t, dir)) != 0 {
		t.Errorf("%d lines, notes %v", n, notesIn(t, dir))
	}
}

// Only what was appended since the log was opened is searched for the records
// of a note, and that from the beginning of a line.
func TestNoteSaysWhereToSearch(t *testing.T) {
	dir := t.TempDir()
	l := mustOpen(t, dir)
	mustAppend(t, l, archiveRecord("before"))
	info, err := os.Stat(l.Path())
	if err != nil {
		t.Fatal(err)
	}
	appendText(t, l.Path(), "torn")
	p := mustNote(t, mustOpen(t, dir), Intent{Records: []*Record{archiveRecord("a")}})
	defer p.Done()
	text, err := os.ReadFile(notesIn(t, dir)[0])
	var n noteFile
	if err == nil {
		err = json.Unmarshal(text, &n)
	}
	if err != nil || n.From < info.Size() || n.From > 2*info.Size() {
		t.Errorf("from %d, want the line after %d or the one after; %v", n.From, info.Size(), err)
	}
}

func TestUnfinishedNoteIsDropped(t *testing.T) {
	dir := t.TempDir()
	l := mustOpen(t, dir)
	for i, text := range []string{"", `{"v":1,"op"`} {
		if err := os.WriteFile(filepath.Join(dir, pendingDir, fmt.Sprintf("%d.json", i)), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	mustOrphans(t, l, 0)
	if names := notesIn(t, dir); len(names) != 0 {
		t.Errorf("left: %v", names)
	}
}

func TestUnreadableNoteDoesNotHideOthers(t *testing.T) {
	dir := t.TempDir()
	l := mustOpen(t, dir)
	bad := filepath.Join(dir, pendingDir, "0bad.json")
	if err := os.WriteFile(bad, []byte("garbage\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := mustNote(t, l, Intent{Records: []*Record{archiveRecord("a")}}).Release(); err != nil {
		t.Fatal(err)
	}
	orphans, err := l.StaleIntents()
	if err == nil || !strings.Contains(err.Error(), bad) || len(orphans) != 1 {
		t.Errorf("%d orphans, %v", len(orphans), err)
	}
}

// noteRole notes, says so, and waits to be killed.
func noteRole(dir string) error {
	l, err := Open(dir)
	if err != nil {
		return err
	}
	if _, err := l.Begin(Intent{Backend: "sqlite", Records: []*Record{archiveRecord("killed")}}); err != nil {
		return err
	}
	fmt.Println("noted")
	select {}
}

func TestKilledOwner(t *testing.T) {
	dir := t.TempDir()
	cmd := child(t, "note", dir)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	if line, err := bufio.NewReader(out).ReadString('\n'); line != "noted\n" {
		t.Fatalf("%q, %v", line, err)
	}
	l := mustOpen(t, dir)
	mustOrphans(t, l, 0) // alive
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	cmd.Wait()
	o := mustOrphans(t, l, 1)[0]
	if err := o.Resolve(all); err != nil {
		t.Fatal(err)
	}
	if got := intact(t, l); len(got) != 1 || got[0].Path != "killed" || !got[0].Repaired {
		t.Errorf("%+v", got)
	}
}

func TestNoteHoldsSpace(t *testing.T) {
	dir := t.TempDir()
	l := mustOpen(t, dir)
	var records []*Record
	for range 100 {
		records = append(records, archiveRecord("a/fairly/long/path/to/a/file.go"))
	}
	p := mustNote(t, l, Intent{Records: records})
	lines, err := json.Marshal(records)
	if err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(notesIn(t, dir)[0])
	if err != nil || info.Size()-p.used < int64(len(lines)) {
		t.Errorf("the note holds %d bytes besides its %d, the records need %d; %v", info.Size()-p.used, p.used, len(lines), err)
	}
	if !l.releaseSpace() {
		t.Error("nothing released")
	}
	if info, err = os.Stat(notesIn(t, dir)[0]); err != nil || info.Size() != p.used {
		t.Errorf("size after release %d, want %d; %v", info.Size(), p.used, err)
	}
	if err := p.Release(); err != nil {
		t.Fatal(err)
	}
	if n := len(mustOrphans(t, l, 1)[0].Note.Records); n != 100 {
		t.Errorf("%d records read back", n)
	}
}
