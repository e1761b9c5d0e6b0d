package main

import (
	"context"
	"fmt"
	"text/tabwriter"

	"github.com/urfave/cli/v2"

	"github.com/codex-archive/codex/cli/internal/app"
	"github.com/codex-archive/codex/cli/internal/config"
	"github.com/codex-archive/codex/cli/internal/escape"
	"github.com/codex-archive/codex/cli/internal/output"
)

func configShowCommand(a *app.App) *cli.Command {
	return a.Command(&cli.Command{
		Name:      "config-show",
		Usage:     "show the configuration, and where each value comes from",
		UsageText: "codex archive config-show [flags]",
		Description: "Values come from, highest first: flags; the file of --config or CODEX_ARCHIVE_CONFIG;\n" +
			".codex/archive.toml at the project root; the environment; defaults. Starts no backend.\n\n" +
			"EXAMPLES:\n" +
			"   codex archive config-show\n" +
			"   codex archive config-show --origin     where each value comes from\n" +
			"   codex archive config-show --debug      URLs with their credentials",
		Flags: []cli.Flag{
			debugFlag(),
			app.Switch("origin", "show where each value comes from, and what it overruled"),
		},
	}, app.NoArguments(runConfigShow))
}

// settingView is one key as --json shows it.
type settingView struct {
	Key      string   `json:"key"`
	Value    string   `json:"value"`
	Source   string   `json:"source"`
	Overrule []string `json:"overruled,omitempty"`
}

func runConfigShow(ctx context.Context, c *app.Command) error {
	settings := settings(c)
	database, _ := c.Config.SQLitePath()
	switch {
	case c.JSON:
		return output.WriteJSON(c.Env.Stdout, struct {
			Root     string        `json:"root"`
			Given    string        `json:"given_file,omitempty"`
			File     string        `json:"project_file,omitempty"`
			Database string        `json:"database,omitempty"`
			Trusted  bool          `json:"trusted"`
			Why      string        `json:"trusted_why"`
			Settings []settingView `json:"settings"`
		}{c.Config.Root, c.Config.File, c.Config.ProjectFile, database, c.Config.Trust.Granted, c.Config.Trust.Why, settings})
	case c.Flags.Bool("origin"):
		return writeOrigins(c, settings)
	}
	return writeConfig(c, settings)
}

func settings(c *app.Command) []settingView {
	var views []settingView
	for _, o := range c.Config.Origins() {
		v := settingView{Key: o.Key, Value: shownValue(c, o.Setting), Source: o.Source.String()}
		for _, over := range o.Overruled {
			v.Overrule = append(v.Overrule, over.Source.String()+" = "+shownValue(c, over))
		}
		views = append(views, v)
	}
	return views
}

// shownValue is a value with its secrets hidden, unless --debug asks for them.
func shownValue(c *app.Command, v config.Setting) string {
	if c.Flags.Bool("debug") {
		return v.Value
	}
	return v.Shown()
}

// writeConfig prints the guide's five lines first, in its words, then the rest.
func writeConfig(c *app.Command, settings []settingView) error {
	conf := c.Config
	retry := "disabled"
	if conf.Retry.Enabled {
		retry = fmt.Sprintf("enabled (max %d attempts)", conf.Retry.MaxAttempts)
	}
	fmt.Fprintf(c.Env.Stdout, "Backend: %s\nURL: %s\nLog Level: %s\nRetry: %s\nBatch Concurrency: %d\n",
		conf.Backend.Type, shownURL(c), conf.Logging.Level, retry, conf.Batch.MaxConcurrent)
	fmt.Fprintf(c.Env.Stdout, "Trusted: %s\n\n", escape.Text(trustWords(conf.Trust)))
	w := tabwriter.NewWriter(c.Env.Stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintf(w, "Project root:\t%s\n", escape.Text(conf.Root))
	if path, ok := conf.SQLitePath(); ok {
		fmt.Fprintf(w, "Database file:\t%s\n", escape.Text(path))
	}
	if conf.File != "" && conf.File != conf.ProjectFile {
		fmt.Fprintf(w, "Given file:\t%s\n", escape.Text(conf.File))
	}
	if conf.ProjectFile != "" {
		fmt.Fprintf(w, "Project file:\t%s\n", escape.Text(conf.ProjectFile))
	}
	for _, v := range settings {
		fmt.Fprintf(w, "%s:\t%s\n", v.Key, escape.Text(v.Value))
	}
	return w.Flush()
}

func writeOrigins(c *app.Command, settings []settingView) error {
	w := tabwriter.NewWriter(c.Env.Stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "KEY\tVALUE\tFROM\tOVERRULED")
	for _, v := range settings {
		fmt.Fprintf(w, "%s\t%s\t%s\t", v.Key, escape.Text(v.Value), escape.Text(v.Source))
		for i, over := range v.Overrule {
			if i > 0 {
				fmt.Fprint(w, "; ")
			}
			fmt.Fprint(w, escape.Text(over))
		}
		fmt.Fprintln(w)
	}
	return w.Flush()
}
