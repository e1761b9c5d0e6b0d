package main

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/urfave/cli/v2"

	"github.com/codex-archive/codex/cli/internal/app"
	"github.com/codex-archive/codex/cli/internal/durable"
	"github.com/codex-archive/codex/cli/internal/evidence"
	"github.com/codex-archive/codex/cli/internal/journal"
	"github.com/codex-archive/codex/cli/internal/output"
)

// receiptFlags are the flags of a store about its receipts.
func receiptFlags() []cli.Flag {
	return []cli.Flag{
		&cli.StringFlag{Name: "receipt", Usage: "write a signed receipt to `FILE`; of several files one each into the directory FILE"},
		privateKeyFlag(),
	}
}

// receipts is where the receipts of a store go. Of several files each has its own
// receipt, so that one can be handed on without the names of the others, and is
// checked like that of a single file.
type receipts struct {
	key  *evidence.PrivateKey
	path string
	many bool // path is a directory
}

// openReceipts checks what can be checked before anything is stored. It returns
// nil where no receipt is asked for.
func openReceipts(c *app.Command, many bool) (*receipts, error) {
	r := &receipts{path: c.Flags.String("receipt"), many: many}
	switch {
	case !c.Flags.IsSet("receipt") && c.Flags.IsSet("key"):
		return nil, output.Usagef("--key belongs to --receipt")
	case !c.Flags.IsSet("receipt"):
		return nil, nil
	case r.path == "":
		return nil, output.Usagef("--receipt: found nothing, allowed a file")
	}
	if err := r.check(); err != nil {
		return nil, err
	}
	var err error
	r.key, err = privateKey(c)
	return r, err
}

// check reports what is in the way of receipts.
func (r *receipts) check() error {
	if !r.many {
		err := durable.NewFile("--receipt", r.path)
		if errors.Is(err, fs.ErrExist) {
			return output.Errorf(output.OutputExists, "%w", err).WithHint("a receipt is never replaced: name another file")
		}
		return err
	}
	info, err := os.Lstat(r.path)
	switch {
	case err == nil && !info.IsDir():
		return output.Usagef("--receipt: %s is no directory; several files need one", r.path)
	case errors.Is(err, fs.ErrNotExist):
		return nil
	}
	return durable.NamedFile("--receipt", r.path, err, "")
}

// write signs the receipts of what was stored. r may be nil.
func (r *receipts) write(j *journal.Journal) error {
	if r == nil {
		return nil
	}
	err := r.make()
	if err == nil {
		err = j.Receipts(r.key, func(e *evidence.Record, signed []byte) error {
			path := r.path
			if r.many {
				path = filepath.Join(r.path, e.Tombstone+".receipt")
			}
			return writeNew("--receipt", path, signed)
		})
	}
	if err != nil {
		return output.Errorf(output.Failed, "stored and recorded, but without a receipt: %w", err).WithHint("the content is safe")
	}
	return nil
}

func (r *receipts) make() error {
	if !r.many {
		return nil
	}
	return os.MkdirAll(r.path, 0o755)
}
