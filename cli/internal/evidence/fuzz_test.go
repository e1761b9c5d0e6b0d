package evidence

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"testing"
)

// FuzzLog takes any bytes as a log: reading them ends, and an append to them
// leaves a log whose end is intact.
func FuzzLog(f *testing.F) {
	r := archiveRecord("seed")
	line, err := r.MarshalJSON()
	if err != nil {
		f.Fatal(err)
	}
	f.Add([]byte{})
	f.Add(append(line, '\n'))
	f.Add(line)
	f.Add([]byte("\n\n{}\n{\"v\":1,\"seq\":9223372036854775807}\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		dir := t.TempDir()
		text = slices.Concat(line, []byte("\n"), text) // a log of ours, whatever follows
		path := filepath.Join(dir, FileName)
		if err := os.WriteFile(path, text, 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := Verify(path); err != nil {
			t.Fatal(err)
		}
		l := mustOpen(t, dir)
		mustAppend(t, l, archiveRecord("a"), archiveRecord("b"))
		var last, previous *Record
		for line, err := range Read(path) {
			if err != nil {
				t.Fatal(err)
			}
			previous = last
			if last, err = line.Record(); err != nil {
				last = nil
			}
		}
		if last == nil || previous == nil || last.Seq != previous.Seq+1 || last.Path != "b" {
			t.Fatalf("the end is %+v, %+v", previous, last)
		}
		whole := text[:bytes.LastIndexByte(text, '\n')+1]
		if now, err := os.ReadFile(path); err != nil || !bytes.HasPrefix(now, whole) {
			t.Fatalf("whole lines were changed: %v", err)
		}
	})
}
