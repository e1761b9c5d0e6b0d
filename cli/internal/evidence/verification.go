package evidence

import (
	"strconv"
	"time"

	"github.com/codex-archive/codex/sdk"
)

// Verification is what was verified, and what was found. A run that came to its
// end is a success, whatever it found.
type Verification struct {
	Selected   string    `json:"selected"`      // "all", or what was asked for in words
	Structure  bool      `json:"structure"`     // no content was read
	Begun      time.Time `json:"begun"`         // of several runs that resumed each other: the first
	Records    int64     `json:"records"`       // all of them, purged ones too
	Contents   int64     `json:"contents"`      // that were read, each once
	Bytes      int64     `json:"content_bytes"` // of them, plain
	Intact     int64     `json:"intact"`
	Damaged    int64     `json:"damaged"`
	Missing    int64     `json:"missing"`
	Unreadable int64     `json:"unreadable"`
	Purged     int64     `json:"purged"`
	Failed     int64     `json:"failed"`                   // could not be verified
	Earlier    int64     `json:"earlier_records,omitzero"` // of Records: by runs that this one went on from, as the results file says
	Results    string    `json:"results_file"`
}

// Detail is v as the event of the archive has it.
func (v *Verification) Detail() map[string]string {
	detail := map[string]string{
		"selected": v.Selected[:min(len(v.Selected), sdk.MaxName)], "begun": v.Begun.UTC().Format(time.RFC3339Nano),
	}
	if v.Structure {
		detail["structure"] = "true"
	}
	if v.Earlier > 0 {
		detail["earlier_records"] = strconv.FormatInt(v.Earlier, 10)
	}
	for key, n := range map[string]int64{
		"records": v.Records, "contents": v.Contents, "content_bytes": v.Bytes, "intact": v.Intact, "damaged": v.Damaged,
		"missing": v.Missing, "unreadable": v.Unreadable, "purged": v.Purged, "failed": v.Failed,
	} {
		detail[key] = strconv.FormatInt(n, 10)
	}
	return detail
}
