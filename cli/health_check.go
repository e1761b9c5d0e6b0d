package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/codex-archive/codex/cli/internal/app"
	"github.com/codex-archive/codex/cli/internal/escape"
	"github.com/codex-archive/codex/cli/internal/output"
	"github.com/codex-archive/codex/cli/internal/pluginhost"
	"github.com/codex-archive/codex/sdk"
)

func healthCheckCommand(a *app.App) *cli.Command {
	return a.Command(&cli.Command{
		Name:      "health-check",
		Usage:     "check that the archive can be reached, and count its files",
		UsageText: "codex archive health-check [flags]",
		Description: "Opens the archive read-only, creates nothing, and counts the live records whose content is\n" +
			"there with the recorded length. It is looked up and not read; the output says what else was\n" +
			"not checked. It also counts the live records of which a hold is active, and the purged ones.\n" +
			"Where content is missing the command ends with 5. The round trip is one request and its\n" +
			"answer, without starting the backend.\n\n" +
			"EXAMPLES:\n" +
			"   codex archive health-check\n" +
			"   codex archive health-check --json | jq .items_retrievable",
		Flags: []cli.Flag{debugFlag()},
	}, app.NoArguments(runHealthCheck))
}

// debugFlag shows secrets.
func debugFlag() cli.Flag {
	return app.Switch("debug", "show the whole URL, credentials included")
}

// healthView is the result of a health check.
type healthView struct {
	Backend      string         `json:"backend"`
	URL          string         `json:"url"`
	Status       string         `json:"status"` // ok or failed
	Reason       string         `json:"reason,omitempty"`
	Retrievable  *int64         `json:"items_retrievable,omitempty"`
	Live         *int64         `json:"live_records,omitempty"`
	Missing      *int64         `json:"items_missing,omitempty"`
	Held         *int64         `json:"held_records,omitempty"` // live, with an active hold
	Purged       *int64         `json:"purged_records,omitempty"`
	NotChecked   []string       `json:"not_checked,omitempty"`
	Server       string         `json:"server,omitempty"`
	Plugin       string         `json:"plugin,omitempty"`
	Schema       int            `json:"schema,omitempty"`
	Archive      string         `json:"archive,omitempty"`
	Writable     *bool          `json:"writable,omitempty"`
	Durable      *bool          `json:"durable,omitempty"`
	NotDurable   string         `json:"not_durable,omitempty"`
	LastVerified *verifiedView  `json:"last_verified,omitempty"` // nil: never
	LastAll      *time.Time     `json:"all_verified,omitempty"`  // when all content was verified; nil: never
	RoundTrip    *output.Millis `json:"round_trip_ms,omitempty"`
	Clock        *time.Time     `json:"clock,omitempty"`
}

func runHealthCheck(ctx context.Context, c *app.Command) error {
	archive, err := c.Dial(ctx, sdk.ReadOnly)
	var health sdk.Health
	var took time.Duration
	var verified verifications
	if err == nil {
		health, took, err = measureHealth(ctx, archive)
	}
	if err == nil {
		verified, err = lastVerified(ctx, archive)
	}
	if err != nil {
		if !c.JSON { // else the error is the document
			writeHealth(c, healthView{Backend: c.Config.Backend.Type, Status: "failed", Reason: output.Words(err)})
		}
		return err
	}
	view := viewHealth(c, archive.Description(), &health, took)
	view.LastVerified, view.LastAll = verified.last, output.OptionalTime(verified.all)
	warnOverdue(c, verified.all)
	if c.JSON {
		err = output.WriteJSON(c.Env.Stdout, view)
	} else {
		writeHealth(c, view)
	}
	if err == nil && view.Reason != "" {
		err = output.Shown{Err: output.Errorf(output.KindOf(sdk.ContentAbsent), "%s", view.Reason).
			WithHint("codex archive list shows which: its size is \"missing\"; codex archive repair puts content back from elsewhere")}
	}
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

func viewHealth(c *app.Command, d pluginhost.Description, h *sdk.Health, took time.Duration) healthView {
	roundTrip, missing := output.Millis(took), h.Missing()
	v := healthView{
		Backend: c.Config.Backend.Type, URL: openURL(c), Status: "ok",
		Retrievable: &h.Retrievable, Live: &h.Live, Missing: &missing, Held: &h.Held, Purged: &h.Purged,
		NotChecked: []string{"the bytes of the content were not read", "the records were counted and not read"},
		Server:     h.Server, Plugin: d.Name + " " + d.Version, Schema: h.Schema, Archive: h.Archive.String(),
		Writable: &h.Writable, Durable: &h.Durable, NotDurable: h.NotDurable,
		RoundTrip: &roundTrip, Clock: output.OptionalTime(h.Clock),
	}
	if h.Unmeasured != "" {
		v.NotChecked = append(v.NotChecked, h.Unmeasured)
	}
	if missing > 0 {
		v.Status, v.Reason = "failed", fmt.Sprintf("the content of %d of %d live records is missing", missing, h.Live)
	}
	return v
}

func writeHealth(c *app.Command, v healthView) {
	out := c.Env.Stdout
	fmt.Fprintln(out, "=== Archive Health Check ===")
	fmt.Fprintln(out, "Backend:", escape.Text(v.Backend))
	fmt.Fprintln(out, "URL:", escape.Text(shownURL(c)))
	if v.Reason == "" {
		fmt.Fprintln(out, "Status: ✓ OK")
	} else {
		fmt.Fprintln(out, "Status: ✗ FAILED:", escape.Text(v.Reason))
	}
	if v.Retrievable == nil {
		return
	}
	durable := "yes"
	if !*v.Durable {
		durable = "no (" + v.NotDurable + ")"
	}
	fmt.Fprintln(out, "Items Retrievable:", *v.Retrievable)
	fmt.Fprintln(out, "Not Checked:", escape.Text(strings.Join(v.NotChecked, "; ")))
	fmt.Fprintln(out, "Last Verified:", v.LastVerified)
	if v.LastVerified != nil && !v.LastVerified.All {
		fmt.Fprintln(out, "All Verified:", stampOrNever(v.LastAll))
	}
	fmt.Fprintln(out, "Held Records:", *v.Held)
	fmt.Fprintln(out, "Purged Records:", *v.Purged)
	fmt.Fprintln(out, "Durable:", escape.Text(durable))
	fmt.Fprintln(out, "Server:", escape.Text(v.Server))
	fmt.Fprintln(out, "Plugin:", escape.Text(v.Plugin))
	fmt.Fprintln(out, "Schema Version:", v.Schema)
	fmt.Fprintln(out, "Archive ID:", v.Archive)
	if !*v.Writable {
		fmt.Fprintln(out, "Writable: no")
	}
	fmt.Fprintln(out, "Round Trip:", *v.RoundTrip)
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
