package main

import (
	"context"
	"fmt"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/codex-archive/codex/cli/internal/app"
	"github.com/codex-archive/codex/cli/internal/escape"
	"github.com/codex-archive/codex/cli/internal/output"
	"github.com/codex-archive/codex/sdk"
)

func healthCheckCommand(a *app.App) *cli.Command {
	return a.Command(&cli.Command{
		Name:      "health-check",
		Usage:     "check that the archive can be reached, and count its files",
		UsageText: "codex archive health-check [flags]",
		Description: "Opens the archive read-only, creates nothing, and counts the archived files whose content\n" +
			"is present. The round trip is one request and its answer, without starting the backend.\n\n" +
			"EXAMPLES:\n" +
			"   codex archive health-check\n" +
			"   codex archive health-check --json | jq .items_retrievable",
		Flags: []cli.Flag{debugFlag()},
	}, runHealthCheck)
}

// debugFlag shows secrets.
func debugFlag() cli.Flag {
	return &cli.BoolFlag{Name: "debug", Usage: "show the whole URL, credentials included", DisableDefaultText: true}
}

// healthView is the result of a health check.
type healthView struct {
	Backend     string         `json:"backend"`
	URL         string         `json:"url"`
	Status      string         `json:"status"` // ok or failed
	Retrievable *int64         `json:"items_retrievable,omitempty"`
	Server      string         `json:"server,omitempty"`
	Plugin      string         `json:"plugin,omitempty"`
	Schema      int            `json:"schema,omitempty"`
	Archive     string         `json:"archive,omitempty"`
	Writable    *bool          `json:"writable,omitempty"`
	RoundTrip   *output.Millis `json:"round_trip_ms,omitempty"`
	Clock       *time.Time     `json:"clock,omitempty"`
}

func runHealthCheck(ctx context.Context, c *app.Command) error {
	if err := c.Arguments(0, 0); err != nil {
		return err
	}
	view := healthView{Backend: c.Config.Backend.Type, URL: openURL(c), Status: "failed"}
	archive, err := c.Dial(ctx, sdk.ReadOnly)
	var health sdk.Health
	var took time.Duration
	if err == nil {
		health, took, err = measureHealth(ctx, archive)
	}
	if err == nil {
		roundTrip := output.Millis(took)
		d := archive.Description()
		view.Status, view.Retrievable, view.Server = "ok", &health.Retrievable, health.Server
		view.Plugin, view.Schema, view.Archive = d.Name+" "+d.Version, health.Schema, health.Archive.String()
		view.Writable, view.RoundTrip, view.Clock = &health.Writable, &roundTrip, output.OptionalTime(health.Clock)
	}
	if c.JSON {
		if err != nil {
			return err // the error is the document
		}
		return output.WriteJSON(c.Env.Stdout, view)
	}
	writeHealth(c, view, err)
	return err
}

// measureHealth asks twice: the first question pays for what the backend does
// once, the second is the round trip.
func measureHealth(ctx context.Context, archive *app.Archive) (sdk.Health, time.Duration, error) {
	backend, err := archive.Backend(ctx)
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

func writeHealth(c *app.Command, v healthView, err error) {
	fmt.Fprintln(c.Env.Stdout, "=== Archive Health Check ===")
	fmt.Fprintln(c.Env.Stdout, "Backend:", v.Backend)
	fmt.Fprintln(c.Env.Stdout, "URL:", shownURL(c))
	if err != nil {
		fmt.Fprintln(c.Env.Stdout, "Status: ✗ FAILED:", escape.Text(err.Error()))
		return
	}
	fmt.Fprintln(c.Env.Stdout, "Status: ✓ OK")
	fmt.Fprintln(c.Env.Stdout, "Items Retrievable:", *v.Retrievable)
	fmt.Fprintln(c.Env.Stdout, "Server:", v.Server)
	fmt.Fprintln(c.Env.Stdout, "Plugin:", v.Plugin)
	fmt.Fprintln(c.Env.Stdout, "Schema Version:", v.Schema)
	fmt.Fprintln(c.Env.Stdout, "Archive ID:", v.Archive)
	if !*v.Writable {
		fmt.Fprintln(c.Env.Stdout, "Writable: no")
	}
	fmt.Fprintln(c.Env.Stdout, "Round Trip:", *v.RoundTrip)
}

// openURL is the URL as far as this command may show it.
func openURL(c *app.Command) string {
	if c.Flags.Bool("debug") {
		return c.Config.Backend.URL
	}
	return c.RedactedURL()
}

// shownURL is the URL line of config-show and health-check.
func shownURL(c *app.Command) string {
	if c.Flags.Bool("debug") {
		return openURL(c)
	}
	return openURL(c) + " (credentials redacted)"
}
