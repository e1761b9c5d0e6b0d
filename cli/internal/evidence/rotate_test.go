package evidence

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/codex-archive/codex/sdk"
)

// newKey makes a pair of keys.
func newKey(t *testing.T) (*PrivateKey, *PublicKey) {
	t.Helper()
	dir := t.TempDir()
	private, public := filepath.Join(dir, "k.key"), filepath.Join(dir, "k.pub")
	if _, err := GenerateKey("example.com/log", private, public); err != nil {
		t.Fatal(err)
	}
	k, err := ReadPrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	p, err := ReadPublicKey(public)
	if err != nil {
		t.Fatal(err)
	}
	return k, p
}

func mustRotate(t *testing.T, l *Log, k *PrivateKey) Rotation {
	t.Helper()
	done, err := l.Rotate(k, &Record{Action: Rotate, Status: Success, Actor: "cron"})
	if err != nil {
		t.Fatal(err)
	}
	return done
}

func TestRotate(t *testing.T) {
	l := mustOpen(t, filepath.Join(t.TempDir(), "evidence"))
	k, public := newKey(t)
	if done := mustRotate(t, l, k); done.Closed != "" {
		t.Errorf("rotated nothing: %+v", done)
	}
	mustAppend(t, l, archiveRecord("a"), archiveRecord("b"))
	whole, err := os.ReadFile(l.Path())
	if err != nil {
		t.Fatal(err)
	}
	planned, err := NextRotation(l.Path())
	if err != nil {
		t.Fatal(err)
	}
	done := mustRotate(t, l, k)
	if done != planned || done.Closed != "archive_ops.000001.jsonl" || done.Tree.N != 2 {
		t.Errorf("%+v, planned %+v", done, planned)
	}
	if closed, err := os.ReadFile(filepath.Join(l.dir, done.Closed)); err != nil || !bytes.Equal(closed, whole) {
		t.Errorf("the closed part is %q, %v", closed, err)
	}
	signed, err := ReadNote(filepath.Join(l.dir, done.Checkpoint))
	if err != nil {
		t.Fatal(err)
	}
	if tree, more, err := public.OpenTree(signed); err != nil || tree != done.Tree || len(more) > 0 {
		t.Errorf("the checkpoint holds %v, %q, %v", tree, more, err)
	}
	if done := mustRotate(t, l, k); done.Closed != "" {
		t.Errorf("rotated a line ROTATE alone: %+v", done)
	}
	mustAppend(t, l, archiveRecord("c"))
	mustRotate(t, l, k)
	mustAppend(t, l, archiveRecord("d"))
	records := intact(t, l)
	if len(records) != 6 {
		t.Fatalf("%d records", len(records))
	}
	for i, want := range []Action{Archive, Archive, Rotate, Archive, Rotate, Archive} {
		if r := records[i]; r.Action != want || r.Seq != int64(i)+1 {
			t.Errorf("record %d is %s, seq %d", i, r.Action, r.Seq)
		}
	}
	if r := records[2]; r.Tree == nil || r.Tree.Lines != 2 || r.Tree.Root != done.Tree.Hash.String() || r.Tree.Closed != done.Closed || r.Tree.Key != k.Name() {
		t.Errorf("%+v", r.Tree)
	}
}

// What a kill leaves between two steps of a rotation is the old state: the next
// part is not begun, and lines are appended as before.
func TestRotationThatWasKilled(t *testing.T) {
	k, _ := newKey(t)
	for name, leave := range map[string]func(l *Log) error{
		"checkpoint": func(l *Log) error {
			return os.WriteFile(filepath.Join(l.dir, checkpointName(1)), []byte("half"), 0o600)
		},
		"link": func(l *Log) error { return os.Link(l.Path(), filepath.Join(l.dir, partName(1))) },
		"file": func(l *Log) error {
			return os.WriteFile(filepath.Join(l.dir, ".codex-temp-0123456789abcdef"), []byte("next"), 0o600)
		},
	} {
		t.Run(name, func(t *testing.T) {
			l := mustOpen(t, t.TempDir())
			mustAppend(t, l, archiveRecord("a"))
			if err := leave(l); err != nil {
				t.Fatal(err)
			}
			if got := intact(t, l); len(got) != 1 {
				t.Fatalf("%d records", len(got))
			}
			mustAppend(t, mustOpen(t, l.dir), archiveRecord("b"))
			if got := intact(t, l); len(got) != 2 || got[1].Seq != 2 {
				t.Fatalf("%+v", got)
			}
			if done := mustRotate(t, l, k); done.Closed != partName(1) || done.Tree.N != 2 {
				t.Errorf("%+v", done)
			}
			mustAppend(t, l, archiveRecord("c"))
			if got := intact(t, l); len(got) != 4 {
				t.Errorf("%d records", len(got))
			}
			if left, _ := filepath.Glob(filepath.Join(l.dir, ".codex-temp-*")); len(left) > 0 {
				t.Errorf("left over: %v", left)
			}
		})
	}
}

// The intent of a command that was killed is settled from the part that its line
// went to, also when the log was rotated since and has grown again.
func TestIntentAcrossRotations(t *testing.T) {
	k, _ := newKey(t)
	l := mustOpen(t, t.TempDir())
	for range 20 {
		mustAppend(t, l, archiveRecord("before"))
	}
	second := mustOpen(t, l.dir)
	r, lost := archiveRecord("a"), archiveRecord("lost")
	p := mustBegin(t, second, Intent{Records: []*Record{r, lost}, Time: long(settle * 2)})
	mustAppend(t, second, r)
	if err := p.Release(); err != nil { // as a kill does
		t.Fatal(err)
	}
	mustRotate(t, l, k)
	for range 40 {
		mustAppend(t, l, archiveRecord("after"))
	}
	stale := mustStale(t, mustOpen(t, l.dir), 1)
	if got := stale[0].Intent.Records; len(got) != 1 || got[0].ID != lost.ID {
		t.Fatalf("%d records are not in the log, want the one", len(got))
	}
	if err := stale[0].Resolve(all, Same); err != nil {
		t.Fatal(err)
	}
	if got := intact(t, l); got[len(got)-1].ID != lost.ID || !got[len(got)-1].Repaired {
		t.Errorf("the last line is %+v", got[len(got)-1])
	}
}

func TestPartsThatAreMissing(t *testing.T) {
	k, _ := newKey(t)
	rotated := func(t *testing.T) *Log {
		l := mustOpen(t, t.TempDir())
		for range 3 {
			mustAppend(t, l, archiveRecord("a"))
			mustRotate(t, l, k)
		}
		return l
	}
	for _, missing := range []string{partName(1), partName(2), FileName} {
		t.Run(missing, func(t *testing.T) {
			l := rotated(t)
			if err := os.Remove(filepath.Join(l.dir, missing)); err != nil {
				t.Fatal(err)
			}
			rep, err := Verify(l.Path())
			if err != nil || rep.Broken != 1 || !strings.Contains(rep.Why, missing+" is missing") {
				t.Errorf("%+v, %v", rep, err)
			}
		})
	}
	t.Run("the end goes on", func(t *testing.T) {
		l := rotated(t)
		if err := os.Remove(l.Path()); err != nil {
			t.Fatal(err)
		}
		mustAppend(t, l, archiveRecord("b"))
		rep, err := Verify(l.Path())
		if err != nil || rep.Broken != 1 || !strings.Contains(rep.Why, "line 1: a part begins with RECOVER") {
			t.Errorf("%+v, %v", rep, err)
		}
	})
}

// The tree is that of package tlog, whatever its size, and each of its hashes is
// where tlog looks for it.
func TestTree(t *testing.T) {
	all := newHashes()
	defer all.Close()
	grown := tree{keep: all.add}
	var stored []tlog.Hash
	reader := tlog.HashReaderFunc(func(indexes []int64) ([]tlog.Hash, error) {
		found := make([]tlog.Hash, len(indexes))
		for i, index := range indexes {
			found[i] = stored[index]
		}
		return found, nil
	})
	for n := range int64(70) {
		if want, err := tlog.TreeHash(n, reader); err != nil || n > 0 && grown.head().Hash != want {
			t.Fatalf("size %d: %v, want %v, %v", n, grown.head(), want, err)
		}
		more, err := tlog.StoredHashes(n, fmt.Append(nil, n), reader)
		if err != nil {
			t.Fatal(err)
		}
		stored = append(stored, more...)
		if err := grown.add(tlog.RecordHash(fmt.Append(nil, n))); err != nil {
			t.Fatal(err)
		}
	}
	if err := all.complete(); err != nil {
		t.Fatal(err)
	}
	for i, want := range stored {
		if got, err := all.ReadHashes([]int64{int64(i)}); err != nil || got[0] != want {
			t.Fatalf("hash %d is %v, %v", i, got, err)
		}
	}
}

func TestReceipts(t *testing.T) {
	k, public := newKey(t)
	_, other := newKey(t)
	for _, size := range []int{1, 2, 3, 7, 8, 13} {
		l := mustOpen(t, t.TempDir())
		records := map[string]*Record{}
		var seqs []int64
		for i := range size {
			if i == 4 {
				mustRotate(t, l, k)
			}
			r := archiveRecord(fmt.Sprint(i))
			r.Tombstone = sdk.NewID().String()
			mustAppend(t, l, r)
			records[r.Tombstone], seqs = r, append(seqs, r.Seq)
		}
		err := k.Receipts(l.Path(), seqs, func(r *Record, signed []byte) error {
			got, err := public.OpenReceipt(signed)
			if err != nil || got.Record.Tombstone != r.Tombstone || got.Index != records[r.Tombstone].Seq-1 {
				return fmt.Errorf("size %d: %+v, %w", size, got, err)
			}
			delete(records, r.Tombstone)
			if _, err := other.OpenReceipt(signed); err == nil {
				t.Error("another key opens it")
			}
			if _, err := public.OpenReceipt(bytes.Replace(signed, []byte("alice"), []byte("mallo"), 1)); err == nil {
				t.Error("a line was changed")
			}
			return nil
		})
		if err != nil || len(records) > 0 {
			t.Errorf("size %d: %d without a receipt, %v", size, len(records), err)
		}
	}
}

// A signed note whose line is not in its tree is no receipt.
func TestReceiptOfAnotherLine(t *testing.T) {
	k, public := newKey(t)
	l := mustOpen(t, t.TempDir())
	mustAppend(t, l, archiveRecord("a"), archiveRecord("b"))
	var c Checker
	var lines []string
	if err := c.Run(l.Path(), func(line Line) error { lines = append(lines, string(line.Raw)); return nil }); err != nil {
		t.Fatal(err)
	}
	proof := "proof " + tlog.RecordHash([]byte(lines[1])).String()
	for name, more := range map[string][]string{
		"right":       {receiptHead, "index 0", "line " + lines[0], proof},
		"other line":  {receiptHead, "index 0", "line " + lines[1], proof},
		"other index": {receiptHead, "index 1", "line " + lines[0], proof},
		"no proof":    {receiptHead, "index 0", "line " + lines[0]},
		"no index":    {receiptHead, "index", "line " + lines[0], proof},
		"checkpoint":  {},
	} {
		signed, err := k.SignTree(c.Tree(), more...)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := public.OpenReceipt(signed); (err == nil) != (name == "right") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestPrivateKeyIsPrivate(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "k.key")
	if _, err := GenerateKey("k", path, filepath.Join(dir, "k.pub")); err != nil {
		t.Fatal(err)
	}
	if _, err := GenerateKey("k", path, filepath.Join(dir, "other.pub")); !errors.Is(err, fs.ErrExist) {
		t.Errorf("replaced: %v", err)
	}
	if os.PathSeparator == '\\' {
		t.Skip("Windows has no modes")
	}
	for _, mode := range []fs.FileMode{0o640, 0o604, 0o620, 0o644} {
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
		if _, err := ReadPrivateKey(path); err == nil || !strings.Contains(err.Error(), fmt.Sprintf("%04o", mode)) {
			t.Errorf("mode %v: %v", mode, err)
		}
	}
	secret, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, secret[:len(secret)-9], 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(path, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := ReadPrivateKey(path); err == nil || strings.Contains(err.Error(), string(secret[:30])) {
		t.Errorf("a key that was cut: %v", err)
	}
	link := filepath.Join(dir, "link")
	if err := os.Symlink(path, link); err != nil {
		t.Fatal(err)
	}
	if _, err := ReadPrivateKey(link); err == nil {
		t.Error("a symbolic link was followed")
	}
}
