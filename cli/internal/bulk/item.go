package bulk

import (
	"bytes"
	"io"
	"iter"
	"time"

	"github.com/codex-archive/codex/cli/internal/archiver"
	"github.com/codex-archive/codex/cli/internal/tree"
	"github.com/codex-archive/codex/sdk"
)

// Item is a file on its way.
type Item struct {
	Entry    tree.Entry
	Record   sdk.Record
	Begun    time.Time // when reading it began
	Warnings []string  // what of the file is not archived

	format  archiver.ObjectFormat
	body    []byte           // of small content
	large   *archiver.Source // of content above [sdk.StagedBody]
	known   bool             // the archive is believed to have the content: no body is sent
	present bool             // the archive has the record
}

// Sequence returns items as a backend takes them, from the beginning each time
// that it is called.
func Sequence(items []*Item) iter.Seq2[sdk.Item, error] {
	return func(yield func(sdk.Item, error) bool) {
		for _, it := range items {
			body, err := it.open()
			if !yield(sdk.Item{Record: it.Record, Body: body}, err) {
				return
			}
		}
	}
}

func (it *Item) open() (io.Reader, error) {
	switch {
	case it.known:
		return nil, nil
	case it.large != nil:
		return it.large.Body()
	}
	return bytes.NewReader(it.body), nil
}

// validate checks a record that is to be stored.
func (it *Item) validate() error {
	if it.present {
		return nil
	}
	return it.Record.Validate()
}

func (it *Item) close() {
	it.body = nil
	if it.large != nil {
		it.large.Close()
	}
}
