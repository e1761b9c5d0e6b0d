package main

import (
	"cmp"
	"context"
	"fmt"
	"os/user"
	"path/filepath"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/codex-archive/codex/cli/internal/app"
	"github.com/codex-archive/codex/cli/internal/config"
	"github.com/codex-archive/codex/cli/internal/escape"
	"github.com/codex-archive/codex/cli/internal/journal"
	"github.com/codex-archive/codex/cli/internal/output"
	"github.com/codex-archive/codex/cli/internal/trust"
	"github.com/codex-archive/codex/sdk"
)

func trustCommand(a *app.App) *cli.Command {
	return a.Command(&cli.Command{
		Name:      "trust",
		Usage:     "show what the project's own file wants, and accept it",
		UsageText: "codex archive trust [flags]",
		Description: "A .codex/archive.toml that git tracks came with a clone: another person may have written it.\n" +
			"Until you accept it, it may only name a SQLite file inside the project, and what it says on\n" +
			"retention, archive, verify and plugins is ignored. This command shows what it wants and asks.\n" +
			"Without a terminal --hash says which content is accepted.\n\n" +
			"The hash covers backend, archive, retention and verify as they are written, without literal\n" +
			"passwords, and the files inside the project that they name. After a change to these the file\n" +
			"must be accepted again. A file that git does not track is yours and needs no command.\n\n" +
			"The variable CODEX_ARCHIVE_TRUST has the hashes that are accepted, for CI; --print shows the\n" +
			"hash. The variable CODEX_ARCHIVE_SAFE_DIRECTORY has the roots whose .codex another user may\n" +
			"own, separated as in PATH, or *.\n\n" +
			"EXAMPLES:\n" +
			"   codex archive trust\n" +
			"   codex archive trust --print            the hash, and nothing else\n" +
			"   codex archive trust --hash 5a2f…       accept exactly this content",
		Flags: []cli.Flag{
			app.ByFlag(),
			&cli.StringFlag{Name: "hash", Usage: "accept the file if its hash is `HASH`; nothing is asked"},
			app.Switch("print", "print the hash and accept nothing"),
		},
	}, app.NoArguments(runTrust))
}

// trustView is what is asked about.
type trustView struct {
	File      string   `json:"file"`
	Root      string   `json:"root"`
	Type      string   `json:"type"`
	URL       string   `json:"url"`
	Variables []string `json:"variables"`
	Options   []string `json:"options"`
	Sends     []string `json:"sends"`
	Hash      string   `json:"hash"`
	Trusted   bool     `json:"trusted"`
	Why       string   `json:"trusted_why"`
}

func runTrust(ctx context.Context, c *app.Command) error {
	p := c.Config.Project
	if p == nil {
		return output.Usagef("there is no project file %s", filepath.Join(c.Config.Root, ".codex", "archive.toml")).
			WithHint("codex archive init writes one")
	}
	view := viewTrust(c, *p)
	if c.Flags.Bool("print") {
		if c.JSON {
			return output.WriteJSON(c.Env.Stdout, view)
		}
		_, err := fmt.Fprintln(c.Env.Stdout, view.Hash)
		return err
	}
	if !c.JSON {
		writeTrust(c.Env.Stdout, view)
	}
	if err := consent(ctx, c, view.Hash); err != nil {
		return err
	}
	if err := accept(c); err != nil {
		return err
	}
	view.Trusted, view.Why = true, trust.Accepted
	if c.JSON {
		return output.WriteJSON(c.Env.Stdout, view)
	}
	_, err := fmt.Fprintln(c.Env.Stdout, "Accepted: "+escape.Text(view.File))
	return err
}

func viewTrust(c *app.Command, p config.Project) trustView {
	v := trustView{
		File: p.File, Root: c.Config.Root, Type: c.Config.Backend.Type, URL: c.WrittenURL(),
		Variables: config.Variables(p.Value("backend.url")), Options: []string{}, Sends: c.Config.Sends(),
		Hash: c.Decision.Hash, Trusted: c.Decision.Granted, Why: c.Decision.Why,
	}
	if v.Sends == nil || strings.HasPrefix(v.URL, "sqlite:") {
		v.Sends = []string{} // no server gets anything
	}
	if v.Variables == nil {
		v.Variables = []string{}
	}
	for _, w := range p.Settings {
		if w.Key != "backend.url" && w.Key != "backend.type" {
			v.Options = append(v.Options, w.Key+" = "+w.Value)
		}
	}
	return v
}

func writeTrust(w *output.Stdout, v trustView) {
	fmt.Fprintf(w, "File: %s\nBackend: %s\nURL: %s\n", escape.Text(v.File), escape.Text(v.Type), escape.Text(v.URL))
	if len(v.Variables) > 0 {
		fmt.Fprintf(w, "Variables it reads: %s\n", escape.Text(strings.Join(v.Variables, " ")))
	}
	for _, option := range v.Options {
		fmt.Fprintf(w, "Option: %s\n", escape.Text(option))
	}
	if len(v.Sends) > 0 {
		fmt.Fprintf(w, "Sent to it: %s\n", escape.Text(strings.Join(v.Sends, ", ")))
	}
	fmt.Fprintf(w, "Hash: %s\nTrusted: %s\n", v.Hash, escape.Text(trustWords(config.Trust{Granted: v.Trusted, Why: v.Why})))
}

// consent asks the user, or compares the hash that was given.
func consent(ctx context.Context, c *app.Command, hash string) error {
	if given := c.Flags.String("hash"); given != "" || c.Flags.IsSet("hash") {
		if strings.EqualFold(strings.TrimSpace(given), hash) {
			return nil
		}
		return output.Usagef("--hash: found %s, but the file has %s: it was not accepted", escape.Text(given), hash)
	}
	if !canAsk(c) {
		return output.Usagef("there is no terminal to ask on, and --hash is missing: the file was not accepted").
			WithHint("read the file, then: codex archive trust --hash %s", hash)
	}
	yes, err := ask(ctx, c, "Accept this file?")
	if err == nil && !yes {
		err = output.Errorf(output.KindOf(sdk.Refused), "the file was not accepted")
	}
	return err
}

// accept remembers the file, with a line of evidence.
func accept(c *app.Command) error {
	c.Acts = true
	j, err := journal.Open(journal.Options{
		Dir: c.Config.Evidence.Dir, Actor: trustActor(c), Backend: c.Config.Backend.Type, URL: c.WrittenURL(),
		Started: c.Started, Log: c.Log,
	})
	if err != nil {
		return err
	}
	err = j.Accept(c.Config.Project.File, c.Decision.Hash, func() error { return c.Remember(trust.Accepted) })
	if output.CodeOf(err) == output.ExitFailed {
		return output.Errorf(output.Failed, "the trust cannot be remembered: %w", err).WithHint("set %s=%s instead", trust.Variable, c.Decision.Hash)
	}
	return err
}

// trustActor is who accepts: the login name where no other name is given,
// because trust is that of the user of this machine.
func trustActor(c *app.Command) string {
	login := c.Env.Get("USER")
	if u, err := user.Current(); err == nil {
		login = u.Username
	}
	return cmp.Or(strings.TrimSpace(c.Flags.String("by")), strings.TrimSpace(c.Env.Get("CODEX_ACTOR")), login, "unknown")
}

// trustWords is how the trust in the project's own file is shown.
func trustWords(t config.Trust) string {
	if t.Granted {
		return "yes (" + t.Why + ")"
	}
	return "no (" + t.Why + ")"
}
