package config

import (
	"strings"
	"testing"
)

// BenchmarkLoad is what every command pays before it does anything.
func BenchmarkLoad(b *testing.B) {
	p := newProject(b, "[backend]\nurl = \"postgres://u:${DB_PASSWORD}@h/d\"\n[logging]\nfile = \".codex/archive.log\"\n")
	p.env["DB_PASSWORD"] = "secret"
	for b.Loop() {
		if _, err := p.load(Options{}); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkScrub is what every text of a log line pays.
func BenchmarkScrub(b *testing.B) {
	p := newProject(b, "")
	l, err := p.load(Options{Flags: []Flag{{"--url", "backend.url", "postgres://user:pass%2Fword@host:5432/db?sslmode=require"}}})
	if err != nil {
		b.Fatal(err)
	}
	text := strings.Repeat("Restore completed in 245.0ms ", 3)
	for b.Loop() {
		l.Scrub(text)
	}
}
