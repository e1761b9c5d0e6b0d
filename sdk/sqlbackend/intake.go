package sqlbackend

import (
	"context"
	"iter"

	"github.com/codex-archive/codex/sdk"
	putitems "github.com/codex-archive/codex/sdk/intake"
)

// entry is one item of a Put, its body read and checked.
type entry struct {
	index  int        // in the sequence
	record sdk.Record // its content says what the body turned out to be; purged if its history says so
	body   *body      // nil: no body, or another entry has the same content
	item   sdk.Item   // as it came; its body is read
	origin origin     // of the record: known once that is to be stored
}

// purged reports whether the history of e says that its record was purged. Then
// it needs no content.
func (e *entry) purged() bool { return !e.record.PurgedAt.IsZero() }

// body is the bytes of one content on their way into the archive: held in
// pieces, or staged.
type body struct {
	content  sdk.Content
	replaces sdk.Digest // the SHA-256 of an intact body whose place it takes; zero: none
	pieces   [][]byte   // of ChunkSize, the last one shorter
	staged   *staged
	// dropped says that the archive had the content intact when the body was read,
	// and that the body is too large to be kept in case that changes.
	dropped bool
}

// whole returns a body of at most one piece, which is not nil if it is empty.
func (b *body) whole() []byte {
	if len(b.pieces) == 0 {
		return []byte{}
	}
	return b.pieces[0]
}

// intake takes in the sequence of one Put.
type intake struct {
	b       *Backend
	entries []*entry
	staged  map[*putitems.Body]*staged // the bodies that did not fit into memory
	staging *staging
	survey  survey
}

func (b *Backend) newIntake() *intake {
	return &intake{b: b, staged: map[*putitems.Body]*staged{}, survey: survey{}, staging: &staging{b: b}}
}

// takeAll takes in every item. A break in there ends the sequence, which frees
// what the host holds.
func (in *intake) takeAll(ctx context.Context, items iter.Seq2[sdk.Item, error]) error {
	taken, err := putitems.Take(ctx, items, in)
	for _, t := range taken {
		e := &entry{index: t.Index, record: t.Record, item: t.Item}
		if t.Body != nil {
			e.body = &body{content: t.Body.Content, replaces: t.Body.Replaces, pieces: t.Body.Pieces, staged: in.staged[t.Body], dropped: t.Body.Dropped}
		}
		in.entries = append(in.entries, e)
	}
	return err
}

// Stays implements [putitems.Spill].
func (in *intake) Stays(ctx context.Context, b *putitems.Body) (bool, error) {
	content := b.Content.SHA256
	if err := in.survey.look(ctx, in.b, []sdk.Digest{content}); err != nil {
		return false, err
	}
	k := in.survey[content]
	return k != nil && k.intact && k.StoredSHA256 != b.Replaces, nil
}

// Add implements [putitems.Spill].
func (in *intake) Add(ctx context.Context, b *putitems.Body, piece []byte) error {
	of := in.staged[b]
	if of == nil {
		of = &staged{owner: b.Owner}
		in.staged[b] = of
	}
	return in.staging.add(ctx, of, piece)
}

// Flush implements [putitems.Spill].
func (in *intake) Flush(ctx context.Context) error { return in.staging.flush(ctx) }
