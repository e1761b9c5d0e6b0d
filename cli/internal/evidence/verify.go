package evidence

import (
	"crypto/sha256"
	"errors"
	"fmt"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/codex-archive/codex/sdk"
)

// Report is what a [Checker] found.
type Report struct {
	Lines  int64      // whole lines, up to the broken one if there is one
	Broken int64      // number of the first line that breaks the chain, in its file; 0: none
	Why    string     // what is wrong with it
	Torn   bool       // the last line has no end; the next command sets it aside
	Last   sdk.Digest // hash of the last whole line: write it down to notice later that lines were cut off
	Parts  int        // files with at least one line
}

// Checked says what a report without a broken line proves.
func (r Report) Checked() string {
	if r.Lines == 0 {
		return "Checked: nothing, because the log has no lines."
	}
	return "Checked: no line before the last was changed, removed, inserted or moved."
}

// NotChecked says what a report cannot prove, because the chain is all in the log.
func (r Report) NotChecked() string {
	if r.Lines == 0 {
		return "Not checked: whether nothing was done yet, or the log was deleted."
	}
	return "Not checked: whether lines were cut off at the end, whether the last line was changed, and whether the whole log was written anew."
}

// Checker verifies the chain of a log and makes its Merkle tree, whose leaves are
// the lines without their newlines. Run may be called again to go on behind the
// lines that it has seen.
type Checker struct {
	Report Report

	seq   int64
	next  place
	tree  tree
	links linkReader
}

// Verify checks the chain of the log at path: see [Checker.Run].
func Verify(path string) (Report, error) {
	var c Checker
	err := c.Run(path, nil)
	return c.Report, err
}

// Tree returns size and root of the Merkle tree over the lines so far.
func (c *Checker) Tree() tlog.Tree { return c.tree.head() }

// Run checks the log at path: each line a record, numbered without a gap, and
// holding the hash of the line before, over all parts; each part but the first
// begins with a record ROTATE. each, if not nil, is called with every line that
// fits, and its error ends Run. Another error says that the log could not be
// read.
func (c *Checker) Run(path string, each func(Line) error) error {
	if c.Report.Broken > 0 {
		return nil
	}
	last := FileName
	for line, err := range readFrom(path, c.next, sha256.New()) {
		last = line.Part
		var missing *MissingPartError
		switch {
		case errors.As(err, &missing):
			c.breaks(Line{Part: missing.Name, Number: 1}, missing)
			return nil
		case err != nil:
			return err
		case line.Torn && line.Part == FileName:
			c.Report.Torn = true
			return nil
		}
		if err := c.add(line); err != nil {
			c.breaks(line, err)
			return nil
		}
		if each != nil {
			if err := each(line); err != nil {
				return err
			}
		}
	}
	if last != FileName {
		c.breaks(Line{Part: FileName, Number: 1}, fmt.Errorf("is not there, should be %s: the part that followed %s was emptied", Rotate, last))
	}
	return nil
}

func (c *Checker) breaks(line Line, err error) {
	c.Report.Broken, c.Report.Why = line.Number, fmt.Sprintf("%s: %v", line.Where(), err)
}

// add takes in the next line, unless it does not fit.
func (c *Checker) add(line Line) error {
	l, err := c.links.read(line)
	if err == nil {
		err = l.follows(c.seq, c.Report.Last)
	}
	first := line.Number == 1
	if err == nil && first && c.Report.Parts > 0 && l.Action != Rotate {
		err = fmt.Errorf("a part begins with %s, should begin with %s: the part that followed was lost", l.Action, Rotate)
	}
	if err != nil {
		return err
	}
	if first {
		c.Report.Parts++
	}
	c.Report.Lines++
	c.Report.Last, c.seq = line.Hash, l.Seq
	c.next = place{offset: line.Offset + line.Length + 1, number: line.Number}
	return c.tree.add(tlog.RecordHash(line.Raw))
}
