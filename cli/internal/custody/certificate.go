package custody

import (
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/codex-archive/codex/cli/internal/output"
	"github.com/codex-archive/codex/sdk"
)

// certificateHead is the first line of a certificate.
const certificateHead = "codex-archive purge certificate v1"

// rule is what every purge in a certificate has kept to.
const rule = "each purge was asked for by another person; no hold was active; the retention was over, by the earlier of two clocks"

// Certificate says what was purged. It is a signed note whose text is
//
//	codex-archive purge certificate v1
//	archive ID                the identity of the archive
//	backend NAME
//	made TIME
//	plan DIGEST               of the plan that was applied, where there was one
//	rule …
//	records N
//
// and a line of JSON for each record, a [Certified].
type Certificate struct {
	Archive sdk.ID
	Backend string
	Made    time.Time
	Plan    string // "" for none
	Records []Certified
}

// Certified is a record that was purged, as the archive's history tells it.
type Certified struct {
	Tombstone    sdk.Tombstone `json:"tombstone"`
	RecordDigest sdk.Digest    `json:"record_digest"`
	SHA256       sdk.Digest    `json:"sha256"` // of the content
	Size         int64         `json:"size_bytes"`
	Repo         string        `json:"repo"`
	Path         string        `json:"path"`
	PathB64      string        `json:"path_b64,omitempty"`
	Purge        Step          `json:"purge"`
	Requests     []Step        `json:"requests"`               // of other persons
	RetainUntil  *time.Time    `json:"retain_until,omitempty"` // was over, unless it was set after the purge
	Holds        []Released    `json:"holds,omitempty"`        // all of them released
	// Removed says that no body of the content is in the archive. Otherwise another
	// live record needs it.
	Removed bool `json:"content_removed"`
	// Contradiction says in what the record does not follow from its events: it was
	// changed past the program, and the rule may not have been kept. "" for nothing.
	Contradiction string `json:"contradiction,omitempty"`
}

// Step is what a person did.
type Step struct {
	Event sdk.ID    `json:"event"`
	Actor string    `json:"actor"`
	At    time.Time `json:"at"`
	Host  string    `json:"host,omitempty"`
}

// Released is a hold that was active once.
type Released struct {
	Case     string    `json:"case"`
	PlacedBy string    `json:"placed_by"`
	Placed   time.Time `json:"placed_at"`
	Released time.Time `json:"released_at"`
}

// Certify returns what a certificate says of a purged record. The entry has its
// events and holds.
func Certify(e *sdk.Entry, removed bool) (Certified, error) {
	r := &e.Record
	c := Certified{
		Tombstone: r.Tombstone, RecordDigest: r.Digest, SHA256: r.Content.SHA256, Size: r.Content.Size,
		Repo: r.Repo, RetainUntil: output.OptionalTime(r.RetainUntil), Requests: []Step{}, Removed: removed,
	}
	c.Path, c.PathB64 = output.PathText(r.Path)
	for _, event := range e.Events {
		if event.Action == sdk.ActionPurge {
			c.Purge = Step{event.ID, event.Actor, event.At, event.Host}
		}
	}
	for _, event := range e.Events {
		if event.Action == sdk.ActionPruneRequest && !sdk.SamePerson(event.Actor, c.Purge.Actor) {
			c.Requests = append(c.Requests, Step{event.ID, event.Actor, event.At, event.Host})
		}
	}
	for _, h := range e.Holds {
		// One that is active was placed after the purge, which would have been
		// refused otherwise.
		if !h.Released.IsZero() {
			c.Holds = append(c.Holds, Released{h.Case, h.PlacedBy, h.Placed, h.Released})
		}
	}
	if err := e.CheckCustody(); err != nil {
		c.Contradiction = output.Words(err)
	}
	return c, c.check()
}

// check finds a history that does not keep to the rule.
func (c *Certified) check() error {
	switch {
	case c.Purge.Event.IsZero():
		return sdk.Errorf(sdk.Corrupt, "%s: its history has no purge", c.Tombstone)
	case len(c.Requests) == 0:
		return sdk.Errorf(sdk.Corrupt, "%s: its history has no request of another person", c.Tombstone)
	}
	return nil
}

// ParseCertificate reads the text of a certificate, whose signature was checked.
func ParseCertificate(text string) (*Certificate, error) {
	lines := strings.Split(strings.TrimSuffix(text, "\n"), "\n")
	if lines[0] != certificateHead {
		return nil, errors.New("is no certificate of a purge")
	}
	var c Certificate
	var err error
	count := ""
	for lines = lines[1:]; len(lines) > 0 && count == ""; lines = lines[1:] {
		name, value, _ := strings.Cut(lines[0], " ")
		switch name {
		case "archive":
			c.Archive, err = sdk.ParseID(value)
		case "backend":
			c.Backend = value
		case "made":
			c.Made, err = time.Parse(time.RFC3339, value)
		case "plan":
			c.Plan = value
		case "records":
			count = value
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
	}
	for _, line := range lines {
		var r Certified
		if err := json.Unmarshal([]byte(line), &r); err != nil {
			return nil, fmt.Errorf("a record cannot be read: %w", err)
		}
		c.Records = append(c.Records, r)
	}
	if count != strconv.Itoa(len(c.Records)) {
		return nil, fmt.Errorf("has %d records, and says %q", len(c.Records), count)
	}
	return &c, nil
}

// Text returns the text to be signed.
func (c *Certificate) Text() (string, error) {
	var b strings.Builder
	fmt.Fprintf(&b, "%s\narchive %s\nbackend %s\nmade %s\n", certificateHead, c.Archive, c.Backend, c.Made.UTC().Format(time.RFC3339))
	if c.Plan != "" {
		fmt.Fprintf(&b, "plan %s\n", c.Plan)
	}
	fmt.Fprintf(&b, "rule %s\nrecords %d\n", rule, len(c.Records))
	for i := range c.Records {
		if err := output.WriteJSONLine(&b, &c.Records[i]); err != nil {
			return "", err
		}
	}
	return b.String(), nil
}
