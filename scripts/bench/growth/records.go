package main

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"iter"
	"math/rand/v2"
	"time"

	"github.com/codex-archive/codex/sdk"
)

// What the archive is filled with: sources of many repositories, each run of
// store taking a tree of them.
const (
	runRecords   = 10_000 // of one set
	repositories = 50
	actors       = 20
	dirRecords   = 20 // files of one directory
	packages     = 10 // directories of one project
)

// maker makes records that all differ, the same ones each time.
type maker struct {
	random *rand.ChaCha8
	body   int // bytes of each
	next   int
	set    sdk.ID
}

func newMaker(body int) *maker {
	return &maker{random: rand.NewChaCha8([32]byte{1}), body: body}
}

func repo(run int) string  { return fmt.Sprintf("repository-%d", run%repositories) }
func actor(run int) string { return fmt.Sprintf("person-%d@example.com", run%actors) }

// project is a directory with packages below it, dir one that has only files.
func project(i int) string { return fmt.Sprintf("src/project-%d", i/(dirRecords*packages)) }
func dir(i int) string     { return fmt.Sprintf("%s/internal/package-%d", project(i), i/dirRecords) }

// uuid returns a random UUID, version 4.
func (m *maker) uuid() (id sdk.ID) {
	m.random.Read(id[:])
	id[6], id[8] = id[6]&0x0f|0x40, id[8]&0x3f|0x80
	return id
}

// record makes the next record with its body.
func (m *maker) record() (sdk.Record, []byte) {
	i := m.next
	m.next++
	if i%runRecords == 0 {
		m.set = m.uuid()
	}
	data := make([]byte, m.body)
	m.random.Read(data)
	run := i / runRecords
	path := fmt.Sprintf("%s/file-%d.go", dir(i), i)
	r := sdk.Record{
		Tombstone: m.uuid(), Set: m.set, Type: sdk.RegularFile,
		Content: sdk.Content{SHA256: sha256.Sum256(data), Size: int64(len(data)), Codec: sdk.None}.WithBody(data),
		Repo:    repo(run), Path: path, WorkTreePath: path, Commit: fmt.Sprintf("%040x", run+1),
		GitBlob: fmt.Sprintf("%040x", i+1), WorkTreeState: sdk.WorkTreeClean, Reason: "dead", ContentKind: "code",
		Mode: 0o644, ModTime: time.Unix(1_700_000_000+int64(i), 0).UTC(),
		ArchivedBy: actor(run), ArchivedAt: time.UnixMicro(1_760_000_000_000_000 + 150*int64(i)).UTC(), Host: "build-7",
	}
	r.Event = r.Tombstone
	r.Digest = r.ComputeDigest()
	return r, data
}

// group is what one Put stores.
type group struct {
	records []sdk.Record
	bodies  [][]byte
}

func (m *maker) group(n int) *group {
	g := &group{make([]sdk.Record, n), make([][]byte, n)}
	for i := range n {
		g.records[i], g.bodies[i] = m.record()
	}
	return g
}

// extra is a group of one record that no other group has.
func (m *maker) extra() *group {
	outside := &maker{random: m.random, body: m.body, next: m.next / runRecords * runRecords}
	return outside.group(1)
}

// items is what Put takes.
func (g *group) items() iter.Seq2[sdk.Item, error] {
	return func(yield func(sdk.Item, error) bool) {
		for i := range g.records {
			if !yield(sdk.Item{Record: g.records[i], Body: bytes.NewReader(g.bodies[i])}, nil) {
				return
			}
		}
	}
}
