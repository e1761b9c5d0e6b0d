package evidence

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/tlog"
)

// A receipt is a checkpoint whose further lines are
//
//	codex-archive receipt v1
//	index N                   the line's number in all parts, from 0
//	line {"v":1,…}            the line, byte for byte
//	proof HASH                its inclusion proof, one hash a line, nearest first
//
// It is one signed note, so the signature covers the line as well.
const receiptHead = "codex-archive receipt v1"

// Receipt is what a signed note proves: that a line is in a log.
type Receipt struct {
	Tree   tlog.Tree
	Index  int64
	Line   []byte
	Record *Record
}

// Receipts signs a receipt for each line of the log at path whose seq is listed,
// and hands it out with its record. The chain is checked on the way. The log is
// read twice, and its hashes are kept outside memory.
func (k *PrivateKey) Receipts(path string, seqs []int64, each func(r *Record, signed []byte) error) error {
	if len(seqs) == 0 {
		return nil
	}
	slices.Sort(seqs)
	all := newHashes()
	defer func() { _ = all.Close() }() // they were needed here only
	var start place
	c := Checker{tree: tree{keep: all.add}}
	err := c.Run(path, func(line Line) error {
		if c.tree.size < seqs[0] {
			start = c.next
		}
		return nil
	})
	if err == nil && c.Report.Broken > 0 {
		err = errors.New("the chain is broken: " + c.Report.Why)
	}
	if err == nil {
		err = all.complete()
	}
	if err != nil {
		return err
	}
	index := seqs[0] - 1
	for line, err := range readFrom(path, start, nil) {
		if err != nil {
			return err
		}
		if len(seqs) > 0 && index == seqs[0]-1 {
			if err := k.receipt(c.Tree(), index, line, all, each); err != nil {
				return err
			}
			seqs = seqs[1:]
		}
		if len(seqs) == 0 {
			return nil
		}
		index++
	}
	return errors.New("a line is missing that was just written")
}

// receipt signs the receipt for one line.
func (k *PrivateKey) receipt(t tlog.Tree, index int64, line Line, all tlog.HashReader, each func(*Record, []byte) error) error {
	proof, err := tlog.ProveRecord(t.N, index, all)
	if err != nil {
		return err
	}
	record, err := line.Record()
	if err != nil {
		return err
	}
	more := []string{receiptHead, fmt.Sprintf("index %d", index), "line " + string(line.Raw)}
	for _, h := range proof {
		more = append(more, "proof "+h.String())
	}
	signed, err := k.SignTree(t, more...)
	if err != nil {
		return err
	}
	return each(record, signed)
}

// OpenReceipt checks a receipt: the signature of k, and that the line is in the
// tree.
func (k *PublicKey) OpenReceipt(signed []byte) (*Receipt, error) {
	t, more, err := k.OpenTree(signed)
	if err != nil {
		return nil, err
	}
	if len(more) < 3 || more[0] != receiptHead {
		return nil, errors.New("is a checkpoint and no receipt")
	}
	r := &Receipt{Tree: t, Record: new(Record)}
	index, ok := strings.CutPrefix(more[1], "index ")
	line, ok2 := strings.CutPrefix(more[2], "line ")
	if r.Index, err = strconv.ParseInt(index, 10, 64); err != nil || !ok || !ok2 {
		return nil, errors.New("has no line of a log")
	}
	r.Line = []byte(line)
	var proof tlog.RecordProof
	for _, text := range more[3:] {
		h, err := tlog.ParseHash(strings.TrimPrefix(text, "proof "))
		if err != nil {
			return nil, errors.New("has a proof that is no hash")
		}
		proof = append(proof, h)
	}
	if err := tlog.CheckRecord(proof, t.N, t.Hash, r.Index, tlog.RecordHash(r.Line)); err != nil {
		return nil, errors.New("the line is not in the log that was signed")
	}
	if err := r.Record.UnmarshalJSON(r.Line); err != nil {
		return nil, err
	}
	return r, nil
}
