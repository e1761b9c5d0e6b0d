package evidence

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/codex-archive/codex/cli/internal/escape"
	"github.com/codex-archive/codex/cli/internal/output"
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
	Hold          Action = "HOLD"
	Release       Action = "RELEASE"
	Retain        Action = "RETAIN"
	PruneRequest  Action = "PRUNE_REQUEST"
	Purge         Action = "PURGE"
	PurgeRefused  Action = "PURGE_REFUSED"
	Copy          Action = "COPY"
	Verified      Action = "VERIFY"
	Repair        Action = "REPAIR"
	Recrypt       Action = "RECRYPT"
	Checkpoint    Action = "CHECKPOINT"
	Rotate        Action = "ROTATE"
)

// Actions returns the actions that this program writes.
func Actions() []Action {
	return []Action{
		Archive, ArchiveFail, Restore, RestoreFail, BatchComplete, Recover, Trust,
		Hold, Release, Retain, PruneRequest, Purge, PurgeRefused, Copy, Verified, Repair, Recrypt, Checkpoint, Rotate,
	}
}

// known reports whether a is an action that this program writes.
func (a Action) known() bool { return slices.Contains(Actions(), a) }

// InArchive reports whether a success of a is an event in the archive too.
func (a Action) InArchive() bool {
	switch a {
	case Archive, Restore, Hold, Release, Retain, PruneRequest, Purge, Verified:
		return true
	}
	return false
}

// InArchive reports whether r is about an event that the archive has too.
func (r *Record) InArchive() bool {
	return r.Status == Success && r.Action.InArchive() && r.DBEvent == ""
}

// EventOutput is how the event of a restore names its output.
func EventOutput(path string) string {
	if shown := escape.Text(path); len(shown) <= sdk.MaxPath {
		return shown
	}
	return escape.Text(filepath.Base(path))
}

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

// Effect says what an event of a case has done, as the archive told it after the
// commit; "" where it was not asked.
type Effect string

// The effects.
const (
	Effective Effect = "done" // a hold was placed, or released
	NoEffect  Effect = "none" // the case was active already, or was not
)

// EffectOf returns the effect of an event, "" where it is of no case.
func EffectOf(e *sdk.Event) Effect {
	switch {
	case e.Action != sdk.ActionHold && e.Action != sdk.ActionRelease:
		return ""
	case e.NoEffect:
		return NoEffect
	}
	return Effective
}

// Record is one line of the log: the order of its fields is the order of the
// keys. A field that is zero has no key, unless its tag "always" names the action.
type Record struct {
	V        int           `json:"v"`           // set by Append
	ID       sdk.ID        `json:"id"`          // that of the event in the database; Append draws one where it is zero
	Seq      int64         `json:"seq"`         // set by Append
	Time     time.Time     `json:"ts"`          // set by Append where it is zero; milliseconds
	Action   Action        `json:"action"`      // what was done
	Actor    string        `json:"actor"`       // who did it
	Backend  string        `json:"backend"`     // name of the backend
	Duration output.Millis `json:"duration_ms"` // of this action alone
	Status   Status        `json:"status"`      // how it went
	Prev     sdk.Digest    `json:"prev"`        // set by Append

	Tombstone string `json:"tombstone,omitzero" always:"ARCHIVE RESTORE"` // as far as it is known: what the user typed where it was not found
	Repo      string `json:"repo,omitzero" always:"ARCHIVE RESTORE"`
	Path      string `json:"path,omitzero" always:"ARCHIVE RESTORE TRUST"` // any bytes
	PathB64   []byte `json:"path_b64,omitzero"`                            // only in JSON: a path that is not UTF-8
	Commit    string `json:"commit,omitzero" always:"ARCHIVE"`

	Output    string `json:"output,omitzero" always:"RESTORE"` // of a restore: where to; any bytes
	OutputB64 []byte `json:"output_b64,omitzero"`              // only in JSON: an output that is not UTF-8
	Attempt   int    `json:"attempt,omitzero"`                 // while retrying: which attempt failed, from 1
	Reason    string `json:"reason,omitzero" always:"ARCHIVE"` // of an archiving: its class; while retrying or recovering: why

	SHA256         string `json:"sha256,omitzero" always:"ARCHIVE TRUST"`    // of the plain bytes, in hex; "" where not known; of TRUST: the hash that was accepted
	Size           int64  `json:"size,omitzero" always:"ARCHIVE"`            // plain bytes
	CompressedSize int64  `json:"compressed_size,omitzero" always:"ARCHIVE"` // stored bytes
	Codec          string `json:"codec,omitzero" always:"ARCHIVE"`

	Case        string    `json:"case,omitzero" always:"HOLD RELEASE"` // which case
	Effect      Effect    `json:"effect,omitzero"`                     // of HOLD and RELEASE: whether it placed or released a hold
	Until       time.Time `json:"until,omitzero"`                      // of RETAIN: the new end; of PURGE_REFUSED: that of the retention
	Note        string    `json:"note,omitzero"`                       // what the user says to it
	Verdict     string    `json:"verdict,omitzero"`                    // of PURGE and PURGE_REFUSED: an [sdk.Outcome], or "drifted"
	Plan        string    `json:"plan,omitzero"`                       // of PURGE and PURGE_REFUSED: digest of the plan that was applied
	Certificate string    `json:"certificate,omitzero"`                // of PURGE: file of the certificate

	Decompression *output.Millis `json:"decompression_ms,omitzero"` // nil: not measured
	Write         *output.Millis `json:"write_ms,omitzero"`         // nil: not measured
	Attempts      int            `json:"attempts,omitzero"`         // of a restore that ended: how many it took
	Error         string         `json:"error,omitzero"`            // what went wrong; no secret
	URL           string         `json:"url,omitzero"`              // redacted; redacted once more when it is written
	DBEvent       string         `json:"db_event,omitzero"`         // "skipped" where the archive could not be told
	Repaired      bool           `json:"repaired,omitzero"`         // written for a command that died before it could

	*Batch    // of BATCH_RESTORE_COMPLETE: its keys are those of the record
	*Transfer // of COPY: likewise

	Source   string        `json:"from,omitzero"`     // of REPAIR: where the bytes come from
	Verified *Verification `json:"verified,omitzero"` // of VERIFY

	Recrypted *Recryption `json:"recrypted,omitzero"` // of RECRYPT

	Host    string     `json:"host,omitzero"`     // name of the machine that did it
	Archive sdk.ID     `json:"archive,omitzero"`  // identity of the archive that has the event of this record; set by Append
	EventAt time.Time  `json:"event_at,omitzero"` // time of that event; zero where it is not known
	Digest  sdk.Digest `json:"record,omitzero"`   // of ARCHIVE: digest of the archive's record

	*Tree // of CHECKPOINT and ROTATE: its keys are those of the record

	SetAside string `json:"set_aside,omitzero" always:"RECOVER"` // of RECOVER: name of the file that holds the torn line, "" where nothing was moved
	Bytes    int64  `json:"bytes,omitzero" always:"RECOVER"`     // of RECOVER: how many; of a restore to standard output: how many were delivered
}

// Batch sums up a batch.
type Batch struct {
	Processed   int           `json:"items_processed"`
	Succeeded   int           `json:"succeeded"`
	Failed      int           `json:"failed"`
	Skipped     int           `json:"skipped"`
	Total       output.Millis `json:"total_duration_ms"` // wall time
	ResultsFile string        `json:"results_file"`
}

// Transfer sums up a copy, or a group of it. Its URLs are redacted.
type Transfer struct {
	Scope    string `json:"scope"`        // "run" or "group"
	From     sdk.ID `json:"from_archive"` // identity of the source
	FromURL  string `json:"from_url"`
	To       sdk.ID `json:"to_archive"` // identity of the destination
	ToURL    string `json:"to_url"`
	Records  int    `json:"records"`       // of the group, or of the run
	Copied   int    `json:"copied"`        // that the destination did not have
	Updated  int    `json:"updated"`       // that it had, with less history
	Present  int    `json:"present"`       // that it had
	Left     int    `json:"left_out"`      // that were named as failed
	Events   int    `json:"events"`        // of history, that it did not have
	BytesOut int64  `json:"content_bytes"` // stored bytes that were sent
}

// Tree is the Merkle tree over the lines that a checkpoint signs.
type Tree struct {
	Lines      int64  `json:"tree_size"`       // leaves
	Root       string `json:"tree_root"`       // in base64
	Key        string `json:"key"`             // name and hash of the key that signed
	Checkpoint string `json:"checkpoint"`      // file of the checkpoint, "" where it was printed
	Closed     string `json:"closed,omitzero"` // of ROTATE: name of the part that was closed
}

// MarshalJSON writes r as the log does, on one line.
func (r *Record) MarshalJSON() ([]byte, error) { return r.encode(), nil }

// cut returns r as it is written: paths with their bytes where they are not
// UTF-8, and what others worded without secrets.
func (r *Record) cut() Record {
	c := *r
	c.V, c.Time = Version, r.Time.Truncate(time.Millisecond)
	c.Path, c.PathB64 = pathText(r.Path)
	c.Output, c.OutputB64 = pathText(r.Output)
	c.Error, c.URL, c.Source = scrubbed(r.Error), redacted(r.URL), scrubbed(r.Source)
	if c.Action.of() != Archive || c.Status == Retrying {
		c.Reason = scrubbed(r.Reason)
	}
	return c
}

// UnmarshalJSON reads a line. Keys that are not known are passed over.
func (r *Record) UnmarshalJSON(line []byte) error {
	type tagged Record // without this method
	var t tagged
	if err := json.Unmarshal(line, &t); err != nil {
		return err
	}
	if t.V < 1 || t.Seq < 0 || t.Seq > maxSeq {
		return fmt.Errorf("not an evidence record: v %d, seq %d", t.V, t.Seq)
	}
	t.Time, t.EventAt = t.Time.UTC(), t.EventAt.UTC()
	t.Path, t.PathB64 = pathBytes(t.Path, t.PathB64), nil
	t.Output, t.OutputB64 = pathBytes(t.Output, t.OutputB64), nil
	*r = Record(t)
	return nil
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
	return sdk.RedactURL(url)
}

// pathText returns a path for people, and its bytes where these are not the
// same.
func pathText(path string) (string, []byte) {
	shown, b64 := output.PathText(path)
	if b64 == "" {
		return shown, nil
	}
	return shown, []byte(path[:min(len(path), maxText)])
}

func pathBytes(shown string, raw []byte) string {
	if raw != nil {
		return string(raw)
	}
	return shown
}

// TimeForm is how times are written: RFC 3339 in UTC with milliseconds. Two of
// them compare as texts do.
const TimeForm = "2006-01-02T15:04:05.000Z"

// ExactForm is how a time is written that an archive has too.
const ExactForm = "2006-01-02T15:04:05.000000Z"
