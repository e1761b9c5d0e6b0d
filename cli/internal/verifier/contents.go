package verifier

import (
	"fmt"

	"github.com/codex-archive/codex/sdk"
)

// maxContents bounds how many intact contents are remembered. One that is
// forgotten is read again where another record has it.
const maxContents = 1 << 20

// contents is what a run knows of contents: those that were read, and those that
// are being read.
type contents struct {
	intact  map[[16]byte]struct{} // the first half of the SHA-256, which no two contents share
	bad     map[sdk.Digest]verdict
	reading map[sdk.Digest][]*item // and which items wait for it
}

func newContents() contents {
	return contents{intact: map[[16]byte]struct{}{}, bad: map[sdk.Digest]verdict{}, reading: map[sdk.Digest][]*item{}}
}

// verdict is what is known of a content.
type verdict struct {
	status Status
	err    error
	of     sdk.Tombstone // the record for which it was read
	waits  bool          // nothing yet: it is being read
}

// about is the result of another record of the content. An error names that one.
func (v verdict) about(r *sdk.Record) Result {
	if v.err == nil {
		return Result{Status: v.status}
	}
	return Result{Status: v.status, Err: &sdk.Error{
		Kind: sdk.KindOf(v.err), Tombstones: []sdk.Tombstone{r.Tombstone},
		Msg: fmt.Sprintf("it has the content of %v, which is %s", v.of, v.status),
	}}
}

// begin reports what is known of the content of an item. If nothing is, the item
// is the one that reads it, or waits for another that does.
func (c *contents) begin(it *item) (known bool, v verdict) {
	digest := it.Entry.Record.Content.SHA256
	if _, ok := c.intact[[16]byte(digest[:16])]; ok {
		return true, verdict{status: Intact}
	}
	if v, ok := c.bad[digest]; ok {
		return true, v
	}
	if waiting, ok := c.reading[digest]; ok {
		c.reading[digest] = append(waiting, it)
		return false, verdict{waits: true}
	}
	c.reading[digest] = nil
	return false, verdict{}
}

// pass returns the item that has to read the content in the place of it, nil if
// no other waits for it: a record that was changed, or purged meanwhile, says
// nothing about the content.
func (c *contents) pass(it *item) (next *item) {
	digest := it.Entry.Record.Content.SHA256
	waiting := c.reading[digest]
	if len(waiting) == 0 {
		delete(c.reading, digest)
		return nil
	}
	c.reading[digest] = waiting[1:]
	return waiting[0]
}

// end takes in how an item's reading ended, and returns the items that waited
// for it, with what it means for them.
func (c *contents) end(it *item, status Status, err error) ([]*item, verdict) {
	digest := it.Entry.Record.Content.SHA256
	waiting := c.reading[digest]
	delete(c.reading, digest)
	v := verdict{status: status, err: err, of: it.Entry.Record.Tombstone}
	switch {
	case status == Intact && len(c.intact) < maxContents:
		c.intact[[16]byte(digest[:16])] = struct{}{}
	case status != Intact:
		c.bad[digest] = v
	}
	return waiting, v
}
