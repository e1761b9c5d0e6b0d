package main

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"io"
	"iter"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/codex-archive/codex/cli/internal/app"
	"github.com/codex-archive/codex/cli/internal/evidence"
	"github.com/codex-archive/codex/cli/internal/extsort"
	"github.com/codex-archive/codex/cli/internal/find"
	"github.com/codex-archive/codex/cli/internal/output"
	"github.com/codex-archive/codex/sdk"
)

// eventLine is an event of the archive, with the keys that the log has for it.
type eventLine struct {
	ID          string            `json:"id"`
	Time        string            `json:"ts"`
	Action      string            `json:"action"`
	Actor       string            `json:"actor"`
	Host        string            `json:"host"`
	Tombstone   string            `json:"tombstone"`
	Repo        string            `json:"repo"`
	Path        string            `json:"path"`
	PathB64     string            `json:"path_b64,omitempty"`
	Reason      string            `json:"reason,omitempty"` // of ARCHIVE
	Case        string            `json:"case,omitempty"`
	RetainUntil *time.Time        `json:"retain_until,omitempty"`
	Detail      map[string]string `json:"detail,omitempty"`
}

func viewEvent(e *sdk.Event, r *sdk.Record) eventLine {
	v := eventLine{
		ID: e.ID.String(), Time: e.At.UTC().Format(evidence.TimeForm), Action: string(e.Action), Actor: e.Actor, Host: e.Host,
		Repo: r.Repo, Case: e.Case, RetainUntil: output.OptionalTime(e.RetainUntil), Detail: e.Detail,
	}
	if !e.Tombstone.IsZero() {
		v.Tombstone = e.Tombstone.String()
	}
	v.Path, v.PathB64 = output.PathText(r.Path)
	if e.Action == sdk.ActionArchive {
		v.Reason = r.Reason
	}
	return v
}

// happened is an event of the archive with its record, or why a row cannot be read.
type happened struct {
	event  *sdk.Event
	record *sdk.Record
	err    error
}

// events yields those events of the archive that f selects, in no order.
func events(ctx context.Context, backend sdk.Backend, f evidenceFilter) iter.Seq2[happened, error] {
	q := sdk.Query{WithEvents: true}
	if _, _, err := sdk.PrefixRange(f.tombstone); err == nil && f.tombstone != "" {
		q.Prefix = f.tombstone
	}
	return func(yield func(happened, error) bool) {
		for entry, err := range find.Events(ctx, backend, q) {
			if err != nil {
				yield(happened{}, err)
				return
			}
			h := happened{record: &entry.Record}
			if h.err = entry.Err; h.err != nil && !yield(h, nil) {
				return
			}
			h.err = nil
			for i := range entry.Events {
				if h.event = &entry.Events[i]; f.passesEvent(h.event) && !yield(h, nil) {
					return
				}
			}
		}
	}
}

func (f evidenceFilter) passesEvent(e *sdk.Event) bool {
	return strings.HasPrefix(e.Tombstone.String(), f.tombstone) &&
		(f.action == "" || string(e.Action) == f.action) && (f.by == "" || e.Actor == f.by) && !e.At.Before(f.since)
}

// showHistory prints the events of the archive, oldest first. They are sorted
// outside memory.
func showHistory(ctx context.Context, c *app.Command, out io.Writer, f evidenceFilter) error {
	backend, err := c.Reach(ctx)
	if err != nil {
		return err
	}
	var sorted extsort.Sorter
	defer func() { _ = sorted.Close() }() // nothing of it is needed any more
	unreadable := 0
	for e, err := range events(ctx, backend, f) {
		switch {
		case err != nil:
			return err
		case e.err != nil:
			unreadable++
			c.Log.Warn("A row cannot be read: " + output.Words(e.err))
			continue
		}
		if err := sorted.Add(historyItem(e)); err != nil {
			return err
		}
	}
	for item, err := range sorted.All() {
		if err == nil {
			err = writeEvent(c, out, item[historyKey:])
		}
		if err != nil {
			return err
		}
	}
	if unreadable > 0 {
		return output.Errorf(output.KindOf(sdk.Corrupt), "the archive has %s that cannot be read", output.Count(unreadable, "row"))
	}
	return nil
}

// historyKey is how long the part of an item is that it is sorted by, in bytes.
const historyKey = 8 + 16

func historyItem(h happened) []byte {
	key := binary.BigEndian.AppendUint64(nil, uint64(h.event.At.UnixMicro())^1<<63)
	line, _ := json.Marshal(viewEvent(h.event, h.record)) // texts and times have no error
	return slices.Concat(key, h.event.ID[:], line)
}

func writeEvent(c *app.Command, out io.Writer, line []byte) error {
	var e eventLine
	if err := json.Unmarshal(line, &e); err != nil {
		return err
	}
	if c.JSON {
		return output.WriteJSONLine(out, e)
	}
	_, err := io.WriteString(out, folded(e.words(), output.Width(c.Env.Stdout))+"\n")
	return err
}

// words are the event as people read it.
func (e eventLine) words() []string {
	at, _ := time.Parse(evidence.TimeForm, e.Time) // in this form: see viewEvent
	words := []string{output.Stamp(at), e.Action, "by " + e.Actor, "on " + hostName(e.Host), e.Tombstone, e.Repo, e.Path}
	if e.Reason != "" {
		words = append(words, "reason: "+e.Reason)
	}
	if e.Case != "" {
		words = append(words, "case: "+e.Case)
	}
	if e.RetainUntil != nil {
		words = append(words, "until: "+output.Stamp(*e.RetainUntil))
	}
	for _, key := range slices.Sorted(maps.Keys(e.Detail)) {
		words = append(words, key+": "+e.Detail[key])
	}
	return words
}
