package plugin

import (
	"encoding/json"
	"strings"
	"testing"
	"time"
	"unicode"

	"github.com/codex-archive/codex/sdk"
	"github.com/hashicorp/go-hclog"
)

func TestLogLinesOfAProcess(t *testing.T) {
	var log recorder
	c := as(t, "logs")
	c.Logger = log.logger(hclog.Info)
	p, b := start(t, c)
	if _, err := b.Health(t.Context()); err != nil {
		t.Fatal(err)
	}
	p.Close()
	<-p.Exited()
	const want = `[WARN]  a warning: number=7 text="x y" list="[1,2]"
[INFO]  fine: n=1
[WARN]  prefixed
`
	if log.String() != want {
		t.Errorf("log\n%s\nwant\n%s", log.String(), want)
	}
}

func TestLogLevelReachesTheProcess(t *testing.T) {
	var log recorder
	c := as(t, "logs")
	c.Logger = log.logger(hclog.Debug)
	p, b := start(t, c)
	if _, err := b.Health(t.Context()); err != nil {
		t.Fatal(err)
	}
	for !strings.Contains(log.String(), "on standard output") { // it comes by a stream of its own
		time.Sleep(time.Millisecond)
	}
	p.Close()
	<-p.Exited()
	for _, want := range []string{"[DEBUG] too fine", "[DEBUG] with [31mcolour and \uFFFD bytes", "[DEBUG] on standard output: stream=stdout", "[DEBUG] long long"} {
		if !strings.Contains(log.String(), want) {
			t.Errorf("no %q in the log", want)
		}
	}
	for line := range strings.Lines(log.String()) {
		if len(line) > maxLine+100 {
			t.Errorf("a line of %d bytes", len(line))
		}
	}
}

// TestSecretsStayInside looks for canaries in everything that leaves a backend
// which puts them everywhere.
func TestSecretsStayInside(t *testing.T) {
	for _, mode := range []sdk.Mode{sdk.Create, sdk.ReadOnly} {
		var log recorder
		c := as(t, "leaks")
		c.Logger = log.logger(hclog.Trace)
		p, err := Launch(t.Context(), c)
		if err != nil {
			t.Fatal(err)
		}
		_, err = p.Open(t.Context(), sdk.Options{URL: secretURL, Password: secretPass, Mode: mode})
		p.Close()
		<-p.Exited()
		oneLine(t, err, "cannot parse memory://user:***")
		for what, text := range map[string]string{"error": err.Error(), "log": log.String()} {
			if strings.Contains(text, "caNAry") {
				t.Errorf("the %s has a secret: %s", what, text)
			}
		}
		if !strings.Contains(log.String(), "opening memory://user:***") {
			t.Errorf("log: %s", log.String())
		}
	}
}

// TestHostScrubs: the host's half does not rely on the backend's.
func TestHostScrubs(t *testing.T) {
	var log recorder
	s := &secrets{}
	s.learn(sdk.Options{URL: secretURL, Password: secretPass})
	lines := &loglines{log: log.logger(hclog.Trace), secrets: s}
	quoted, err := json.Marshal(secretURL + " " + secretPass)
	if err != nil {
		t.Fatal(err)
	}
	lines.copyFrom(strings.NewReader("bare " + secretURL + secretPass + "\n" +
		`{"@level":"info","@message":` + string(quoted) + `,"pair":` + string(quoted) + `,"deep":{"er":` + string(quoted) + `}}` + "\n"))
	if text := log.String() + lines.lastWords(); strings.Contains(text, "caNAry") || strings.Count(log.String(), "\n") != 2 {
		t.Errorf("log: %s", text)
	}
}

func TestLastWords(t *testing.T) {
	tests := map[string]string{
		"":                     "",
		"one\ntwo\n\n":         "two",
		"one\npanic: x\n\ny\n": "panic: x",
		"fatal error: all goroutines are asleep\n\ngoroutine 1 [chan receive]:\n": "fatal error: all goroutines are asleep",
		strings.Repeat("line\n", 2*keptLines) + "last\n":                          "last",
		strings.Repeat("x", 10*maxQuote):                                          strings.Repeat("x", maxQuote) + "…",
		`{"@level":"error","@message":"why"}`:                                     "why",
	}
	for text, want := range tests {
		lines := &loglines{log: hclog.NewNullLogger(), secrets: &secrets{}}
		lines.copyFrom(strings.NewReader(text))
		if got := lines.lastWords(); got != want {
			t.Errorf("after %.50q: %q, want %q", text, got, want)
		}
		if len(lines.kept) > keptLines {
			t.Errorf("%d lines kept", len(lines.kept))
		}
	}
}

// TestQuiet: whatever go-plugin says is a trace.
func TestQuiet(t *testing.T) {
	var log recorder
	q := hclog.Logger(traceLogger{log.logger(hclog.Trace)})
	q.Error("a")
	q.With("k", 1).Warn("b")
	q.Named("n").Info("c")
	q.ResetNamed("r").Log(hclog.Error, "d")
	for line := range strings.Lines(log.String()) {
		if !strings.HasPrefix(line, "[TRACE]") {
			t.Errorf("%q", line)
		}
	}
	if strings.Count(log.String(), "\n") != 4 {
		t.Errorf("log %s", log.String())
	}
}

func FuzzLogLine(f *testing.F) {
	for _, seed := range []string{`{"@level":"info","@message":"m","k":[{}]}`, `{"@level":1}`, "[WARN] x", "panic: x", "{", "\xff\x00"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, line []byte) {
		var log recorder
		lines := &loglines{log: log.logger(hclog.Trace), secrets: &secrets{}}
		lines.forward(line)
		for _, r := range lines.lastWords() {
			if unicode.IsControl(r) {
				t.Errorf("%q kept with a control character", lines.lastWords())
			}
		}
	})
}

func FuzzGreeting(f *testing.F) {
	for _, seed := range []string{"1|1|unix|/x|grpc|", "1|2|unix|/x|grpc", "1|1|tcp|:1|grpc|cert|true", "|||||", "hello"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, line string) {
		g, err := parseGreeting(line, spoken)
		if err != nil {
			oneLine(t, err)
			return
		}
		if again, err := parseGreeting(strings.TrimSpace(g.String()), spoken); err != nil || again != g {
			t.Errorf("%q gives %+v, and that %+v, %v", line, g, again, err)
		}
	})
}
