package evidence

import (
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/codex-archive/codex/sdk"
)

// Version is the v of the records written here.
const Version = 1

// MaxLine is the longest line, in bytes, that is read as a record. Texts are
// cut so that none written here comes near it.
const MaxLine = 1 << 20

// maxSeq is the largest seq that a reader which takes JSON numbers for floating
// point reads exactly.
const maxSeq = 1 << 53

// maxText is where a single text of a record is cut, in bytes. The longest that
// is not cut today is a path.
const maxText = 2 * sdk.MaxPath

// Action says what a record is about. Those of [sdk.Action] are written in the
// same words.
type Action string

// The actions.
const (
	Archive       Action = "ARCHIVE"
	ArchiveFail   Action = "ARCHIVE_FAIL"
	Restore       Action = "RESTORE"
	RestoreFail   Action = "RESTORE_FAIL"
	BatchComplete Action = "BATCH_RESTORE_COMPLETE"
	Recover       Action = "RECOVER"
	Trust         Action = "TRUST"
)

// Actions returns the actions that this program writes.
func Actions() []Action {
	return []Action{Archive, ArchiveFail, Restore, RestoreFail, BatchComplete, Recover, Trust}
}

// known reports whether a is an action that this program writes.
func (a Action) known() bool { return slices.Contains(Actions(), a) }

// InArchive reports whether a success of a is an event in the archive too.
func (a Action) InArchive() bool { return a == Archive || a == Restore }

// Status says how it went.
type Status string

// The statuses.
const (
	Success  Status = "success"
	Started  Status = "started" // of a restore to standard output: another record with the outcome follows
	Failed   Status = "failed"
	Retrying Status = "retrying"
	Refused  Status = "refused"
)

// Record is one line of the log. The fields of the first block are in every
// line; those of the others are written where the action calls for them or
// where they are set.
type Record struct {
	ID       sdk.ID        // that of the event in the database; Append draws one where it is zero
	Seq      int64         // set by Append
	Time     time.Time     // set by Append where it is zero; milliseconds
	Action   Action        // what was done
	Actor    string        // who did it
	Backend  string        // name of the backend
	Duration time.Duration // of this action alone; a tenth of a millisecond
	Status   Status        // how it went
	Prev     sdk.Digest    // set by Append

	Tombstone string // as far as it is known: what the user typed where it was not found
	Repo      string
	Path      string // any bytes; a path that is not UTF-8 is also written as path_b64
	Commit    string

	Output  string // of a restore: where to; any bytes, as Path
	Attempt int    // while retrying: which attempt failed, from 1
	Reason  string // of an archiving: its class; while retrying or recovering: why

	SHA256         string // of the plain bytes, in hex; "" where not known; of TRUST: the hash that was accepted
	Size           int64  // plain bytes
	CompressedSize int64  // stored bytes
	Codec          string

	Decompression *time.Duration // nil: not measured
	Write         *time.Duration // nil: not measured
	Attempts      int            // of a restore: how many it took
	Error         string         // what went wrong; no secret
	URL           string         // redacted; redacted once more when it is written
	DBEvent       string         // "skipped" where the archive could not be told
	Repaired      bool           // written for a command that died before it could

	Batch *Batch // of BATCH_RESTORE_COMPLETE

	SetAside string // of RECOVER: name of the file that holds the torn line, "" where nothing was moved
	Bytes    int64  // of RECOVER: how many; of a restore to standard output: how many were delivered
}

// Batch sums up a batch.
type Batch struct {
	Processed, Succeeded, Failed, Skipped int
	Total                                 time.Duration // wall time
	ResultsFile                           string
}

// wire is a line as JSON: the order of its fields is the order of the keys.
type wire struct {
	V        int    `json:"v"`
	ID       sdk.ID `json:"id"`
	Seq      int64  `json:"seq"`
	TS       stamp  `json:"ts"`
	Action   Action `json:"action"`
	Actor    string `json:"actor"`
	Backend  string `json:"backend"`
	Duration millis `json:"duration_ms"`
	Status   Status `json:"status"`
	Prev     digest `json:"prev"`

	Tombstone *string `json:"tombstone,omitempty"`
	Repo      *string `json:"repo,omitempty"`
	Path      *string `json:"path,omitempty"`
	PathB64   []byte  `json:"path_b64,omitempty"`
	Commit    *string `json:"commit,omitempty"`

	Output    *string `json:"output,omitempty"`
	OutputB64 []byte  `json:"output_b64,omitempty"`
	Attempt   int     `json:"attempt,omitempty"`
	Reason    *string `json:"reason,omitempty"`

	SHA256         *string `json:"sha256,omitempty"`
	Size           *int64  `json:"size,omitempty"`
	CompressedSize *int64  `json:"compressed_size,omitempty"`
	Codec          *string `json:"codec,omitempty"`

	Decompression *millis `json:"decompression_ms,omitempty"`
	Write         *millis `json:"write_ms,omitempty"`
	Attempts      *int    `json:"attempts,omitempty"`
	Error         string  `json:"error,omitempty"`
	URL           string  `json:"url,omitempty"`
	DBEvent       string  `json:"db_event,omitempty"`
	Repaired      bool    `json:"repaired,omitempty"`

	Processed   *int    `json:"items_processed,omitempty"`
	Succeeded   *int    `json:"succeeded,omitempty"`
	Failed      *int    `json:"failed,omitempty"`
	Skipped     *int    `json:"skipped,omitempty"`
	Total       *millis `json:"total_duration_ms,omitempty"`
	ResultsFile *string `json:"results_file,omitempty"`

	SetAside *string `json:"set_aside,omitempty"`
	Bytes    *int64  `json:"bytes,omitempty"`
}

// MarshalJSON writes r as the log does, on one line.
func (r *Record) MarshalJSON() ([]byte, error) { return r.wire().encode(), nil }

func (r *Record) wire() *wire {
	w := &wire{
		V: Version, ID: r.ID, Seq: r.Seq, TS: stamp(r.Time), Action: r.Action,
		Actor: text(r.Actor), Backend: text(r.Backend),
		Duration: millis(r.Duration), Status: r.Status, Prev: digest(r.Prev),
		Attempt: r.Attempt, Error: scrubbed(r.Error), URL: redacted(r.URL),
		DBEvent: text(r.DBEvent), Repaired: r.Repaired,
	}
	w.about(r)
	switch r.Action {
	case Archive, ArchiveFail:
		w.Commit, w.Reason = new(text(r.Commit)), new(text(r.Reason))
		w.SHA256, w.Codec = new(text(r.SHA256)), new(text(r.Codec))
		w.Size, w.CompressedSize = &r.Size, &r.CompressedSize
	case Restore, RestoreFail:
		w.Output, w.OutputB64 = pathText(r.Output)
		w.Decompression, w.Write = (*millis)(r.Decompression), (*millis)(r.Write)
		if r.Bytes > 0 {
			w.Bytes = &r.Bytes
		}
		if r.Status != Retrying && r.Status != Started {
			w.Attempts = &r.Attempts
		}
	case BatchComplete:
		w.batch(r.Batch)
	case Recover:
		w.SetAside, w.Bytes = new(text(r.SetAside)), &r.Bytes
	case Trust:
		w.Path, w.PathB64 = pathText(r.Path)
		w.SHA256 = new(text(r.SHA256))
	}
	if r.Reason != "" && w.Reason == nil || r.Status == Retrying {
		w.Reason = new(scrubbed(r.Reason))
	}
	return w
}

// about fills what says which file a record is about, in every record that
// is about one.
func (w *wire) about(r *Record) {
	switch r.Action {
	case BatchComplete, Recover, Trust:
		return
	}
	w.Tombstone, w.Repo = new(text(r.Tombstone)), new(text(r.Repo))
	w.Path, w.PathB64 = pathText(r.Path)
}

func (w *wire) batch(b *Batch) {
	if b == nil {
		return
	}
	w.Processed, w.Succeeded, w.Failed, w.Skipped = &b.Processed, &b.Succeeded, &b.Failed, &b.Skipped
	w.Total, w.ResultsFile = (*millis)(&b.Total), new(text(b.ResultsFile))
}

// UnmarshalJSON reads a line. Keys that are not known are passed over.
func (r *Record) UnmarshalJSON(line []byte) error {
	var w wire
	if err := json.Unmarshal(line, &w); err != nil {
		return err
	}
	if w.V < 1 || w.Seq < 0 || w.Seq > maxSeq {
		return fmt.Errorf("not an evidence record: v %d, seq %d", w.V, w.Seq)
	}
	*r = Record{
		ID: w.ID, Seq: w.Seq, Time: time.Time(w.TS), Action: w.Action, Actor: w.Actor,
		Backend: w.Backend, Duration: time.Duration(w.Duration), Status: w.Status, Prev: sdk.Digest(w.Prev),
		Tombstone: deref(w.Tombstone), Repo: deref(w.Repo), Path: pathBytes(w.Path, w.PathB64), Commit: deref(w.Commit),
		Output: pathBytes(w.Output, w.OutputB64), Attempt: w.Attempt, Reason: deref(w.Reason),
		SHA256: deref(w.SHA256), Size: deref(w.Size), CompressedSize: deref(w.CompressedSize), Codec: deref(w.Codec),
		Decompression: (*time.Duration)(w.Decompression), Write: (*time.Duration)(w.Write),
		Attempts: deref(w.Attempts), Error: w.Error, URL: w.URL, DBEvent: w.DBEvent, Repaired: w.Repaired,
		SetAside: deref(w.SetAside), Bytes: deref(w.Bytes),
	}
	if w.Processed != nil {
		r.Batch = &Batch{
			Processed: *w.Processed, Succeeded: deref(w.Succeeded), Failed: deref(w.Failed), Skipped: deref(w.Skipped),
			Total: time.Duration(deref(w.Total)), ResultsFile: deref(w.ResultsFile),
		}
	}
	return nil
}

func deref[T any](p *T) (v T) {
	if p != nil {
		v = *p
	}
	return v
}

// text cuts s to maxText bytes of UTF-8.
func text(s string) string {
	if len(s) > maxText {
		s = s[:maxText] + "…"
	}
	return strings.ToValidUTF8(s, "\uFFFD")
}

// scrubbed is text for what others worded: the last guard against a secret
// that came along with a URL. Words with an "@" and no URL are left alone.
func scrubbed(s string) string {
	if s == "" {
		return "" // as in nearly all records
	}
	if strings.Contains(s, "://") || !strings.Contains(s, "@") {
		s = sdk.RedactURL(s)
	}
	return text(s)
}

func redacted(url string) string {
	if url == "" {
		return ""
	}
	return text(sdk.RedactURL(url))
}

// pathText returns a path for people, and its bytes where these are not the
// same.
func pathText(path string) (*string, []byte) {
	shown := text(path)
	if utf8.ValidString(path) {
		return &shown, nil
	}
	return &shown, []byte(path[:min(len(path), maxText)])
}

func pathBytes(shown *string, raw []byte) string {
	if raw != nil {
		return string(raw)
	}
	return deref(shown)
}

// millis is a duration as a JSON number of milliseconds with one decimal.
type millis time.Duration

func (m millis) MarshalJSON() ([]byte, error) { return m.append(nil), nil }

func (m millis) append(dst []byte) []byte {
	tenths := math.Round(float64(max(m, 0)) / float64(100*time.Microsecond))
	return strconv.AppendFloat(dst, tenths/10, 'f', 1, 64)
}

func (m *millis) UnmarshalJSON(b []byte) error {
	f, err := strconv.ParseFloat(string(b), 64)
	if err != nil || f < 0 || f > float64(math.MaxInt64/int64(time.Millisecond)) {
		return fmt.Errorf("%.40q is not a duration", b)
	}
	*m = millis(math.Round(f * float64(time.Millisecond)))
	return nil
}

// TimeForm is how times are written: RFC 3339 in UTC with milliseconds. Two of
// them compare as texts do.
const TimeForm = "2006-01-02T15:04:05.000Z"

type stamp time.Time

func (t stamp) MarshalText() ([]byte, error) {
	return time.Time(t).UTC().AppendFormat(nil, TimeForm), nil
}

func (t *stamp) UnmarshalText(b []byte) error {
	parsed, err := time.Parse(time.RFC3339Nano, string(b))
	*t = stamp(parsed.UTC())
	return err
}

// digest is a SHA-256 as 64 lower-case hex digits.
type digest sdk.Digest

func (d digest) MarshalText() ([]byte, error) { return sdk.Digest(d).MarshalText() }

func (d *digest) UnmarshalText(b []byte) error {
	if len(b) != hex.EncodedLen(len(d)) {
		return fmt.Errorf("%.80q is not a SHA-256", b)
	}
	_, err := hex.Decode(d[:], b)
	return err
}
