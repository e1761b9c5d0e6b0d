// Command slow is a vendor's backend for tests: an archive in memory that holds
// as many files as its URL says, and misbehaves as its URL says.
//
//	slow://50?delay=100ms    50 files; Get of each takes so long
//	slow://50?hang=7         Get of file 7 never answers
//	slow://50?stick=METHOD   this method never returns, whatever its context says
//	slow://50?panic=METHOD   this method panics
//	slow://50?crash=METHOD   this method ends the process by a panic that nothing recovers
//	slow://50?freeze=FILE    after the first Get that finds no FILE, and makes it, no call returns
//	slow://50?die=FILE       the first Get that finds no FILE makes it and ends the process
//	slow://50?fail=2         the first 2 files that are asked for fail as if the server were down
//	slow://50?mark=FILE      Get adds a byte to FILE for each file
//	slow://50?say=TEXT       Get prints TEXT on standard error for each file
//
// File n has the tombstone 00000000-0000-4000-8000-00000000000n, in decimal
// digits, and holds "n\n".
package main

import (
	"context"
	"crypto/sha256"
	"fmt"
	"iter"
	"net/url"
	"os"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/codex-archive/codex/sdk"
	"github.com/codex-archive/codex/sdk/memory"
	"github.com/codex-archive/codex/sdk/plugin"
)

func main() {
	// As a backend will that also has a protocol of the future.
	plugin.ServeProtocols(sdk.Driver{Name: "slow", Version: "1", Schemes: []string{"slow"}, Open: open}, 1, 2)
}

type slow struct {
	sdk.Backend
	delay     time.Duration
	hang      sdk.Tombstone
	stick     string
	panic     string
	crash     string
	freeze    string
	frozen    atomic.Bool
	die, mark string
	say       string
	fail      atomic.Int64
}

func open(ctx context.Context, o sdk.Options) (sdk.Backend, error) {
	u, err := url.Parse(o.URL)
	if err != nil {
		return nil, sdk.Errorf(sdk.Invalid, "bad URL")
	}
	b, err := memory.Driver().Open(ctx, sdk.Options{URL: "memory://m", Mode: sdk.Create})
	if err != nil {
		return nil, err
	}
	files, _ := strconv.Atoi(u.Host)
	if _, err := b.Put(ctx, items(files)); err != nil {
		return nil, err
	}
	q := u.Query()
	s := &slow{Backend: b, stick: q.Get("stick"), panic: q.Get("panic"), crash: q.Get("crash"), freeze: q.Get("freeze"), die: q.Get("die"), mark: q.Get("mark"), say: q.Get("say")}
	s.delay, _ = time.ParseDuration(q.Get("delay"))
	if n, err := strconv.Atoi(q.Get("hang")); err == nil {
		s.hang = tombstone(n)
	}
	fail, _ := strconv.ParseInt(q.Get("fail"), 10, 64)
	s.fail.Store(fail)
	s.stickIn("open")
	return s, nil
}

// stickIn never returns if method is the one to stick in, and panics if it is
// the one to panic in.
func (s *slow) stickIn(method string) {
	if s.freeze != "" && method == "get" && !s.frozen.Load() {
		if f, err := os.OpenFile(s.freeze, os.O_CREATE|os.O_EXCL, 0o644); err == nil {
			f.Close()
			s.frozen.Store(true)
		}
	}
	switch method {
	case s.panic:
		panic("a bug in " + method)
	case s.crash:
		go panic("a bug in " + method)
		select {}
	}
	if s.stick == method || s.frozen.Load() {
		select {}
	}
}

func (s *slow) Put(ctx context.Context, items iter.Seq2[sdk.Item, error]) ([]sdk.PutResult, error) {
	s.stickIn("put")
	return s.Backend.Put(ctx, items)
}

func (s *slow) Missing(ctx context.Context, contents []sdk.Digest) ([]sdk.Digest, error) {
	s.stickIn("missing")
	return s.Backend.Missing(ctx, contents)
}

func (s *slow) List(ctx context.Context, q sdk.Query) iter.Seq2[sdk.Entry, error] {
	s.stickIn("list")
	return s.Backend.List(ctx, q)
}

func (s *slow) Append(ctx context.Context, events []sdk.Event) error {
	s.stickIn("append")
	return s.Backend.Append(ctx, events)
}

func (s *slow) Health(ctx context.Context) (sdk.Health, error) {
	s.stickIn("health")
	return s.Backend.Health(ctx)
}

func (s *slow) Close() error {
	s.stickIn("close")
	return s.Backend.Close()
}

func tombstone(n int) sdk.Tombstone {
	id, err := sdk.ParseID(fmt.Sprintf("00000000-0000-4000-8000-%012d", n))
	if err != nil {
		panic(err)
	}
	return id
}

func items(n int) iter.Seq2[sdk.Item, error] {
	return func(yield func(sdk.Item, error) bool) {
		for i := 1; i <= n; i++ {
			text := fmt.Sprintf("%d\n", i)
			event := tombstone(i)
			event[0] = 1
			r := sdk.Record{
				Tombstone: tombstone(i), Event: event, Repo: "r", Path: fmt.Sprintf("f%d", i), Reason: "dead", ContentKind: "code",
				Set: sdk.ID{1}, Type: sdk.RegularFile,
				Mode: 0o644, ModTime: time.Unix(0, 0).UTC(), ArchivedBy: "maker", ArchivedAt: time.Unix(int64(i), 0).UTC(),
				Content: sdk.Content{SHA256: sha256.Sum256([]byte(text)), Size: int64(len(text)), Codec: sdk.None}.WithBody([]byte(text)),
			}
			r.Digest = r.ComputeDigest()
			if !yield(sdk.Item{Body: strings.NewReader(text), Record: r}, nil) {
				return
			}
		}
	}
}

func (s *slow) Get(ctx context.Context, ids []sdk.Tombstone) iter.Seq2[sdk.GetResult, error] {
	return func(yield func(sdk.GetResult, error) bool) {
		s.stickIn("get")
		for _, id := range ids {
			if err := s.misbehave(ctx, id); err != nil {
				yield(sdk.GetResult{}, err)
				return
			}
			for found, err := range s.Backend.Get(ctx, []sdk.Tombstone{id}) {
				if !yield(found, err) || err != nil {
					return
				}
			}
		}
	}
}

func (s *slow) misbehave(ctx context.Context, id sdk.Tombstone) error {
	if s.say != "" {
		fmt.Fprintln(os.Stderr, s.say)
	}
	if s.mark != "" {
		if f, err := os.OpenFile(s.mark, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644); err == nil {
			_, _ = f.WriteString(".")
			f.Close()
		}
	}
	if s.die != "" {
		if f, err := os.OpenFile(s.die, os.O_CREATE|os.O_EXCL, 0o644); err == nil {
			f.Close()
			os.Exit(3)
		}
	}
	if s.fail.Add(-1) >= 0 {
		return sdk.Errorf(sdk.Unavailable, "the server is down")
	}
	wait := time.After(s.delay)
	if id == s.hang {
		wait = nil
	}
	select {
	case <-wait:
		return nil
	case <-ctx.Done():
		return sdk.AsError(ctx.Err())
	}
}
