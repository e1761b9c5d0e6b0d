package kvbackend

import (
	"bytes"
	"context"

	"github.com/codex-archive/codex/sdk"
	"github.com/codex-archive/codex/sdk/kvbackend/internal/layout"
)

// countedKeys is how many keys one transaction of Health counts.
const countedKeys = 1000

// Health counts the live records, those whose body it finds, those that a hold
// keeps, and the purged ones.
func (b *backend) Health(ctx context.Context) (sdk.Health, error) {
	h := sdk.Health{
		Server: b.o.Server, Archive: b.archive, Schema: layout.Version, Clock: now(),
		Writable: b.o.Writable == nil || b.o.Writable(),
		Durable:  b.o.NotDurable == "", NotDurable: b.o.NotDurable,
	}
	c := counter{h: &h, from: layout.LivePrefix()}
	for more := true; more; {
		err := b.view(ctx, "health", func(t tx) (err error) {
			more, err = c.page(t)
			return err
		})
		if err != nil {
			return sdk.Health{}, err
		}
	}
	var err error
	if h.Held, err = b.count(ctx, layout.HeldPrefix()); err == nil {
		h.Purged, err = b.count(ctx, layout.PurgedPrefix())
	}
	if err != nil {
		return sdk.Health{}, err
	}
	return h, nil
}

// count returns how many keys begin with prefix.
func (b *backend) count(ctx context.Context, prefix []byte) (n int64, err error) {
	err = b.walk(ctx, "health", prefix, func(tx, []byte, []byte) error {
		n++
		return nil
	})
	return n, err
}

// counter counts some records in each transaction.
type counter struct {
	h    *sdk.Health
	from []byte // where the next page begins
}

// page counts until countedKeys, and reports whether there is more.
func (c *counter) page(t tx) (more bool, err error) {
	var last sdk.Digest
	var found bool
	left := countedKeys
	err = t.scan(layout.LivePrefix(), c.from, func(k, _ []byte) (bool, error) {
		digest, _ := layout.ParseLive(k)
		if left == countedKeys || digest != last {
			last = digest
			row, err := t.usable(digest)
			if err != nil {
				return false, err
			}
			if found, err = t.present(&row); err != nil {
				return false, err
			}
		}
		c.h.Live++
		if found {
			c.h.Retrievable++
		}
		c.from = append(bytes.Clone(k), 0)
		left--
		return left > 0, nil
	})
	return left == 0, err
}
