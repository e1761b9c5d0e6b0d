package plugin

import (
	"github.com/codex-archive/codex/sdk"
	"github.com/codex-archive/codex/sdk/archivepb"
)

// The functions of this file take what a backend answers. Its database may hold
// anything, so each row is checked before it is used.

// receiveRecord reads a record and checks it. Its stored size may be missing: see
// [sdk.Entry].
func receiveRecord(m *archivepb.Record) (sdk.Record, error) {
	r, err := RecordFromProto(m)
	if err == nil {
		err = r.Validate()
	}
	return r, err
}

// receiveEntry reads an entry. One that cannot be right has Err.
func receiveEntry(m *archivepb.Entry) *sdk.Entry {
	r, err := receiveRecord(m.GetRecord())
	if err == nil {
		return &sdk.Entry{Record: r, Present: m.GetPresent()}
	}
	var id sdk.Tombstone
	copy(id[:], m.GetRecord().GetTombstone())
	return &sdk.Entry{Record: sdk.Record{Tombstone: id}, Err: unreadable("list", id, err)}
}

// receiveEvent reads an event and checks it. of is zero for one of the archive.
func receiveEvent(m *archivepb.Event, of sdk.Tombstone) (sdk.Event, error) {
	e, err := toEvent(m)
	if err == nil {
		err = e.ValidateRead()
	}
	if err == nil && e.Tombstone != of {
		err = sdk.Errorf(sdk.Invalid, "event %s belongs to another record", e.ID)
	}
	return e, err
}

// unreadable is the error about a row that cannot be what was stored.
func unreadable(op string, id sdk.Tombstone, err error) error {
	return &sdk.Error{Kind: sdk.Corrupt, Op: op, Tombstones: []sdk.Tombstone{id},
		Msg: "the record cannot be read: " + sdk.AsError(err).Msg}
}

// checkEntry reports why an entry of a backend cannot be sent. Those of the events
// of the archive have no record.
func checkEntry(e *sdk.Entry, ofArchive bool) error {
	if e.Err != nil {
		return e.Err
	}
	if err := e.Record.Validate(); err != nil && !ofArchive {
		return unreadable("list", e.Record.Tombstone, err)
	}
	for i := range e.Events {
		if err := e.Events[i].ValidateRead(); err != nil {
			return unreadable("list", e.Record.Tombstone, err)
		}
	}
	for i := range e.Holds {
		if err := e.Holds[i].Validate(); err != nil {
			return unreadable("list", e.Record.Tombstone, err)
		}
	}
	return nil
}
