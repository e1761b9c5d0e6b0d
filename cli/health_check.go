package main

import (
	"context"
	"fmt"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/codex-archive/codex/sdk"
)

func (p *program) healthCheckCommand() *cli.Command {
	return p.command(&cli.Command{
		Name:      "health-check",
		Usage:     "check that the archive can be reached and count what it can give back",
		UsageText: "codex archive health-check [flags]",
		Description: "Opens the archive read-only, creates nothing, and counts the archived files whose content\n" +
			"is present. The round trip is one request and its answer, without starting the backend.\n\n" +
			"EXAMPLES:\n" +
			"   codex archive health-check\n" +
			"   codex archive health-check --json | jq .items_retrievable",
		Flags: []cli.Flag{debugFlag()},
	}, (*session).healthCheck)
}

// debugFlag shows secrets.
func debugFlag() cli.Flag {
	return &cli.BoolFlag{Name: "debug", Usage: "show the whole URL, credentials included", DisableDefaultText: true}
}

// healthView is the result of a health check.
type healthView struct {
	Backend     string     `json:"backend"`
	URL         string     `json:"url"`
	Status      string     `json:"status"` // ok or failed
	Retrievable *int64     `json:"items_retrievable,omitempty"`
	Server      string     `json:"server,omitempty"`
	Plugin      string     `json:"plugin,omitempty"`
	Schema      int        `json:"schema,omitempty"`
	Archive     string     `json:"archive,omitempty"`
	Writable    *bool      `json:"writable,omitempty"`
	RoundTrip   *millis    `json:"round_trip_ms,omitempty"`
	Clock       *time.Time `json:"clock,omitempty"`
}

func (s *session) healthCheck(ctx context.Context) error {
	if err := s.arguments(0, 0); err != nil {
		return err
	}
	view := healthView{Backend: s.config.Backend.Type, URL: s.openURL(), Status: "failed"}
	health, took, err := s.measureHealth(ctx)
	if err == nil {
		roundTrip := millis(took)
		d := s.connection.Description()
		view.Status, view.Retrievable, view.Server = "ok", &health.Retrievable, health.Server
		view.Plugin, view.Schema, view.Archive = d.Name+" "+d.Version, health.Schema, health.Archive.String()
		view.Writable, view.RoundTrip, view.Clock = &health.Writable, &roundTrip, optionalTime(health.Clock)
	}
	if s.json {
		if err != nil {
			return err // the error is the document
		}
		return writeJSON(s.stdout, view)
	}
	s.writeHealth(view, err)
	return err
}

// measureHealth asks twice: the first question pays for what the backend does
// once, the second is the round trip.
func (s *session) measureHealth(ctx context.Context) (sdk.Health, time.Duration, error) {
	backend, err := s.connect(ctx, sdk.ReadOnly)
	if err != nil {
		return sdk.Health{}, 0, err
	}
	health, err := backend.Health(ctx)
	if err != nil {
		return health, 0, err
	}
	start := time.Now()
	_, err = backend.Missing(ctx, []sdk.Digest{{}})
	return health, time.Since(start), err
}

func (s *session) writeHealth(v healthView, err error) {
	fmt.Fprintln(s.stdout, "=== Archive Health Check ===")
	fmt.Fprintln(s.stdout, "Backend:", v.Backend)
	fmt.Fprintln(s.stdout, "URL:", s.shownURL())
	if err != nil {
		fmt.Fprintln(s.stdout, "Status: ✗ FAILED:", printable(err.Error()))
		return
	}
	fmt.Fprintln(s.stdout, "Status: ✓ OK")
	fmt.Fprintln(s.stdout, "Items Retrievable:", *v.Retrievable)
	fmt.Fprintln(s.stdout, "Server:", v.Server)
	fmt.Fprintln(s.stdout, "Plugin:", v.Plugin)
	fmt.Fprintln(s.stdout, "Schema Version:", v.Schema)
	fmt.Fprintln(s.stdout, "Archive ID:", v.Archive)
	if !*v.Writable {
		fmt.Fprintln(s.stdout, "Writable: no")
	}
	fmt.Fprintln(s.stdout, "Round Trip:", *v.RoundTrip)
}

// openURL is the URL as far as this command may show it.
func (s *session) openURL() string {
	if s.flags.Bool("debug") {
		return s.config.Backend.URL
	}
	return s.redactedURL()
}

// shownURL is the URL line of config-show and health-check.
func (s *session) shownURL() string {
	if s.flags.Bool("debug") {
		return s.openURL()
	}
	return s.openURL() + " (credentials redacted)"
}
