package logging_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"

	"github.com/codex-archive/codex/cli/internal/logging"
	"github.com/codex-archive/codex/sdk"
)

var update = flag.Bool("update", false, "write the golden files anew")

// clock is 13:22:36.123 in UTC, seen from elsewhere.
func clock() time.Time {
	return time.Date(2025, 10, 17, 15, 22, 36, 123_900_000, time.FixedZone("", 2*60*60))
}

func newLogger(t *testing.T, o logging.Options) (hclog.InterceptLogger, io.Closer) {
	t.Helper()
	o.Now = clock
	logger, closer, err := logging.New(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { closer.Close() })
	return logger, closer
}

type stamp struct{}

func (stamp) String() string { return "8e3531b9" }

// logEverything logs a line for each thing that can be in one.
func logEverything(l hclog.Logger) {
	l.Debug("Backend validation: OK")
	l.Info("Restore completed in 245.0ms")
	l.Info("Restore completed", "action", "RESTORE", "actor", "user", "tombstone", stamp{}, "duration_ms", 245, "backend", "sqlite")
	l.Warn("durations", "wait", 1500*time.Microsecond, "write_ms", 5.149, "duration_ms", 2*time.Second, "x_ms", "soon")
	l.Error("Restore failed: Tombstone not found", "error", errors.New("get: not found"))
	l.Info("values", "bool", true, "nil", nil, "int", -3, "big", uint64(math.MaxUint64), "float", 0.25, "large", 1e21,
		"nan", math.NaN(), "list", []string{"a b", "c"}, "empty", "", "bytes", []byte("raw"), "time", clock(),
		"struct", struct{ A int }{1}, "fmt", hclog.Fmt("%d/%s", 1, "x"), "hex", hclog.Hex(255))
	l.Info("a \"quoted\" word, back\\slash, Grüße, 日本 <&>", "equals", "a=b", "quote", `say "hi"`, "path", `C:\x`)
	l.Info("two\nlines\x1b[31m red\x00\u202e \xff end", "value", "tab\there\r\n\x1b[0m\u0085")
	l.Info("keys", "a b", 1, "same", 1, "other", 2, "same", 3, "ts", "fake", "level", "fake", "odd")
	l.With("run", 7).Info("implied", "own", 1)
	l.Named("codex-archive-sqlite").Warn("slow", "ms", 3)
	l.Error("panic: boom", "stack", "goroutine 7 [running]:\nmain.main()\n /src/main.go:3 +0x1d\n[2025-10-17T13:22:36.123Z] INFO a line that \x1b[31mpretends", "method", "health")
	l.Named("/usr/libexec/codex/codex-archive-acme.exe").Info("vendor")
	l.Info("for programs", "action", logging.JSONOnly{Value: "RESTORE"}, "n", 1, "wait", logging.JSONOnly{Value: time.Second})
	l.Log(hclog.NoLevel, "no level")
	l.Trace("never shown")
}

func TestGolden(t *testing.T) {
	for _, format := range []string{"text", "json"} {
		t.Run(format, func(t *testing.T) {
			var out bytes.Buffer
			l, _ := newLogger(t, logging.Options{Level: "debug", Format: format, Stderr: &out})
			logEverything(l)
			golden := filepath.Join("testdata", "lines."+format)
			if *update {
				if err := os.WriteFile(golden, out.Bytes(), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if out.String() != string(want) {
				t.Errorf("got\n%s\nwant\n%s", out.String(), want)
			}
		})
	}
}

func TestJSONLinesParse(t *testing.T) {
	var out bytes.Buffer
	l, _ := newLogger(t, logging.Options{Level: "debug", Format: "json", Stderr: &out})
	logEverything(l)
	for line := range strings.Lines(out.String()) {
		if !strings.HasPrefix(line, `{"ts":"2025-10-17T13:22:36.123Z","level":"`) {
			t.Errorf("begins otherwise: %s", line)
		}
		decoder := json.NewDecoder(strings.NewReader(line))
		seen := map[string]bool{}
		for depth := 0; ; {
			token, err := decoder.Token()
			if err == io.EOF {
				break
			}
			if err != nil {
				t.Fatalf("%s: %v", line, err)
			}
			if d, ok := token.(json.Delim); ok {
				depth += map[json.Delim]int{'{': 1, '[': 1, '}': -1, ']': -1}[d]
				continue
			}
			if key, ok := token.(string); ok && depth == 1 {
				if seen[key] {
					t.Errorf("%q twice in %s", key, line)
				}
				seen[key] = true
				if _, err := decodeValue(decoder); err != nil {
					t.Fatalf("%s: %v", line, err)
				}
			}
		}
	}
}

func decodeValue(d *json.Decoder) (any, error) {
	var v any
	err := d.Decode(&v)
	return v, err
}

func TestLevels(t *testing.T) {
	levels := []string{"debug", "info", "warn", "error"}
	for i, level := range levels {
		var out bytes.Buffer
		l, _ := newLogger(t, logging.Options{Level: level, Format: "text", Stderr: &out})
		l.Trace("trace")
		l.Debug("debug")
		l.Info("info")
		l.Warn("warn")
		l.Error("error")
		var got []string
		for line := range strings.Lines(out.String()) {
			got = append(got, strings.TrimSpace(line[strings.LastIndexByte(line, ' '):]))
		}
		if want := levels[i:]; fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("%s: got %v, want %v", level, got, want)
		}
		if l.IsDebug() != (level == "debug") {
			t.Errorf("%s: IsDebug() = %v", level, l.IsDebug())
		}
	}
}

func TestRefused(t *testing.T) {
	dir := t.TempDir()
	for _, o := range []logging.Options{
		{Level: "loud"}, {Level: "trace"}, {Level: "off"}, {Format: "xml"}, {File: dir}, {File: filepath.Join(os.DevNull, "x")},
	} {
		if _, _, err := logging.New(o); err == nil {
			t.Errorf("New(%+v) succeeded", o)
		} else if o.File != "" && strings.Count(err.Error(), o.File) != 1 {
			t.Errorf("New(%+v): the file is not named once: %v", o, err)
		} else if strings.Contains(err.Error(), "\n") {
			t.Errorf("New(%+v): more than one line: %v", o, err)
		}
	}
}

func TestAutoIsJSONWithoutTerminal(t *testing.T) {
	reader, writer, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer reader.Close()
	l, _ := newLogger(t, logging.Options{Format: "auto", Stderr: writer})
	l.Info("hello")
	writer.Close()
	got, err := io.ReadAll(reader)
	if err != nil {
		t.Fatal(err)
	}
	if want := `{"ts":"2025-10-17T13:22:36.123Z","level":"info","msg":"hello"}` + "\n"; string(got) != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestFileGetsTheSameLines(t *testing.T) {
	path := filepath.Join(t.TempDir(), "new", "dir", "x.log")
	var first, second bytes.Buffer
	l, closer := newLogger(t, logging.Options{Level: "debug", Format: "text", Stderr: &first, File: path})
	logEverything(l)
	if err := closer.Close(); err != nil {
		t.Fatal(err)
	}
	if err := closer.Close(); err != nil {
		t.Errorf("second Close: %v", err)
	}
	mark := first.Len()
	l.Info("after Close")
	if first.Len() == mark {
		t.Error("after Close nothing reaches stderr")
	}
	l, _ = newLogger(t, logging.Options{Format: "json", Stderr: &second, File: path})
	l.Info("again")
	got, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if want := first.String()[:mark] + second.String(); string(got) != want {
		t.Errorf("file has\n%s\nwant\n%s", got, want)
	}
}

func TestScrub(t *testing.T) {
	const secret = "s3cr/t p@ss"
	path := filepath.Join(t.TempDir(), "x.log")
	for _, format := range []string{"text", "json"} {
		var out bytes.Buffer
		scrub := func(s string) string { return sdk.Scrub(s, "postgres://u:"+secret+"@h/db") }
		l, _ := newLogger(t, logging.Options{Format: format, Stderr: &out, File: path, Scrub: scrub})
		l = l.With("implied", secret).(hclog.InterceptLogger)
		l.Error("cannot log in as "+secret, "error", errors.New(secret), "list", []string{"x", secret},
			secret, 1, "bytes", []byte(secret), "fmt", hclog.Fmt("%s", secret), "struct", struct{ P string }{secret}, secret)
		l.Named(secret).Info("named")
		file, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for _, text := range []string{out.String(), string(file)} {
			if strings.Contains(text, "s3cr") || strings.Contains(text, "p@ss") || strings.Count(text, "***") < 11 {
				t.Errorf("%s: %s", format, text)
			}
		}
	}
}

// oneWrite fails the test if a line does not arrive in one piece.
type oneWrite struct {
	t     *testing.T
	mu    sync.Mutex
	lines int
}

func (w *oneWrite) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if bytes.Count(p, []byte("\n")) != 1 || p[len(p)-1] != '\n' {
		w.t.Errorf("one Write of %q", p)
	}
	w.lines++
	return len(p), nil
}

func TestConcurrent(t *testing.T) {
	const writers, lines = 8, 200
	path := filepath.Join(t.TempDir(), "x.log")
	w := &oneWrite{t: t}
	// Two loggers take the part of two processes that share a file.
	a, _ := newLogger(t, logging.Options{Format: "json", Stderr: w, File: path})
	b, _ := newLogger(t, logging.Options{Format: "json", Stderr: w, File: path})
	var wait sync.WaitGroup
	for i := range writers {
		l := []hclog.Logger{a, b}[i%2].Named("plugin")
		wait.Go(func() {
			for n := range lines {
				l.Info("line", "writer", i, "n", n, "fill", strings.Repeat("x", n))
			}
		})
	}
	wait.Wait()
	if w.lines != writers*lines {
		t.Errorf("%d lines on stderr, want %d", w.lines, writers*lines)
	}
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	next := map[float64]float64{}
	for line := range strings.Lines(string(data)) {
		var got struct{ Writer, N float64 }
		if err := json.Unmarshal([]byte(line), &got); err != nil {
			t.Fatalf("%q: %v", line, err)
		}
		if got.N != next[got.Writer] {
			t.Fatalf("writer %v: line %v after %v", got.Writer, got.N, next[got.Writer]-1)
		}
		next[got.Writer]++
	}
	for i := range writers {
		if next[float64(i)] != lines {
			t.Errorf("writer %d: %v lines in the file, want %d", i, next[float64(i)], lines)
		}
	}
}

func FuzzLineStaysOneLine(f *testing.F) {
	f.Add("msg", "key", "value")
	f.Add("\n\r\x1b\u2028", "\x00=", "\xff\u0085\U000E0001")
	f.Fuzz(func(t *testing.T, msg, key, value string) {
		for _, format := range []string{"text", "json"} {
			var out bytes.Buffer
			l, _, err := logging.New(logging.Options{Format: format, Stderr: &out})
			if err != nil {
				t.Fatal(err)
			}
			l.Info(msg, key, value)
			line := strings.TrimSuffix(out.String(), "\n")
			if strings.ContainsFunc(line, func(r rune) bool { return r < ' ' || r == 0x7f || 0x80 <= r && r < 0xa0 || r == 0x2028 }) {
				t.Errorf("%s: control character in %q", format, line)
			}
			if format == "json" && !json.Valid([]byte(line)) {
				t.Errorf("not JSON: %s", line)
			}
		}
	})
}
