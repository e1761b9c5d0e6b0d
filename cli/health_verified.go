package main

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/codex-archive/codex/cli/internal/app"
	"github.com/codex-archive/codex/cli/internal/escape"
	"github.com/codex-archive/codex/cli/internal/output"
	"github.com/codex-archive/codex/cli/internal/verifier"
	"github.com/codex-archive/codex/sdk"
)

// verifiedView is a verification, as a health check shows it.
type verifiedView struct {
	At       time.Time `json:"at"`
	By       string    `json:"by"`
	All      bool      `json:"all"`      // of all records
	Selected string    `json:"selected"` // in words
	Records  int64     `json:"records"`
	Intact   int64     `json:"intact"`
	Bad      int64     `json:"bad"`                       // damaged, missing or unreadable
	Failed   int64     `json:"failed"`                    // not verified, and not purged
	Earlier  int64     `json:"earlier_records,omitempty"` // taken from the results file of runs before
}

// String says when content was verified, and how much of it.
func (v *verifiedView) String() string {
	if v == nil {
		return "never"
	}
	what := "everything, " + output.Count(v.Records, "record")
	if !v.All {
		what = output.Count(v.Records, "record") + ": " + escape.Text(v.Selected)
	}
	var found []string
	if v.Bad > 0 {
		found = append(found, fmt.Sprintf("%d of them damaged, missing or unreadable", v.Bad))
	}
	switch {
	case v.Failed > 0:
		found = append(found, fmt.Sprintf("%d of them not verified", v.Failed))
	case v.Failed < 0:
		found = append(found, "counts that do not agree")
	}
	if len(found) == 0 {
		found = append(found, "intact")
	}
	if v.Earlier > 0 {
		found = append(found, fmt.Sprintf("%d of them by runs before, as their results file said", v.Earlier))
	}
	return fmt.Sprintf("%s (%s; %s)", output.Stamp(v.At), what, strings.Join(found, ", "))
}

func stampOrNever(t *time.Time) string {
	if t == nil {
		return "never"
	}
	return output.Stamp(*t)
}

// verifications is what the history of an archive says of them.
type verifications struct {
	last *verifiedView // nil: none
	all  time.Time     // when the last one of all records began; zero: none
}

// lastVerified asks the archive when its content was verified.
func lastVerified(ctx context.Context, archive *app.Archive) (v verifications, err error) {
	backend, err := archive.Backend(ctx)
	if err != nil {
		return v, err
	}
	for entry, err := range backend.List(ctx, sdk.Query{OfArchive: true}) {
		if err != nil {
			return v, err
		}
		if entry.Err != nil || len(entry.Events) != 1 || entry.Events[0].Action != sdk.ActionVerify || entry.Events[0].Detail["structure"] != "" {
			continue
		}
		one := viewVerification(&entry.Events[0])
		if v.last == nil {
			v.last = one
		}
		if one.All {
			v.all = begun(&entry.Events[0])
			break
		}
	}
	return v, nil
}

func viewVerification(e *sdk.Event) *verifiedView {
	count := func(key string) int64 {
		n, _ := strconv.ParseInt(e.Detail[key], 10, 64) // 0 where another program wrote something else
		return n
	}
	v := &verifiedView{
		At: e.At, By: e.Actor, Selected: e.Detail["selected"],
		Records: count("records"), Intact: count("intact"), Bad: count("damaged") + count("missing") + count("unreadable"),
		Earlier: count("earlier_records"),
	}
	// Counted by what was found: a count that the event lacks is no success.
	v.Failed = v.Records - v.Intact - v.Bad - count("purged")
	v.All = v.Selected == verifier.All && v.Failed == 0
	return v
}

// begun is when the first of the runs began that an event sums up: what was read
// then may be damaged since.
func begun(e *sdk.Event) time.Time {
	t, err := time.Parse(time.RFC3339Nano, e.Detail["begun"])
	if err != nil || t.After(e.At) {
		return e.At
	}
	return t
}

// warnOverdue says that content was not verified for longer than verify.max_age.
func warnOverdue(c *app.Command, all time.Time) {
	days := c.Config.Verify.MaxAge
	switch {
	case days == 0:
	case all.IsZero():
		c.Log.Warn(fmt.Sprintf("Not all content was ever verified (verify.max_age is %s): codex archive verify", output.Count(days, "day")))
	case time.Since(all) > time.Duration(days)*24*time.Hour:
		c.Log.Warn(fmt.Sprintf("All content was last verified on %s, more than %s ago (verify.max_age): codex archive verify", output.Stamp(all), output.Count(days, "day")))
	}
}
