package backendtest

import (
	"crypto/sha256"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"github.com/codex-archive/codex/sdk"
)

// Version of the kit. The second number changes when rules are added, the
// first when one that passed may fail.
const Version = "1.4"

// Status is what came of a rule.
type Status string

// The statuses.
const (
	Passed  Status = "passed"
	Failed  Status = "failed"
	Skipped Status = "skipped"
)

// Result is what came of one rule. Of one that failed it says all that is known:
// no run but this one may show the fault.
type Result struct {
	ID       string        `json:"id"`
	Says     string        `json:"says"`
	See      string        `json:"see"` // where the contract says it
	Level    Level         `json:"level"`
	Status   Status        `json:"status"`
	Why      string        `json:"why,omitempty"`      // of a failure or a skip
	Calls    []string      `json:"calls,omitempty"`    // the last ones, and what came
	Programs []ProgramEnd  `json:"programs,omitempty"` // what the processes said, and how they ended
	Duration time.Duration `json:"duration_ns"`

	depends bool // skipped because another rule failed
}

// Detail returns all that is known of a rule that failed, as text.
func (res *Result) Detail() string {
	var b strings.Builder
	b.WriteString(res.Why)
	if len(res.Calls) > 0 {
		b.WriteString("\nthe last calls:\n  " + strings.ReplaceAll(strings.Join(res.Calls, "\n"), "\n", "\n  "))
	}
	b.WriteString(below(res.Programs))
	b.WriteString("\nthe contract says it in: " + res.See)
	return b.String()
}

// below returns text about processes that follows other text.
func below(programs []ProgramEnd) string {
	var b strings.Builder
	for _, p := range programs {
		b.WriteString("\n" + p.text())
	}
	return b.String()
}

// Report is what a vendor can publish about a run.
type Report struct {
	Kit      string `json:"kit"`
	Plugin   string `json:"plugin"`
	Version  string `json:"version"`
	Protocol int    `json:"protocol"`
	// Capabilities that the backend declares; the rules about others are skipped.
	Capabilities []sdk.Capability `json:"capabilities"`
	SHA256       string           `json:"sha256,omitempty"` // of the program that was tested
	OS           string           `json:"os"`
	Arch         string           `json:"arch"`
	Seed         uint64           `json:"seed"`
	Started      time.Time        `json:"started"`
	Complete     bool             `json:"complete"`           // every rule was tried that this target allows
	Error        string           `json:"why,omitempty"`      // why nothing could be tried
	Programs     []ProgramEnd     `json:"programs,omitempty"` // where nothing could be tried
	Passed       int              `json:"passed"`
	Failed       int              `json:"failed"` // rules that MUST pass and did not
	Missed       int              `json:"missed"` // rules that SHOULD pass and did not
	Skipped      int              `json:"skipped"`
	Results      []Result         `json:"results"`
}

func newReport(t *Target, o Options) *Report {
	r := &Report{
		Kit: Version, Plugin: t.Name, Version: t.Version, Protocol: t.Protocol, Seed: o.Seed, Capabilities: append([]sdk.Capability{}, t.Capabilities...),
		OS: runtime.GOOS, Arch: runtime.GOARCH, Started: time.Now().UTC().Truncate(time.Second), Results: []Result{},
	}
	if t.Program == nil {
		return r
	}
	if r.Plugin == "" {
		r.Plugin = filepath.Base(t.Program.Path) // it has not said it
	}
	if sum, err := sumOf(t.Program.Path); err == nil { // else the run says what is wrong with it
		r.SHA256 = sum.String()
	}
	return r
}

// sumOf returns the SHA-256 of a file.
func sumOf(path string) (sum sdk.Digest, err error) {
	f, err := os.Open(path)
	if err != nil {
		return sum, err
	}
	defer func() { _ = f.Close() }() // it was only read
	h := sha256.New()
	_, err = io.Copy(h, f)
	return sdk.Digest(h.Sum(nil)), err
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
			fmt.Fprintf(&b, "✗ %s %s %s\n    %s\n", res.ID, res.Level, res.Says, strings.ReplaceAll(res.Detail(), "\n", "\n    "))
		}
	}
	r.summarizeSkipped(&b)
	fmt.Fprintf(&b, "%s\n", r.title())
	if r.Error != "" {
		fmt.Fprintf(&b, "Nothing could be tried: %s%s\n", r.Error, below(r.Programs))
	}
	fmt.Fprintf(&b, "kit %s, seed %d: %d passed, %d failed, %d skipped", r.Kit, r.Seed, r.Passed, r.Failed, r.Skipped)
	if r.Missed > 0 {
		fmt.Fprintf(&b, ", %d recommended ones missed", r.Missed)
	}
	if !r.Complete {
		b.WriteString(", not complete")
	}
	b.WriteString("\n")
	_, err := io.WriteString(w, b.String())
	return err
}

// summarizeSkipped says of each reason which rules were skipped for it.
func (r *Report) summarizeSkipped(b *strings.Builder) {
	var reasons []string
	rules := map[string][]string{}
	for _, res := range r.Results {
		if res.Status != Skipped {
			continue
		}
		if rules[res.Why] == nil {
			reasons = append(reasons, res.Why)
		}
		rules[res.Why] = append(rules[res.Why], res.ID)
	}
	for _, why := range reasons {
		it := "it needs"
		if len(rules[why]) > 1 {
			it = "they need"
		}
		fmt.Fprintf(b, "- %s skipped, %s %s\n", strings.Join(rules[why], ", "), it, why)
	}
}

// WritePassed writes the rules that passed, a line each.
func (r *Report) WritePassed(w io.Writer) error {
	var b strings.Builder
	for _, res := range r.Results {
		if res.Status == Passed {
			fmt.Fprintf(&b, "✓ %s %s (%.1f ms)\n", res.ID, res.Says, float64(res.Duration)/float64(time.Millisecond))
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func (r *Report) title() string {
	title := r.Plugin
	if r.Version != "" {
		title = fmt.Sprintf("%s %s, protocol %d", r.Plugin, r.Version, r.Protocol)
	}
	return fmt.Sprintf("%s, %s/%s", title, r.OS, r.Arch)
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
		Errors   int         `xml:"errors,attr"`
		Skipped  int         `xml:"skipped,attr"`
		Time     string      `xml:"time,attr"`
		Stamp    string      `xml:"timestamp,attr"`
		Facts    []junitFact `xml:"properties>property"`
		Cases    []junitCase `xml:"testcase"`
	}
	junitCase struct {
		Class   string        `xml:"classname,attr"`
		Name    string        `xml:"name,attr"`
		Time    string        `xml:"time,attr"`
		Failure *junitMessage `xml:"failure,omitempty"`
		Error   *junitMessage `xml:"error,omitempty"`
		Skipped *junitMessage `xml:"skipped,omitempty"`
	}
	junitFact struct {
		Name  string `xml:"name,attr"`
		Value string `xml:"value,attr"`
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
		Facts: []junitFact{{"sha256", r.SHA256}, {"os", r.OS}, {"arch", r.Arch}, {"complete", fmt.Sprint(r.Complete)}},
	}
	if r.Error != "" {
		s.Tests, s.Errors = 1, 1
		s.Cases = append(s.Cases, junitCase{
			Class: "OPEN", Name: "the kit begins", Error: &junitMessage{Message: "nothing could be tried", Text: r.Error + below(r.Programs)},
		})
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
		c.Failure = &junitMessage{Message: res.Says, Text: res.Detail()}
	case res.Status == Failed:
		c.Skipped = &junitMessage{Message: "recommended, and missed", Text: res.Detail()}
	case res.Status == Skipped:
		c.Skipped = &junitMessage{Message: "needs " + res.Why}
	}
	return c
}

func seconds(d time.Duration) string { return fmt.Sprintf("%.3f", d.Seconds()) }
