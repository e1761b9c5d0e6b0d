package backendtest

import (
	"encoding/json"
	"encoding/xml"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/codex-archive/codex/sdk"
)

// Version of the kit. The second number changes when rules are added, the
// first when one that passed may fail.
const Version = "1.2"

// Status is what came of a rule.
type Status string

// The statuses.
const (
	Passed  Status = "passed"
	Failed  Status = "failed"
	Skipped Status = "skipped"
)

// Result is what came of one rule.
type Result struct {
	ID       string        `json:"id"`
	Says     string        `json:"says"`
	Level    Level         `json:"level"`
	Status   Status        `json:"status"`
	Why      string        `json:"why,omitempty"` // of a failure or a skip
	Duration time.Duration `json:"duration_ns"`
}

// Report is what a vendor can publish about a run.
type Report struct {
	Kit      string `json:"kit"`
	Plugin   string `json:"plugin"`
	Version  string `json:"version"`
	Protocol int    `json:"protocol"`
	// Capabilities that the backend declares; the rules about others are skipped.
	Capabilities []sdk.Capability `json:"capabilities"`
	Seed         uint64           `json:"seed"`
	Started      time.Time        `json:"started"`
	Passed       int              `json:"passed"`
	Failed       int              `json:"failed"` // rules that MUST pass and did not
	Missed       int              `json:"missed"` // rules that SHOULD pass and did not
	Skipped      int              `json:"skipped"`
	Results      []Result         `json:"results"`
}

func newReport(t *Target, seed uint64) *Report {
	return &Report{Kit: Version, Plugin: t.Name, Version: t.Version, Protocol: t.Protocol, Capabilities: append([]sdk.Capability{}, t.Capabilities...), Seed: seed, Started: time.Now().UTC().Truncate(time.Second), Results: []Result{}}
}

func (r *Report) add(res Result) {
	r.Results = append(r.Results, res)
	switch {
	case res.Status == Passed:
		r.Passed++
	case res.Status == Skipped:
		r.Skipped++
	case res.Level == Should:
		r.Missed++
	default:
		r.Failed++
	}
}

// Conforms reports whether every rule that MUST pass and could be tried did,
// and any was.
func (r *Report) Conforms() bool { return r.Failed == 0 && r.Passed > 0 }

// WriteSummary writes what people read: the rules that failed, then those that
// were skipped and why, then the numbers.
func (r *Report) WriteSummary(w io.Writer) error {
	var b strings.Builder
	for _, res := range r.Results {
		if res.Status == Failed {
			fmt.Fprintf(&b, "✗ %s %s %s\n    %s\n", res.ID, res.Level, res.Says, strings.ReplaceAll(res.Why, "\n", "\n    "))
		}
	}
	for _, res := range r.Results {
		if res.Status == Skipped {
			fmt.Fprintf(&b, "- %s skipped, it needs %s\n", res.ID, res.Why)
		}
	}
	fmt.Fprintf(&b, "%s\nkit %s, seed %d: %d passed, %d failed, %d skipped", r.title(), r.Kit, r.Seed, r.Passed, r.Failed, r.Skipped)
	if r.Missed > 0 {
		fmt.Fprintf(&b, ", %d recommended ones missed", r.Missed)
	}
	b.WriteString("\n")
	_, err := io.WriteString(w, b.String())
	return err
}

func (r *Report) title() string {
	return fmt.Sprintf("%s %s, protocol %d", r.Plugin, r.Version, r.Protocol)
}

// WriteJSON writes r as one JSON document.
func (r *Report) WriteJSON(w io.Writer) error {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	return e.Encode(r)
}

// The JUnit form, as CI systems read it: a suite with a case for each rule. A
// SHOULD that was missed is a skip there, because a failure stops a pipeline.
type (
	junitSuite struct {
		XMLName  xml.Name    `xml:"testsuite"`
		Name     string      `xml:"name,attr"`
		Tests    int         `xml:"tests,attr"`
		Failures int         `xml:"failures,attr"`
		Skipped  int         `xml:"skipped,attr"`
		Time     string      `xml:"time,attr"`
		Stamp    string      `xml:"timestamp,attr"`
		Cases    []junitCase `xml:"testcase"`
	}
	junitCase struct {
		Class   string        `xml:"classname,attr"`
		Name    string        `xml:"name,attr"`
		Time    string        `xml:"time,attr"`
		Failure *junitMessage `xml:"failure,omitempty"`
		Skipped *junitMessage `xml:"skipped,omitempty"`
	}
	junitMessage struct {
		Message string `xml:"message,attr"`
		Text    string `xml:",chardata"`
	}
)

// WriteJUnit writes r in the XML of JUnit.
func (r *Report) WriteJUnit(w io.Writer) error {
	s := junitSuite{
		Name: r.title() + ", kit " + r.Kit, Tests: len(r.Results), Failures: r.Failed, Skipped: r.Skipped + r.Missed,
		Stamp: r.Started.Format("2006-01-02T15:04:05"),
	}
	var total time.Duration
	for _, res := range r.Results {
		total += res.Duration
		s.Cases = append(s.Cases, res.junit())
	}
	s.Time = seconds(total)
	if _, err := io.WriteString(w, xml.Header); err != nil {
		return err
	}
	e := xml.NewEncoder(w)
	e.Indent("", "  ")
	if err := e.Encode(s); err != nil {
		return err
	}
	_, err := io.WriteString(w, "\n")
	return err
}

func (res *Result) junit() junitCase {
	c := junitCase{Class: res.ID[:len(res.ID)-3], Name: res.ID + " " + res.Says, Time: seconds(res.Duration)}
	switch {
	case res.Status == Failed && res.Level == Must:
		c.Failure = &junitMessage{Message: res.Says, Text: res.Why}
	case res.Status == Failed:
		c.Skipped = &junitMessage{Message: "recommended, and missed", Text: res.Why}
	case res.Status == Skipped:
		c.Skipped = &junitMessage{Message: "needs " + res.Why}
	}
	return c
}

func seconds(d time.Duration) string { return fmt.Sprintf("%.3f", d.Seconds()) }
