package reconcile

import (
	"encoding/binary"
	"time"

	"github.com/codex-archive/codex/cli/internal/evidence"
	"github.com/codex-archive/codex/sdk"
)

// side says where an item comes from. Events are sorted before lines.
type side byte

const (
	event side = iota
	logged
)

// item is what is kept of a line or an event.
type item struct {
	id        sdk.ID
	side      side
	facts     [16]byte // of what both say: see [facts]
	at, until int64    // microseconds, 0: none
	effect    effect   // of an event of a case
	host      int      // of an event

	log, part      int // of a line
	number, offset int64
	archive        int // that it is about; 0: the one that is compared
}

// effect is an [evidence.Effect] in one byte.
type effect byte

func effectOf(e evidence.Effect) effect {
	switch e {
	case evidence.Effective:
		return 1
	case evidence.NoEffect:
		return 2
	}
	return 0
}

// itemSize is the length of an encoded item.
const itemSize = 16 + 1 + 1 + 16 + 8 + 8 + 4 + 4 + 4 + 4 + 8 + 8

func (it item) encode() []byte {
	b := make([]byte, 0, itemSize)
	b = append(append(b, it.id[:]...), byte(it.side), byte(it.effect))
	b = append(b, it.facts[:]...)
	for _, n := range []int64{it.at, it.until} {
		b = binary.BigEndian.AppendUint64(b, uint64(n))
	}
	for _, n := range []int{it.host, it.log, it.part, it.archive} {
		b = binary.BigEndian.AppendUint32(b, uint32(n))
	}
	for _, n := range []int64{it.number, it.offset} {
		b = binary.BigEndian.AppendUint64(b, uint64(n))
	}
	return b
}

func decodeItem(b []byte) (it item) {
	copy(it.id[:], b)
	it.side, it.effect = side(b[16]), effect(b[17])
	copy(it.facts[:], b[18:])
	b = b[34:]
	it.at, it.until = int64(binary.BigEndian.Uint64(b)), int64(binary.BigEndian.Uint64(b[8:]))
	b = b[16:]
	it.host, it.log, it.part = int(binary.BigEndian.Uint32(b)), int(binary.BigEndian.Uint32(b[4:])), int(binary.BigEndian.Uint32(b[8:]))
	it.archive = int(binary.BigEndian.Uint32(b[12:]))
	b = b[16:]
	it.number, it.offset = int64(binary.BigEndian.Uint64(b)), int64(binary.BigEndian.Uint64(b[8:]))
	return it
}

// micros is a time as both sides have it.
func micros(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMicro()
}
