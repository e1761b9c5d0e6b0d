package batch

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/codex-archive/codex/cli/internal/output"
)

// readCSV reads RFC 4180 with a header that names the fields in any order.
func (m *Manifest) readCSV(text []byte) error {
	r := csv.NewReader(bytes.NewReader(text))
	r.ReuseRecord = true
	r.FieldsPerRecord = -1 // the errors are ours, with the item
	header, err := r.Read()
	if errors.Is(err, io.EOF) {
		return fmt.Errorf("%s: empty, want the header tombstone,output", m.Path)
	}
	if err != nil {
		return m.brokenCSV(err)
	}
	header = slices.Clone(header)
	if err := m.checkHeader(header); err != nil {
		return err
	}
	for {
		row, err := r.Read()
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return m.brokenCSV(err)
		case len(m.Items) == MaxItems:
			return m.tooMany()
		}
		if err := m.addRow(header, row); err != nil {
			return err
		}
	}
}

func (m *Manifest) checkHeader(header []string) error {
	for i, name := range header {
		switch {
		case !slices.Contains(fields, name):
			return fmt.Errorf("%s: header: unknown field %.80q, %s", m.Path, name, fieldsAllowed)
		case slices.Contains(header[:i], name):
			return fmt.Errorf("%s: header: %s is there twice", m.Path, name)
		}
	}
	for _, name := range fields[:2] {
		if !slices.Contains(header, name) {
			return fmt.Errorf("%s: header: %s is missing", m.Path, name)
		}
	}
	return nil
}

func (m *Manifest) addRow(header, row []string) error {
	index := len(m.Items)
	m.Items = append(m.Items, Item{})
	switch {
	case len(row) < len(header):
		return m.errorAt(index, header[len(row)], "is missing: found %s, the header has %d", output.Count(len(row), "field"), len(header))
	case len(row) > len(header):
		return m.errorAt(index, "", "found %s, the header has %d: a comma in a value needs quotes around it", output.Count(len(row), "field"), len(header))
	}
	for i, name := range header {
		// The reader's strings share one row's memory.
		m.Items[index].set(name, strings.Clone(row[i]))
	}
	return nil
}

// brokenCSV names the item that can't be read, which is the one after those
// that could.
func (m *Manifest) brokenCSV(err error) error {
	var parse *csv.ParseError
	if errors.As(err, &parse) {
		return fmt.Errorf("%s:%d: item %d: broken CSV: %w", m.Path, parse.Line, len(m.Items)+1, parse.Err)
	}
	return fmt.Errorf("%s: %w", m.Path, err)
}
