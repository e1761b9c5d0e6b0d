package main

import (
	"context"
	"fmt"
	"text/tabwriter"

	"github.com/urfave/cli/v2"

	"github.com/codex-archive/codex/cli/internal/config"
)

func (p *program) configShowCommand() *cli.Command {
	return p.command(&cli.Command{
		Name:      "config-show",
		Usage:     "show the configuration in force, and where each value comes from",
		UsageText: "codex archive config-show [flags]",
		Description: "Values come from, highest first: flags; the file of --config or CODEX_ARCHIVE_CONFIG;\n" +
			".codex/archive.toml at the project root; the environment; defaults. Starts no backend.\n\n" +
			"EXAMPLES:\n" +
			"   codex archive config-show\n" +
			"   codex archive config-show --origin     each value, where it comes from and what it overruled\n" +
			"   codex archive config-show --debug      URLs with their credentials",
		Flags: []cli.Flag{
			debugFlag(),
			&cli.BoolFlag{Name: "origin", Usage: "show where each value comes from, and what it overruled", DisableDefaultText: true},
		},
	}, (*session).configShow)
}

// settingView is one key as --json shows it.
type settingView struct {
	Key      string   `json:"key"`
	Value    string   `json:"value"`
	Source   string   `json:"source"`
	Overrule []string `json:"overruled,omitempty"`
}

func (s *session) configShow(context.Context) error {
	if err := s.arguments(0, 0); err != nil {
		return err
	}
	settings := s.settings()
	database, _ := s.config.SQLitePath()
	switch {
	case s.json:
		return writeJSON(s.stdout, struct {
			Root     string        `json:"root"`
			Given    string        `json:"given_file,omitempty"`
			File     string        `json:"project_file,omitempty"`
			Database string        `json:"database,omitempty"`
			Settings []settingView `json:"settings"`
		}{s.config.Root, s.config.File, s.config.ProjectFile, database, settings})
	case s.flags.Bool("origin"):
		return s.writeOrigins(settings)
	}
	return s.writeConfig(settings)
}

func (s *session) settings() []settingView {
	var views []settingView
	for _, o := range s.config.Origins() {
		v := settingView{Key: o.Key, Value: s.shown(o.Setting), Source: o.Source.String()}
		for _, over := range o.Overruled {
			v.Overrule = append(v.Overrule, over.Source.String()+" = "+s.shown(over))
		}
		views = append(views, v)
	}
	return views
}

// shown is a value with its secrets hidden, unless --debug asks for them.
func (s *session) shown(v config.Setting) string {
	if s.flags.Bool("debug") {
		return v.Value
	}
	return v.Shown()
}

// writeConfig prints the guide's five lines first, in its words, then the rest.
func (s *session) writeConfig(settings []settingView) error {
	c := s.config
	retry := "disabled"
	if c.Retry.Enabled {
		retry = fmt.Sprintf("enabled (max %d attempts)", c.Retry.MaxAttempts)
	}
	fmt.Fprintf(s.stdout, "Backend: %s\nURL: %s\nLog Level: %s\nRetry: %s\nBatch Concurrency: %d\n\n",
		c.Backend.Type, s.shownURL(), c.Logging.Level, retry, c.Batch.MaxConcurrent)
	w := tabwriter.NewWriter(s.stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintf(w, "Project root:\t%s\n", printable(c.Root))
	if path, ok := c.SQLitePath(); ok {
		fmt.Fprintf(w, "Database file:\t%s\n", printable(path))
	}
	if c.File != "" && c.File != c.ProjectFile {
		fmt.Fprintf(w, "Given file:\t%s\n", printable(c.File))
	}
	if c.ProjectFile != "" {
		fmt.Fprintf(w, "Project file:\t%s\n", printable(c.ProjectFile))
	}
	for _, v := range settings {
		fmt.Fprintf(w, "%s:\t%s\n", v.Key, printable(v.Value))
	}
	return w.Flush()
}

func (s *session) writeOrigins(settings []settingView) error {
	w := tabwriter.NewWriter(s.stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "KEY\tVALUE\tFROM\tOVERRULED")
	for _, v := range settings {
		fmt.Fprintf(w, "%s\t%s\t%s\t", v.Key, printable(v.Value), printable(v.Source))
		for i, over := range v.Overrule {
			if i > 0 {
				fmt.Fprint(w, "; ")
			}
			fmt.Fprint(w, printable(over))
		}
		fmt.Fprintln(w)
	}
	return w.Flush()
}
