package main

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/codex-archive/codex/cli/internal/app"
	"github.com/codex-archive/codex/cli/internal/escape"
	"github.com/codex-archive/codex/cli/internal/output"
	"github.com/codex-archive/codex/cli/internal/pluginhost"
	"github.com/codex-archive/codex/cli/internal/published"
	"github.com/codex-archive/codex/sdk"
)

func pluginLockCommand(a *app.App) *cli.Command {
	return a.Command(&cli.Command{
		Name:      "lock",
		Usage:     "allow only the backend programs that are known now",
		UsageText: "codex plugin lock [NAME...] [--sums FILE] [flags]",
		Description: "Writes the SHA-256 of the backend in use, or of those named, to .codex/plugins.lock. From\n" +
			"then on a program that differs, and a backend that is not listed, is refused before it\n" +
			"runs (exit code 2). Programs listed before stay listed; each platform has its own lines.\n" +
			"Nothing is started. Deleting the file lets any program run again.\n\n" +
			"With --sums the programs are those of a vendor's SHA256SUMS, for all the platforms that it\n" +
			"names, with their version; the signature is one of minisign over that file. The programs need\n" +
			"not be installed here.\n\n" +
			"On Linux the bytes that were checked are the bytes that run. Elsewhere, and for scripts,\n" +
			"whose interpreter is not covered, the file is checked just before it is run.\n\n" +
			"EXAMPLES:\n" +
			"   codex plugin lock\n" +
			"   codex plugin lock sqlite postgres\n" +
			"   codex plugin lock --sums SHA256SUMS --signature sums.minisig --key key.pub",
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "sums", Usage: "lock the programs that the `FILE` SHA256SUMS of a vendor names"},
			&cli.StringFlag{Name: "signature", Usage: "`FILE` with minisign's signature of --sums, which must be by --key"},
			&cli.StringFlag{Name: "key", Usage: "public `KEY` of the vendor, a file of minisign or the key itself"},
			app.Switch("dry-run", "say what would be locked, and write nothing"),
		},
	}, runPluginLock)
}

// lockView is the result of plugin lock.
type lockView struct {
	Lock    string       `json:"lock"`
	Plugins []lockedView `json:"plugins"`
	DryRun  bool         `json:"dry_run"`
	Signer  *signerView  `json:"signer,omitempty"`
}

type lockedView struct {
	Name     string `json:"name"`
	Platform string `json:"platform"`
	Path     string `json:"path,omitempty"` // of the program; none if only its sum is known
	SHA256   string `json:"sha256"`
	Version  string `json:"version,omitempty"`
}

func runPluginLock(ctx context.Context, c *app.Command) error {
	lock, err := pluginhost.ReadLock(ctx, c.Config.Root)
	if err != nil {
		return err
	}
	if lock == nil {
		lock = pluginhost.NewLock(pluginhost.LockPath(c.Config.Root))
	}
	v := lockView{Lock: lock.Path, DryRun: c.Flags.Bool("dry-run")}
	if c.Flags.IsSet("sums") {
		err = lockPublished(ctx, c, lock, c.Flags.String("sums"), &v)
	} else {
		err = lockPrograms(ctx, c, lock, &v)
	}
	if err != nil {
		return err
	}
	if !v.DryRun {
		if err := lock.Write(); err != nil {
			return err
		}
	}
	if c.JSON {
		return output.WriteJSON(c.Env.Stdout, v)
	}
	return writeLocked(c, v)
}

func writeLocked(c *app.Command, v lockView) error {
	for _, l := range v.Plugins {
		words := slices.DeleteFunc([]string{l.Name, l.Platform, l.SHA256, l.Version, l.Path}, func(w string) bool { return w == "" })
		fmt.Fprintln(c.Env.Stdout, escape.Text(strings.Join(words, " ")))
	}
	if v.Signer != nil {
		fmt.Fprintf(c.Env.Stdout, "Signed by: %s (%s)\n", v.Signer.Key, escape.Text(v.Signer.Comment))
	}
	format := "Locked in: %s\n"
	if v.DryRun {
		format = "Dry run, nothing was written: it would be locked in %s\n"
	}
	_, err := fmt.Fprintf(c.Env.Stdout, format, escape.Text(v.Lock))
	return err
}

// lockPrograms locks the programs that are found here.
func lockPrograms(ctx context.Context, c *app.Command, lock *pluginhost.Lock, v *lockView) error {
	if c.Flags.IsSet("signature") || c.Flags.IsSet("key") {
		return output.Usagef("--signature and --key need --sums: they are about a vendor's SHA256SUMS")
	}
	names := c.Flags.Args().Slice()
	if len(names) == 0 {
		names = []string{c.Config.Backend.Type}
	}
	for _, name := range names {
		program, err := findProgram(ctx, c, name)
		if err != nil {
			return err
		}
		sum, err := program.SHA256(ctx)
		if err != nil {
			return err
		}
		lock.Set(pluginhost.Locking{Name: name, Platform: pluginhost.Platform, SHA256: sum})
		v.Plugins = append(v.Plugins, lockedView{Name: name, Platform: pluginhost.Platform, Path: program.Path, SHA256: sum.String(), Version: lock.Version(name)})
	}
	return nil
}

// lockPublished locks what a vendor's SHA256SUMS names, or those of it that the
// arguments name.
func lockPublished(ctx context.Context, c *app.Command, lock *pluginhost.Lock, path string, v *lockView) error {
	signature, err := signatureFlags(ctx, c.Flags)
	if err != nil {
		return err
	}
	data, err := readPublished(ctx, "--sums", path)
	if err != nil {
		return err
	}
	if signature != nil {
		signer, err := signature.Verify(bytes.NewReader(data))
		if err != nil {
			return output.Errorf(output.KindOf(sdk.Corrupt), "--sums: %s: %w", path, err).WithHint("nothing was locked")
		}
		v.Signer = &signerView{signer.Key, signer.Comment}
	}
	programs, err := published.ParseSums(data)
	if err != nil {
		return output.Usagef("--sums: %s: %w", path, err)
	}
	names := c.Flags.Args().Slice()
	for _, name := range names {
		if !slices.ContainsFunc(programs, func(p pluginhost.Locking) bool { return p.Name == name }) {
			return output.Usagef("--sums: %s names no program of backend %q", path, name)
		}
	}
	for _, p := range programs {
		if len(names) == 0 || slices.Contains(names, p.Name) {
			lock.Set(p)
			v.Plugins = append(v.Plugins, lockedView{Name: p.Name, Platform: p.Platform, SHA256: p.SHA256.String(), Version: p.Version})
		}
	}
	return nil
}

// findProgram returns the program of the backend called name.
func findProgram(ctx context.Context, c *app.Command, name string) (pluginhost.Program, error) {
	search, err := c.Search(ctx)
	if err != nil {
		return pluginhost.Program{}, err
	}
	return search.Find(ctx, name)
}
