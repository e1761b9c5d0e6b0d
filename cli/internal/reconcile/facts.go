package reconcile

import (
	"crypto/sha256"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/codex-archive/codex/cli/internal/evidence"
	"github.com/codex-archive/codex/sdk"
)

// facts are what a line and the event of the same id both say, and the record
// that it is about: names and values by turns.
type facts []string

func (f facts) digest() (d [16]byte) {
	sum := sha256.New()
	for _, text := range f {
		_, _ = fmt.Fprintf(sum, "%d:%s", len(text), text) // a hash takes everything
	}
	copy(d[:], sum.Sum(nil))
	return d
}

func factsOfLine(r *evidence.Record) facts {
	f := facts{"action", string(r.Action), "actor", r.Actor, "host", r.Host, "tombstone", r.Tombstone, "repo", r.Repo, "path", r.Path}
	switch r.Action {
	case evidence.Archive:
		f = append(f, "commit", r.Commit, "reason", r.Reason, "sha256", r.SHA256, "size", strconv.FormatInt(r.Size, 10), "record digest", r.Digest.String())
	case evidence.Restore:
		f = append(f, "output", evidence.EventOutput(r.Output))
	case evidence.Hold, evidence.Release:
		f = append(f, "case", r.Case, "note", r.Note, "sha256", r.SHA256)
	case evidence.Retain, evidence.PruneRequest, evidence.Purge:
		f = append(f, "note", r.Note, "sha256", r.SHA256)
	case evidence.Verified:
		if r.Verified != nil {
			f = f.with(r.Verified.Detail())
		}
	}
	return f
}

// with returns f and the pairs of a detail.
func (f facts) with(detail map[string]string) facts {
	for _, key := range slices.Sorted(maps.Keys(detail)) {
		f = append(f, key, detail[key])
	}
	return f
}

func factsOfEvent(e *sdk.Event, r *sdk.Record) facts {
	f := facts{"action", string(e.Action), "actor", e.Actor, "host", e.Host, "tombstone", tombstone(e.Tombstone), "repo", r.Repo, "path", r.Path}
	switch e.Action {
	case sdk.ActionArchive:
		f = append(f, "commit", r.Commit, "reason", r.Reason, "sha256", r.Content.SHA256.String(), "size", strconv.FormatInt(r.Content.Size, 10), "record digest", r.Digest.String())
	case sdk.ActionRestore:
		f = append(f, "output", e.Detail["output"])
	case sdk.ActionHold, sdk.ActionRelease:
		f = append(f, "case", e.Case, "note", e.Detail["note"], "sha256", r.Content.SHA256.String())
	case sdk.ActionRetain, sdk.ActionPruneRequest, sdk.ActionPurge:
		f = append(f, "note", e.Detail["note"], "sha256", r.Content.SHA256.String())
	case sdk.ActionVerify:
		f = f.with(e.Detail)
	}
	return f
}

// tombstone is empty for an event of the archive, as in its line.
func tombstone(id sdk.Tombstone) string {
	if id.IsZero() {
		return ""
	}
	return id.String()
}

// untilOf is the new end of a retention that a line is about.
func untilOf(r *evidence.Record) int64 {
	if r.Action != evidence.Retain {
		return 0
	}
	return micros(r.Until)
}

// differences says in what a line and its event differ.
func differences(r *evidence.Record, e *sdk.Event, stored *sdk.Record) string {
	line, row := factsOfLine(r), factsOfEvent(e, stored)
	var words []string
	for i := 0; i+1 < min(len(line), len(row)); i += 2 {
		if line[i] == row[i] && line[i+1] != row[i+1] {
			words = append(words, fmt.Sprintf("%s is %q in the log and %q in the archive", line[i], line[i+1], row[i+1]))
		}
	}
	if at := micros(r.EventAt); at != 0 && at != micros(e.At) {
		words = append(words, fmt.Sprintf("the time is %s in the log and %s in the archive", r.EventAt.Format(evidence.ExactForm), e.At.Format(evidence.ExactForm)))
	}
	if untilOf(r) != micros(e.RetainUntil) {
		words = append(words, fmt.Sprintf("the retention ends %s in the log and %s in the archive", r.Until.Format(evidence.ExactForm), e.RetainUntil.Format(evidence.ExactForm)))
	}
	if has := evidence.EffectOf(e); r.Effect != "" && r.Effect != has {
		words = append(words, fmt.Sprintf("the effect is %q in the log and %q in the archive", r.Effect, has))
	}
	return strings.Join(words, "; ")
}
