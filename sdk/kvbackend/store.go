package kvbackend

import "context"

// Store is an ordered key/value store with transactions. kvbackend calls its
// methods from several goroutines.
//
// A transaction is isolated: it sees what was committed before it began, and its
// own writes, and nothing of others. Where two that write cannot both be right,
// one waits for the other, or fails with [sdk.Busy]. A store that cannot tell
// takes one Update at a time.
//
// Errors are of type [*sdk.Error], with a kind that says whether trying again
// helps; others become [sdk.Internal]. An Update of which it is unknown whether it
// was committed says so by [sdk.EffectMaybe].
type Store interface {
	// View runs fn in a transaction that reads.
	View(ctx context.Context, fn func(Tx) error) error
	// Update runs fn in a transaction that writes, commits it, and returns when it
	// is durable. If fn returns an error, nothing of it is written, and Update
	// returns that error. It runs fn once.
	Update(ctx context.Context, fn func(Tx) error) error
	// Close frees the store. No transaction is running then. It is called once.
	Close() error
}

// Tx is a transaction. Keys sort as bytes and have at most 64; values have at
// least one byte and at most half a MiB, most of them less than 1 KiB. Slices that
// Get and Seek return are not changed, and are used until the next Put or Delete.
// Those that Put gets are never changed afterwards.
type Tx interface {
	// Get returns the value under key, nil where there is none.
	Get(key []byte) ([]byte, error)
	// Seek returns the first pair whose key is not below key, nil where there is none.
	Seek(key []byte) (k, v []byte, err error)
	// Put writes a value, in place of one that is there. Only an Update calls it.
	Put(key, value []byte) error
	// Delete removes a pair, where there is one. Only an Update calls it.
	Delete(key []byte) error
}
