// Package kvtest changes archives of package kvbackend behind the backend's back,
// for the rules of the conformance kit that need it.
package kvtest

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"io"
	"os"

	"github.com/codex-archive/codex/sdk"
	"github.com/codex-archive/codex/sdk/kvbackend"
	"github.com/codex-archive/codex/sdk/kvbackend/internal/layout"
)

// Damage flips a bit in the body of content, as a failing disk would.
func Damage(ctx context.Context, s kvbackend.Store, content sdk.Digest) error {
	return s.Update(ctx, func(t kvbackend.Tx) error {
		key, err := firstPiece(t, content)
		if err != nil {
			return err
		}
		piece, err := t.Get(key)
		if err != nil {
			return err
		}
		if len(piece) == 0 {
			return sdk.Errorf(sdk.NotFound, "there is no such body")
		}
		piece = bytes.Clone(piece)
		piece[len(piece)/2] ^= 1
		return t.Put(key, piece)
	})
}

// RemoveBody removes the bytes of the record's content and no other row.
func RemoveBody(ctx context.Context, s kvbackend.Store, id sdk.Tombstone) error {
	return withRecord(ctx, s, id, func(t kvbackend.Tx, r *sdk.Record) error {
		key, err := firstPiece(t, r.Content.SHA256)
		if err != nil {
			return err
		}
		prefix := key[:len(key)-4]
		for bytes.HasPrefix(key, prefix) && err == nil {
			if err = t.Delete(bytes.Clone(key)); err == nil {
				key, _, err = t.Seek(prefix)
			}
		}
		return err
	})
}

// SpoilRecord gives a record a mode that no file has.
func SpoilRecord(ctx context.Context, s kvbackend.Store, id sdk.Tombstone) error {
	return changeRecord(ctx, s, id, func(_ kvbackend.Tx, r *sdk.Record) error {
		r.Mode = 1 << 31
		return nil
	})
}

// SpoilContent gives the record's content a body of a negative length.
func SpoilContent(ctx context.Context, s kvbackend.Store, id sdk.Tombstone) error {
	return withRecord(ctx, s, id, func(t kvbackend.Tx, r *sdk.Record) error {
		row, err := t.Get(layout.ContentKey(r.Content.SHA256))
		if err != nil {
			return err
		}
		c, err := layout.DecodeContent(r.Content.SHA256, row)
		if err != nil {
			return err
		}
		c.Content.StoredSize = -1
		return t.Put(layout.ContentKey(r.Content.SHA256), c.Encode())
	})
}

// SwapContent ties a record to the content of another.
func SwapContent(ctx context.Context, s kvbackend.Store, id, other sdk.Tombstone) error {
	return changeRecord(ctx, s, id, func(t kvbackend.Tx, r *sdk.Record) error {
		var o sdk.Record
		err := load(t, layout.RecordKey(other), &o)
		r.Content = o.Content
		return err
	})
}

// RemoveRecord removes the record's row and no other.
func RemoveRecord(ctx context.Context, s kvbackend.Store, id sdk.Tombstone) error {
	return s.Update(ctx, func(t kvbackend.Tx) error { return t.Delete(layout.RecordKey(id)) })
}

// RemoveContent removes the row of the record's content and no other.
func RemoveContent(ctx context.Context, s kvbackend.Store, id sdk.Tombstone) error {
	return withRecord(ctx, s, id, func(t kvbackend.Tx, r *sdk.Record) error {
		return t.Delete(layout.ContentKey(r.Content.SHA256))
	})
}

// FeignPurge makes the record one that was purged, and leaves its content.
func FeignPurge(ctx context.Context, s kvbackend.Store, id sdk.Tombstone) error {
	return withRecord(ctx, s, id, func(t kvbackend.Tx, r *sdk.Record) error {
		custody, err := json.Marshal(sdk.Custody{PurgedAt: r.ArchivedAt})
		if err == nil {
			err = t.Put(layout.CustodyKey(id), custody)
		}
		if err == nil {
			err = t.Put(layout.PurgedKey(id), []byte{1})
		}
		if err == nil {
			err = t.Delete(layout.LiveKey(r.Content.SHA256, id))
		}
		return err
	})
}

// Obey does what "codex plugin test" asks of --damage, by two lines, or of
// --tamper, by four. Open opens the store of the archive that o.URL names; o.Dir is
// the current directory.
func Obey(ctx context.Context, in io.Reader, open func(o sdk.Options) (kvbackend.Store, error)) error {
	var lines []string
	for text := bufio.NewScanner(in); text.Scan(); {
		lines = append(lines, text.Text())
	}
	if len(lines) != 2 && len(lines) != 4 {
		return sdk.Errorf(sdk.Invalid, "lines that came: %d instead of two or four", len(lines))
	}
	dir, err := os.Getwd()
	if err != nil {
		return err
	}
	s, err := open(sdk.Options{URL: lines[0], Dir: dir})
	if err != nil {
		return err
	}
	defer func() { _ = s.Close() }() // each change has been committed
	if len(lines) == 2 {
		content, err := sdk.ParseDigest(lines[1])
		if err != nil {
			return err
		}
		return Damage(ctx, s, content)
	}
	id, err := sdk.ParseID(lines[2])
	if err != nil {
		return err
	}
	other, err := sdk.ParseID(lines[3])
	if err != nil && lines[3] != "" {
		return err
	}
	return Tamper(ctx, s, lines[1], id, other)
}

// Tamper changes what is stored of the record id in the way that how names. other
// is a second record, where the way is about two.
func Tamper(ctx context.Context, s kvbackend.Store, how string, id, other sdk.Tombstone) error {
	if how == "swap-content" {
		return SwapContent(ctx, s, id, other)
	}
	tamper := map[string]func(context.Context, kvbackend.Store, sdk.Tombstone) error{
		"remove-body": RemoveBody, "remove-record": RemoveRecord, "remove-content": RemoveContent,
		"spoil-record": SpoilRecord, "spoil-content": SpoilContent, "feign-purge": FeignPurge,
	}[how]
	if tamper == nil {
		return sdk.Errorf(sdk.Invalid, "%q is not known", how)
	}
	return tamper(ctx, s, id)
}

func changeRecord(ctx context.Context, s kvbackend.Store, id sdk.Tombstone, change func(kvbackend.Tx, *sdk.Record) error) error {
	return withRecord(ctx, s, id, func(t kvbackend.Tx, r *sdk.Record) error {
		if err := change(t, r); err != nil {
			return err
		}
		row, err := json.Marshal(r)
		if err != nil {
			return err
		}
		return t.Put(layout.RecordKey(id), row)
	})
}

// withRecord calls do in a transaction, with the record of id.
func withRecord(ctx context.Context, s kvbackend.Store, id sdk.Tombstone, do func(kvbackend.Tx, *sdk.Record) error) error {
	return s.Update(ctx, func(t kvbackend.Tx) error {
		var r sdk.Record
		if err := load(t, layout.RecordKey(id), &r); err != nil {
			return err
		}
		return do(t, &r)
	})
}

// firstPiece returns the key of the first piece of a body.
func firstPiece(t kvbackend.Tx, content sdk.Digest) ([]byte, error) {
	row, err := t.Get(layout.ContentKey(content))
	if err != nil {
		return nil, err
	}
	c, err := layout.DecodeContent(content, row)
	return layout.PieceKey(c.Body, 0), err
}

func load(t kvbackend.Tx, key []byte, row any) error {
	value, err := t.Get(key)
	if err != nil {
		return err
	}
	if value == nil {
		return sdk.Errorf(sdk.NotFound, "there is no such row")
	}
	return json.Unmarshal(value, row)
}
