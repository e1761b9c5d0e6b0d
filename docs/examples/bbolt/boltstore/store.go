// Package boltstore keeps an archive in a file of bbolt.
//
// bbolt locks its file for as long as it is open, and other processes may have the
// archive open, too. So the file is opened for each transaction, which waits for
// its turn: several may read at once, one writes.
package boltstore

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"time"

	bolt "go.etcd.io/bbolt"
	bolterrors "go.etcd.io/bbolt/errors"

	"github.com/codex-archive/codex/sdk"
	"github.com/codex-archive/codex/sdk/kvbackend"
)

const (
	attempt  = 60 * time.Millisecond // bbolt looks twice at a lock; between attempts the context may end
	patience = time.Minute           // for the transactions of other processes
)

// bucket holds all keys.
var bucket = []byte("codex-archive")

// Open opens the archive in the file that the URL bolt:///PATH names.
func Open(ctx context.Context, o sdk.Options) (sdk.Backend, error) {
	s, err := Find(o)
	if err != nil {
		return nil, err
	}
	if info, err := os.Stat(s.path); err != nil || info.Size() == 0 {
		if o.Mode < sdk.Create {
			return nil, sdk.Errorf(sdk.NoArchive, "there is no archive at %s", s.path)
		}
		if err := s.create(ctx); err != nil {
			return nil, err
		}
	}
	return kvbackend.Open(ctx, s, kvbackend.Options{
		Mode: o.Mode, Parallel: o.Parallel, Server: "bbolt", Place: s.path, Writable: s.writable,
	})
}

// Store is a file of bbolt.
type Store struct {
	path string
	turn sync.RWMutex // within this process
	flag int          // os.O_CREATE while the file may be made
}

// Find returns the store that o.URL names. It opens nothing.
func Find(o sdk.Options) (*Store, error) {
	path, err := o.FilePath("bolt")
	return &Store{path: path}, err
}

// create makes the file, where there is none.
func (s *Store) create(ctx context.Context) error {
	if err := os.MkdirAll(filepath.Dir(s.path), 0o700); err != nil {
		return sdk.FileError("make the directory of the archive", err)
	}
	s.flag = os.O_CREATE
	defer func() { s.flag = 0 }()
	return s.Update(ctx, func(kvbackend.Tx) error { return nil })
}

func (s *Store) writable() bool {
	f, err := os.OpenFile(s.path, os.O_RDWR, 0)
	return err == nil && f.Close() == nil
}

// View implements [kvbackend.Store].
func (s *Store) View(ctx context.Context, fn func(kvbackend.Tx) error) error {
	s.turn.RLock()
	defer s.turn.RUnlock()
	db, err := s.open(ctx, true)
	if err != nil {
		return err
	}
	defer db.Close() // nothing was written
	return db.View(func(t *bolt.Tx) error { return fn(tx{t.Bucket(bucket)}) })
}

// Update implements [kvbackend.Store].
func (s *Store) Update(ctx context.Context, fn func(kvbackend.Tx) error) error {
	s.turn.Lock()
	defer s.turn.Unlock()
	db, err := s.open(ctx, false)
	if err != nil {
		return err
	}
	defer db.Close() // Update has synced
	var failed error
	err = db.Update(func(t *bolt.Tx) error {
		b, err := t.CreateBucketIfNotExists(bucket)
		if err == nil {
			err = fn(tx{b})
		}
		failed = err
		return err
	})
	if err == nil || failed != nil {
		return failed
	}
	e := sdk.FileError("commit", err)
	e.Effect = sdk.EffectMaybe // perhaps only its end failed
	return e
}

// Close implements [kvbackend.Store].
func (s *Store) Close() error { return nil }

// open opens the file and waits for its lock.
func (s *Store) open(ctx context.Context, readOnly bool) (*bolt.DB, error) {
	for began := time.Now(); ; {
		db, err := bolt.Open(s.path, 0o600, &bolt.Options{Timeout: attempt, ReadOnly: readOnly, OpenFile: s.openFile})
		switch {
		case err == nil:
			return db, nil
		case errors.Is(err, bolterrors.ErrInvalid), errors.Is(err, bolterrors.ErrChecksum), errors.Is(err, bolterrors.ErrVersionMismatch):
			return nil, sdk.Errorf(sdk.Corrupt, "%s: %w", s.path, err)
		case !errors.Is(err, bolterrors.ErrTimeout):
			return nil, sdk.FileError("open the archive", err)
		case ctx.Err() != nil:
			return nil, ctx.Err()
		case time.Since(began) > patience:
			return nil, sdk.Errorf(sdk.Busy, "%s is locked by another process", s.path)
		}
	}
}

// openFile is [os.OpenFile], and makes a file only where that was asked for.
func (s *Store) openFile(name string, flag int, mode fs.FileMode) (*os.File, error) {
	return os.OpenFile(name, flag&^os.O_CREATE|s.flag, mode)
}

// tx is a transaction. Its bucket is nil where a View finds none.
type tx struct{ b *bolt.Bucket }

func (t tx) Get(key []byte) (v []byte, err error) {
	if t.b != nil {
		v = t.b.Get(key)
	}
	return v, nil
}

func (t tx) Seek(key []byte) (k, v []byte, err error) {
	if t.b != nil {
		k, v = t.b.Cursor().Seek(key)
	}
	return k, v, nil
}

func (t tx) Put(key, value []byte) error { return t.b.Put(key, value) }
func (t tx) Delete(key []byte) error     { return t.b.Delete(key) }
