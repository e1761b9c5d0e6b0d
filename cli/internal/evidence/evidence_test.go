package evidence

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/codex-archive/codex/cli/internal/filetest"
	"github.com/codex-archive/codex/cli/internal/output"
	"github.com/codex-archive/codex/sdk"
)

// TestMain lets the test binary be the other process: see TestManyProcesses.
func TestMain(m *testing.M) {
	filetest.Main(m, map[string]func(dir string) error{
		"append": appendRole,
		"intent": intentRole,
	})
}

func mustOpen(t *testing.T, dir string) *Log {
	t.Helper()
	l, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func archiveRecord(path string) *Record {
	return &Record{
		Action: Archive, Actor: "alice", Backend: "sqlite", Duration: output.Millis(12345 * time.Microsecond), Status: Success,
		Tombstone: sdk.NewID().String(), Repo: "r", Path: path, Reason: "dead", SHA256: strings.Repeat("ab", 32), Codec: "zstd",
	}
}

func mustAppend(t *testing.T, l *Log, records ...*Record) {
	t.Helper()
	if err := l.Append(records...); err != nil {
		t.Fatal(err)
	}
}

// intact checks the chain and returns the records.
func intact(t *testing.T, l *Log) []*Record {
	t.Helper()
	rep, err := Verify(l.Path())
	if err != nil || rep.Broken != 0 || rep.Torn {
		t.Fatalf("verify: %+v, %v", rep, err)
	}
	var records []*Record
	for line, err := range Read(l.Path()) {
		if err != nil {
			t.Fatal(err)
		}
		r, err := line.Record()
		if err != nil {
			t.Fatal(err)
		}
		records = append(records, r)
	}
	if int64(len(records)) != rep.Lines {
		t.Fatalf("Read yields %d lines, Verify counts %d", len(records), rep.Lines)
	}
	return records
}

func TestLinesAreWhatTheContractSays(t *testing.T) {
	l := mustOpen(t, t.TempDir())
	at := time.Date(2025, 10, 17, 13, 22, 36, 123e6, time.UTC)
	id := sdk.ID{1, 2, 3}
	decompression, write := output.Millis(12300*time.Microsecond), output.Millis(5140*time.Microsecond)
	mustAppend(t, l, &Record{
		ID: id, Time: at, Action: Archive, Actor: "a<b>&c", Backend: "sqlite", Duration: output.Millis(245 * time.Millisecond), Status: Success,
		Tombstone: "8e3531b9", Repo: "r", Path: "caf\xe9.py", Reason: "dead", SHA256: "abc", Codec: "zstd",
	})
	mustAppend(t, l, &Record{
		ID: id, Time: at, Action: Restore, Actor: "user", Backend: "sqlite", Status: Success,
		Tombstone: "8e3531b9", Repo: "r", Path: "p", Output: "o.txt", Decompression: &decompression, Write: &write, Attempts: 1,
	})
	mustAppend(t, l, &Record{
		ID: id, Time: at, Action: Restore, Actor: "user", Backend: "sqlite", Status: Retrying, Attempt: 1, Reason: "Connection timeout",
	})
	mustAppend(t, l, &Record{
		ID: id, Time: at, Action: RestoreFail, Actor: "user", Backend: "postgres", Status: Failed, Tombstone: "8e35", Attempts: 3,
		Error: "no route", URL: "postgres://u:geheim@h/db",
	})
	mustAppend(t, l, &Record{
		ID: id, Time: at, Action: BatchComplete, Actor: "user", Backend: "sqlite", Status: Success,
		Batch: &Batch{Processed: 2, Succeeded: 1, Failed: 1, Total: output.Millis(246800 * time.Microsecond), ResultsFile: "b.json"},
	})
	mustAppend(t, l, &Record{ID: id, Time: at, Action: ArchiveFail, Actor: "user", Backend: "sqlite", Status: Retrying, Attempt: 2, Reason: "a://u:p@h"})
	mustAppend(t, l, &Record{ID: id, Time: at, Action: Restore, Backend: "sqlite", Status: Started, Output: "-", Bytes: 9, DBEvent: "skipped", Repaired: true})
	mustAppend(t, l, &Record{ID: id, Time: at, Action: Recover, Actor: "codex", Status: Success, Reason: "torn"})
	const head = `{"v":1,"id":"01020300-0000-0000-0000-000000000000","seq":%d,"ts":"2025-10-17T13:22:36.123Z",`
	want := []string{
		`"action":"ARCHIVE","actor":"a<b>&c","backend":"sqlite","duration_ms":245.0,"status":"success","prev":"%s","tombstone":"8e3531b9","repo":"r","path":"caf�.py","path_b64":"Y2Fm6S5weQ==","commit":"","reason":"dead","sha256":"abc","size":0,"compressed_size":0,"codec":"zstd"}`,
		`"action":"RESTORE","actor":"user","backend":"sqlite","duration_ms":0.0,"status":"success","prev":"%s","tombstone":"8e3531b9","repo":"r","path":"p","output":"o.txt","decompression_ms":12.3,"write_ms":5.1,"attempts":1}`,
		`"action":"RESTORE","actor":"user","backend":"sqlite","duration_ms":0.0,"status":"retrying","prev":"%s","tombstone":"","repo":"","path":"","output":"","attempt":1,"reason":"Connection timeout"}`,
		`"action":"RESTORE_FAIL","actor":"user","backend":"postgres","duration_ms":0.0,"status":"failed","prev":"%s","tombstone":"8e35","repo":"","path":"","output":"","attempts":3,"error":"no route","url":"postgres://u:***@h/db"}`,
		`"action":"BATCH_RESTORE_COMPLETE","actor":"user","backend":"sqlite","duration_ms":0.0,"status":"success","prev":"%s","items_processed":2,"succeeded":1,"failed":1,"skipped":0,"total_duration_ms":246.8,"results_file":"b.json"}`,
		`"action":"ARCHIVE_FAIL","actor":"user","backend":"sqlite","duration_ms":0.0,"status":"retrying","prev":"%s","tombstone":"","repo":"","path":"","commit":"","attempt":2,"reason":"a://u:***@h","sha256":"","size":0,"compressed_size":0,"codec":""}`,
		`"action":"RESTORE","actor":"","backend":"sqlite","duration_ms":0.0,"status":"started","prev":"%s","tombstone":"","repo":"","path":"","output":"-","db_event":"skipped","repaired":true,"bytes":9}`,
		`"action":"RECOVER","actor":"codex","backend":"","duration_ms":0.0,"status":"success","prev":"%s","reason":"torn","set_aside":"","bytes":0}`,
	}
	text, err := os.ReadFile(l.Path())
	if err != nil {
		t.Fatal(err)
	}
	prev := strings.Repeat("0", 64)
	for i, line := range strings.SplitAfter(strings.TrimSuffix(string(text), "\n"), "\n") {
		line = strings.TrimSuffix(line, "\n")
		if w := fmt.Sprintf(head+want[i], i+1, prev); line != w {
			t.Errorf("line %d:\n%s\nwant\n%s", i+1, line, w)
		}
		prev = hashLine([]byte(line)).String()
	}
	if got := intact(t, l); len(got) != len(want) || got[0].Path != "caf\xe9.py" || *got[1].Write != output.Millis(5100*time.Microsecond) {
		t.Errorf("read back: %+v", got)
	}
}

func TestRecordSurvivesReading(t *testing.T) {
	for _, r := range []*Record{
		archiveRecord("x/\xff\xfe \"q\"\n"),
		{ID: sdk.NewID(), Action: Recover, SetAside: "archive_ops.torn-1", Bytes: 7, Reason: "why", Status: Success},
		{ID: sdk.NewID(), Action: BatchComplete, Batch: &Batch{Processed: 3, Skipped: 3, ResultsFile: "r"}, Status: Failed},
		{ID: sdk.NewID(), Action: RestoreFail, Output: "\xf0", Attempts: 2, Error: "e", DBEvent: "skipped", Repaired: true},
	} {
		r.complete(time.Now())
		r.Duration = output.Millis(time.Duration(r.Duration).Round(100 * time.Microsecond))
		text, err := json.Marshal(r)
		if err != nil {
			t.Fatal(err)
		}
		var back Record
		if err := json.Unmarshal(text, &back); err != nil {
			t.Fatal(err)
		}
		again, _ := json.Marshal(&back)
		if !bytes.Equal(text, again) || back.Path != r.Path || back.Output != r.Output {
			t.Errorf("%s became\n%s", text, again)
		}
	}
}

func TestLongTextsAreCut(t *testing.T) {
	l := mustOpen(t, t.TempDir())
	r := archiveRecord(strings.Repeat("\x01", 1<<20))
	r.Actor, r.Reason = strings.Repeat("\x02", 1<<20), strings.Repeat("é", 1<<20)
	mustAppend(t, l, r)
	mustAppend(t, l, archiveRecord("next"))
	if got := intact(t, l); got[1].Seq != 2 {
		t.Errorf("seq after a long line: %d", got[1].Seq)
	}
}

func appendRole(dir string) error {
	l, err := Open(dir)
	if err != nil {
		return err
	}
	for range 5 {
		if err := l.Append(archiveRecord("a"), archiveRecord("b")); err != nil {
			return err
		}
	}
	return nil
}

func TestManyProcesses(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "evidence")
	const processes = 50
	var wg sync.WaitGroup
	for range processes {
		cmd := filetest.Child(t, "append", dir)
		wg.Go(func() {
			if out, err := cmd.CombinedOutput(); err != nil {
				t.Errorf("%v: %s", err, out)
			}
		})
	}
	wg.Wait()
	l := mustOpen(t, dir)
	if n := len(intact(t, l)); n != processes*5*2 {
		t.Errorf("%d lines, want %d", n, processes*5*2)
	}
}

func TestManyGoroutines(t *testing.T) {
	l := mustOpen(t, t.TempDir())
	var wg sync.WaitGroup
	for range 32 {
		wg.Go(func() {
			for range 5 {
				if err := l.Append(archiveRecord("a")); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	if n := len(intact(t, l)); n != 32*5 {
		t.Errorf("%d lines", n)
	}
}

func TestTornTail(t *testing.T) {
	for name, torn := range map[string]string{
		"half a line":   `{"v":1,"id":"0102`,
		"zeros":         strings.Repeat("\x00", 5000),
		"long":          strings.Repeat("x", 2<<20),
		"whole but end": `{"v":1,"seq":9}`,
	} {
		for _, lines := range []int{0, 3} {
			if lines == 0 && !strings.HasPrefix(torn, lineHead) && strings.Trim(torn, "\x00") != "" {
				continue // what is no line of ours from its first byte is left alone
			}
			t.Run(fmt.Sprintf("%s after %d", name, lines), func(t *testing.T) {
				dir := t.TempDir()
				l := mustOpen(t, dir)
				for range lines {
					mustAppend(t, l, archiveRecord("a"))
				}
				appendText(t, l.Path(), torn)
				l = mustOpen(t, dir)
				mustAppend(t, l, archiveRecord("b"))
				got := intact(t, l)
				if len(got) != lines+2 {
					t.Fatalf("%d lines", len(got))
				}
				rec := got[lines]
				if rec.Action != Recover || rec.Bytes != int64(len(torn)) || rec.Reason == "" {
					t.Errorf("recover: %+v", rec)
				}
				aside, err := os.ReadFile(filepath.Join(dir, rec.SetAside))
				if err != nil || string(aside) != torn {
					t.Errorf("set aside: %.20q, %v", aside, err)
				}
			})
		}
	}
}

func appendText(t *testing.T, path, text string) {
	t.Helper()
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_APPEND, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := f.WriteString(text); err != nil {
		t.Fatal(err)
	}
}

// A torn line that appears while a process has the log open is set aside
// by its next append.
func TestTornTailAtAppend(t *testing.T) {
	l := mustOpen(t, t.TempDir())
	mustAppend(t, l, archiveRecord("a"))
	appendText(t, l.Path(), "torn")
	mustAppend(t, l, archiveRecord("b"))
	if got := intact(t, l); len(got) != 3 || got[1].Action != Recover {
		t.Errorf("%+v", got)
	}
}

func TestGarbageLastLine(t *testing.T) {
	for name, garbage := range map[string]string{
		"text": "hello\n", "empty": "\n", "json": "[1]\n", "no seq": "{\"v\":1}\n", "long": strings.Repeat("y", 2<<20) + "\n",
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			l := mustOpen(t, dir)
			mustAppend(t, l, archiveRecord("a"), archiveRecord("b"))
			appendText(t, l.Path(), garbage)
			mustAppend(t, mustOpen(t, dir), archiveRecord("c"))
			rep, err := Verify(l.Path())
			if err != nil || rep.Broken != 3 {
				t.Errorf("verify names line %d (%s), %v; want 3", rep.Broken, rep.Why, err)
			}
			var records []*Record
			for line, err := range Read(l.Path()) {
				if err != nil {
					t.Fatal(err)
				}
				if r, err := line.Record(); err == nil {
					records = append(records, r)
				}
			}
			last := records[len(records)-2:]
			if last[0].Action != Recover || last[0].Seq != 4 || last[0].Prev != hashLine([]byte(strings.TrimSuffix(garbage, "\n"))) || last[1].Seq != 5 {
				t.Errorf("after garbage: %+v", last)
			}
		})
	}
}

// verifyText checks the chain of a log with this text.
func verifyText(t *testing.T, text []byte) (Report, error) {
	t.Helper()
	path := filepath.Join(t.TempDir(), FileName)
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
	return Verify(path)
}

func TestVerifyNamesTheFirstBrokenLine(t *testing.T) {
	l := mustOpen(t, t.TempDir())
	for range 5 {
		mustAppend(t, l, archiveRecord("a"))
	}
	text, err := os.ReadFile(l.Path())
	if err != nil {
		t.Fatal(err)
	}
	lines := bytes.SplitAfter(text, []byte("\n"))
	for name, c := range map[string]struct {
		text []byte
		want int64
	}{
		"changed":   {bytes.Replace(text, []byte("alice"), []byte("mallo"), 1), 2},
		"removed":   {bytes.Join([][]byte{lines[0], lines[2], lines[3]}, nil), 2},
		"swapped":   {bytes.Join([][]byte{lines[0], lines[2], lines[1]}, nil), 2},
		"beginning": {bytes.Join(lines[1:], nil), 1},
		"none":      {text, 0},
	} {
		rep, err := verifyText(t, c.text)
		if err != nil || rep.Broken != c.want || (c.want > 0) != strings.Contains(rep.Why, fmt.Sprintf("line %d", c.want)) {
			t.Errorf("%s: %+v, %v; want line %d", name, rep, err, c.want)
		}
	}
	rep, err := verifyText(t, append(text, "torn"...))
	if err != nil || !rep.Torn || rep.Broken != 0 || rep.Lines != 5 {
		t.Errorf("torn: %+v, %v", rep, err)
	}
}

func TestReportSaysWhatWasChecked(t *testing.T) {
	dir := t.TempDir()
	l := mustOpen(t, dir)
	rep, err := Verify(l.Path())
	if err != nil || !strings.Contains(rep.Checked(), "no lines") || !strings.Contains(rep.NotChecked(), "deleted") {
		t.Errorf("%+v, %v", rep, err)
	}
	mustAppend(t, l, archiveRecord("a"))
	rep, err = Verify(l.Path())
	if err != nil || !strings.Contains(rep.NotChecked(), "cut off") {
		t.Errorf("%+v, %v", rep, err)
	}
}

// Only a success that the archive was told has an event there, and the line then
// names the archive.
func TestLinesNameTheArchiveOfTheirEvent(t *testing.T) {
	l := mustOpen(t, t.TempDir())
	archive := sdk.NewID()
	if err := l.Identify(archive); err != nil {
		t.Fatal(err)
	}
	restore := &Record{Action: Restore, Status: Success}
	skipped, failed, started := *restore, *restore, *restore
	skipped.DBEvent, failed.Action, failed.Status, started.Status = "skipped", RestoreFail, Failed, Started
	mustAppend(t, l, archiveRecord("a"), restore, &skipped, &failed, &started, &Record{Action: BatchComplete, Status: Success})
	for i, r := range intact(t, l) {
		if named := r.Archive == archive; named != (i < 2) || !named && !r.Archive.IsZero() {
			t.Errorf("line %d: %+v", i+1, r)
		}
	}
}

func TestUnusableLog(t *testing.T) {
	make := map[string]func(path string) error{
		"symbolic link": func(p string) error { return os.Symlink(filepath.Join(filepath.Dir(p), "elsewhere"), p) },
		"directory":     func(p string) error { return os.Mkdir(p, 0o700) },
		"pipe":          filetest.Mkfifo,
	}
	for _, file := range []string{FileName, lockName} {
		for what, make := range make {
			t.Run(what+" as "+file, func(t *testing.T) {
				dir := t.TempDir()
				if err := make(filepath.Join(dir, file)); err != nil {
					t.Skip("this system cannot make one:", err)
				}
				if _, err := Open(dir); err == nil || !strings.Contains(err.Error(), "is a "+what) || !strings.Contains(err.Error(), file) {
					t.Errorf("error: %v", err)
				}
			})
		}
	}
	t.Run("symbolic link that is put there later", func(t *testing.T) {
		dir := t.TempDir()
		l := mustOpen(t, dir)
		target := filepath.Join(t.TempDir(), "target")
		if err := errors.Join(os.Remove(l.Path()), os.WriteFile(target, nil, 0o600), os.Symlink(target, l.Path())); err != nil {
			t.Skip(err)
		}
		if err := l.Append(archiveRecord("a")); err == nil {
			t.Error("appended through a symbolic link")
		}
		if text, _ := os.ReadFile(target); len(text) > 0 {
			t.Errorf("the target holds %q", text)
		}
	})
	t.Run("file as directory", func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "f")
		if err := os.WriteFile(path, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := Open(path); err == nil {
			t.Error("opened")
		}
	})
}

func TestModes(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "a", "evidence")
	l := mustOpen(t, dir)
	mustAppend(t, l, archiveRecord("a"))
	if os.PathSeparator == '\\' {
		t.Skip("Windows has no modes")
	}
	for path, want := range map[string]os.FileMode{
		dir: 0o700, filepath.Join(dir, pendingDir): 0o700, l.Path(): 0o600, filepath.Join(dir, lockName): 0o600,
	} {
		if info, err := os.Stat(path); err != nil || info.Mode().Perm() != want {
			t.Errorf("%s: %v, %v; want %v", path, info.Mode(), err, want)
		}
	}
}

// A log that was moved away, as by logrotate, starts anew.
func TestRotatedLog(t *testing.T) {
	l := mustOpen(t, t.TempDir())
	mustAppend(t, l, archiveRecord("a"))
	if err := os.Rename(l.Path(), l.Path()+".1"); err != nil {
		t.Fatal(err)
	}
	mustAppend(t, l, archiveRecord("b"))
	if got := intact(t, l); len(got) != 1 || got[0].Seq != 1 || got[0].Path != "b" {
		t.Errorf("%+v", got)
	}
}
