package plugin

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"iter"
	"log"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/codex-archive/codex/sdk"
	"github.com/codex-archive/codex/sdk/memory"
	"github.com/hashicorp/go-hclog"
)

// roles are the programs that the test binary can be.
var roles = map[string]func(){
	"memory": func() { Serve(memory.Driver()) },

	// Backends of other versions.
	"speaks 1 and 2": func() { ServeProtocols(memory.Driver(), 2, 1) },
	"speaks 2 and 3": func() { ServeProtocols(memory.Driver(), 2, 3) },
	"has capabilities": func() {
		d := memory.Driver()
		d.Capabilities = []sdk.Capability{"teleport", sdk.IdentityAtOpen, "No Name\n", "0-day"}
		Serve(d)
	},

	// One that keeps nothing, to measure the wire.
	"sink": func() { Serve(driver(sink())) },

	// Backends with a fault.
	"dies in put":    func() { Serve(driver(&faulty{put: dieAfterItems(1)})) },
	"dies at commit": func() { Serve(driver(&faulty{put: dieAfterItems(-1)})) },
	"dies in get":    func() { Serve(driver(&faulty{get: dieInBody})) },
	"panics":         func() { Serve(driver(&faulty{health: func() (sdk.Health, error) { panic("boom at " + secretURL) }})) },
	"leaks":          func() { Serve(leaky()) },
	"logs":           func() { Serve(driver(&faulty{health: logEverything(os.Stderr)})) },
	"environment":    func() { Serve(driver(&faulty{health: environment})) },
	"mute":           beMute,
	"hangs":          func() { Serve(driver(&faulty{health: func() (sdk.Health, error) { select {} }})) },

	// A host, for what becomes of a backend without one.
	"host": beHost,
}

// faulty is the reference backend with one method replaced.
type faulty struct {
	sdk.Backend
	put    func(iter.Seq2[sdk.Item, error]) ([]sdk.PutResult, error)
	get    func([]sdk.Tombstone) iter.Seq2[sdk.GetResult, error]
	list   func() iter.Seq2[sdk.Entry, error]
	health func() (sdk.Health, error)
}

func (f *faulty) Put(ctx context.Context, items iter.Seq2[sdk.Item, error]) ([]sdk.PutResult, error) {
	if f.put != nil {
		return f.put(items)
	}
	return f.Backend.Put(ctx, items)
}

func (f *faulty) Get(ctx context.Context, ids []sdk.Tombstone) iter.Seq2[sdk.GetResult, error] {
	if f.get != nil {
		return f.get(ids)
	}
	return f.Backend.Get(ctx, ids)
}

func (f *faulty) List(ctx context.Context, q sdk.Query) iter.Seq2[sdk.Entry, error] {
	if f.list != nil {
		return f.list()
	}
	return f.Backend.List(ctx, q)
}

func (f *faulty) Health(ctx context.Context) (sdk.Health, error) {
	if f.health != nil {
		return f.health()
	}
	return f.Backend.Health(ctx)
}

// driver opens b over the reference backend.
func driver(b *faulty) sdk.Driver {
	d := memory.Driver()
	open := d.Open
	d.Name, d.Capabilities = "faulty", nil // a faulty backend hides the identity of the inner one
	d.Open = func(ctx context.Context, o sdk.Options) (sdk.Backend, error) {
		o.URL = "memory://x"
		inner, err := open(ctx, o)
		b.Backend = inner
		return b, err
	}
	return d
}

// sink reads what it gets and returns zeros; the first bytes of a
// tombstone say how many.
func sink() *faulty {
	zeros := make([]byte, 64<<20)
	return &faulty{
		put: func(items iter.Seq2[sdk.Item, error]) (stored []sdk.PutResult, err error) {
			for item, err := range items {
				if err != nil {
					return nil, err
				}
				body := sdk.NewBodyReader(item.Body, item.Record.Content)
				if _, err := io.Copy(io.Discard, body); err != nil {
					return nil, err
				}
				stored = append(stored, sdk.PutResult{Tombstone: item.Record.Tombstone, Content: body.Content()})
			}
			return stored, nil
		},
		get: func(ids []sdk.Tombstone) iter.Seq2[sdk.GetResult, error] {
			return func(yield func(sdk.GetResult, error) bool) {
				zeros := zeros[:binary.BigEndian.Uint32(ids[0][:])]
				r := record(1, nil)
				r.Content.StoredSize, r.Content.CRC32C = int64(len(zeros)), crc32.Checksum(zeros, castagnoli)
				for _, id := range ids {
					r.Tombstone = id
					if !yield(sdk.GetResult{Record: r, Body: bytes.NewReader(zeros)}, nil) {
						return
					}
				}
			}
		},
	}
}

// dieAfterItems makes a Put that ends the process after n items, or after the
// commit, with a panic that nothing can recover.
func dieAfterItems(n int) func(iter.Seq2[sdk.Item, error]) ([]sdk.PutResult, error) {
	return func(items iter.Seq2[sdk.Item, error]) ([]sdk.PutResult, error) {
		for _, err := range items {
			if err != nil {
				return nil, err
			}
			if n--; n == 0 {
				break
			}
		}
		go panic("boom")
		select {}
	}
}

// dieInBody returns a body that ends the process in its middle.
func dieInBody(ids []sdk.Tombstone) iter.Seq2[sdk.GetResult, error] {
	return func(yield func(sdk.GetResult, error) bool) {
		r := record(1, make([]byte, 8<<20))
		r.Tombstone = ids[0]
		yield(sdk.GetResult{Record: r, Body: io.MultiReader(
			bytes.NewReader(make([]byte, 4<<20)),
			readerFunc(func([]byte) (int, error) { os.Exit(3); return 0, nil }),
		)}, nil)
	}
}

type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }

// secretURL holds the canaries that must appear nowhere.
const (
	secretURL  = `memory://user:caNAry"<1>\x@host/db?password=caNAry2`
	secretPass = `caNAry3&"pass`
)

// leaky puts its secrets wherever it can.
func leaky() sdk.Driver {
	return sdk.Driver{Name: "leaky", Version: "1", Schemes: []string{"memory"},
		Open: func(_ context.Context, o sdk.Options) (sdk.Backend, error) {
			slog.Info("opening "+o.URL, "password", o.Password, "url", o.URL, "err", errors.New("bad "+o.URL))
			log.Print("plain ", o.URL, o.Password)
			fmt.Fprintln(os.Stderr, "bare", o.URL, o.Password)
			fmt.Println("out", o.URL, o.Password)
			if o.Mode == sdk.ReadOnly {
				panic("cannot parse " + o.URL + o.Password)
			}
			return nil, &sdk.Error{Kind: sdk.Unauthenticated, Op: "login " + o.URL, Msg: "cannot parse " + o.URL + " with " + o.Password,
				Native: o.Password, Err: errors.New(o.URL)}
		}}
}

// logEverything writes what a log can go wrong with; stderr is the real one,
// which go-plugin has not replaced yet.
func logEverything(stderr *os.File) func() (sdk.Health, error) {
	return func() (sdk.Health, error) {
		slog.Warn("a warning", "number", 7, "text", "x y", "list", []int{1, 2})
		slog.Debug("too fine")
		for _, line := range []string{
			`{"@level":5,"@message":["no text"]}`,
			`{"@level":"info","@message":"fine","@timestamp":12,"n":1}`,
			`{"@level":"error"}`,
			`{`,
			`[WARN] prefixed`,
			"with \x1b[31mcolour\x07 and \xff bytes",
			strings.Repeat("long ", 1<<18),
		} {
			fmt.Fprintln(stderr, line)
		}
		fmt.Println("on standard output")
		return sdk.Health{}, nil
	}
}

// environment tells the names of the variables it sees.
func environment() (sdk.Health, error) {
	var names []string
	for _, pair := range os.Environ() {
		name, _, _ := strings.Cut(pair, "=")
		names = append(names, name)
	}
	slices.Sort(names)
	return sdk.Health{Server: strings.Join(names, " ")}, nil
}

// beMute greets, accepts connections, and never says a word on them.
func beMute() {
	l, err := net.Listen("unix", filepath.Join(os.Getenv("PLUGIN_UNIX_SOCKET_DIR"), "s"))
	if err != nil {
		panic(err)
	}
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go io.Copy(io.Discard, conn)
		}
	}()
	fmt.Printf("1|1|unix|%s|grpc|\n", l.Addr())
	select {}
}

// beHost starts a backend, opens an archive in it, tells its process id and
// waits to be killed in the middle of a Put.
func beHost() {
	self, err := os.Executable()
	if err != nil {
		panic(err)
	}
	p, err := Launch(context.Background(), Command{
		Path: self, Env: []string{roleVar + "=memory"}, SocketDir: os.Getenv("TEST_SOCKETS"), Logger: hclog.NewNullLogger(),
	})
	if err != nil {
		panic(err)
	}
	b, err := p.Open(context.Background(), sdk.Options{URL: "memory://x", Mode: sdk.Create})
	if err != nil {
		panic(err)
	}
	b.Put(context.Background(), func(yield func(sdk.Item, error) bool) {
		data := make([]byte, 1<<20)
		yield(sdk.Item{Record: record(1, data), Body: bytes.NewReader(data)}, nil)
		fmt.Println(p.Pid())
		select {}
	})
}
