package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/codex-archive/codex/cli/internal/app"
	"github.com/codex-archive/codex/cli/internal/config"
	"github.com/codex-archive/codex/cli/internal/durable"
	"github.com/codex-archive/codex/cli/internal/escape"
	"github.com/codex-archive/codex/cli/internal/output"
	"github.com/codex-archive/codex/cli/internal/pluginhost"
	"github.com/codex-archive/codex/cli/internal/published"
)

func pluginInstallCommand(a *app.App) *cli.Command {
	return a.Plain(&cli.Command{
		Name:      "install",
		Usage:     "verify a published backend, and put it where it is found",
		UsageText: "codex plugin install FILE|DIR [flags]",
		Description: "FILE is a .tar.gz, .tar or .zip with one program codex-archive-NAME, or the program itself;\n" +
			"DIR has the program in it. Sum and signature are those of FILE (for DIR, of the program), and\n" +
			"are checked before anything is unpacked. The signature is one of minisign; KEY is the vendor's\n" +
			"public key, a file or its text. Then the program is started once and must say that it is the\n" +
			"backend NAME of this protocol. No archive is opened. Only then it gets its place in\n" +
			"$XDG_DATA_HOME/codex/plugins (~/.local/share/codex/plugins).\n\n" +
			"In a project with a .codex/plugins.lock only a program that it names is started; --lock adds\n" +
			"this one. On a terminal that is asked. Nothing is downloaded.\n\n" +
			"EXAMPLES:\n" +
			"   codex plugin install oracle.tar.gz --sha256 5a2f…\n" +
			"   codex plugin install oracle.zip --signature zip.minisig --key key.pub --lock\n" +
			"   codex plugin install ./dist --name oracle --dry-run",
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "sha256", Usage: "FILE must have the SHA-256 `SUM`"},
			&cli.StringFlag{Name: "signature", Usage: "`FILE` with minisign's signature, which must be by --key"},
			&cli.StringFlag{Name: "key", Usage: "public `KEY` of the vendor, a file of minisign or the key itself"},
			&cli.StringFlag{Name: "name", Usage: "take the program of backend `NAME`, where there are several"},
			app.Switch("force", "replace a program of that name"),
			app.Switch("lock", "add the program to .codex/plugins.lock of this project"),
			app.Switch("dry-run", "verify and start it, and install nothing"),
			&cli.StringFlag{Name: "timeout", Usage: "give up on its start after so many `SECONDS`", Value: "30"},
			app.PluginDirFlag(),
		},
	}, app.Arguments(runPluginInstall, "FILE or DIR"))
}

// installView is the result of plugin install.
type installView struct {
	Name      string               `json:"name"`
	Version   string               `json:"version"`
	Protocol  int                  `json:"protocol"`
	Platform  string               `json:"platform"`
	Program   string               `json:"program"`
	SHA256    string               `json:"sha256"`
	Source    string               `json:"source"`
	SourceSum string               `json:"source_sha256"`
	Verified  []string             `json:"verified"` // by what: sha256, signature
	Signer    *signerView          `json:"signer,omitempty"`
	Done      pluginhost.Installed `json:"done"`
	DryRun    bool                 `json:"dry_run"`
	Lock      string               `json:"lock,omitempty"` // the file that names the program now
}

type signerView struct {
	Key     string `json:"key"`
	Comment string `json:"comment"`
}

// installation is the work of one plugin install.
type installation struct {
	c       *app.Command
	search  pluginhost.Search
	root    string           // of the project
	lock    *pluginhost.Lock // nil where the project has none
	lockIt  bool
	replace bool
	program published.Package
	view    installView
}

func runPluginInstall(ctx context.Context, c *app.Command) (err error) {
	i := &installation{c: c, lockIt: c.Flags.Bool("lock"), replace: c.Flags.Bool("force")}
	options, err := i.prepare(ctx)
	if err != nil {
		return err
	}
	dir, err := durable.NewScratchDir("codex-install-")
	if err != nil {
		return err
	}
	defer dir.Remove()
	source := c.Flags.Args().First()
	if i.program, err = published.Open(ctx, source, dir.Path, options); err != nil {
		return err
	}
	i.view = newInstallView(source, i.program, options, c.Flags.Bool("dry-run"))
	if err := i.describe(ctx); err != nil {
		return err
	}
	if err := i.place(ctx); err != nil {
		return err
	}
	if c.JSON {
		return output.WriteJSON(c.Env.Stdout, i.view)
	}
	return writeInstalled(c, i.view)
}

// prepare reads what the flags name, and the project's lock.
func (i *installation) prepare(ctx context.Context) (o published.Options, err error) {
	flags := i.c.Flags
	o.Backend = flags.String("name")
	if o.SHA256, err = sumFlag(flags); err != nil {
		return o, err
	}
	if o.Signature, err = signatureFlags(ctx, flags); err != nil {
		return o, err
	}
	if i.search, err = i.c.Search(ctx); err != nil {
		return o, err
	}
	if i.root, err = config.Root(config.Options{Dir: i.c.Env.Dir, Environ: i.c.Env.Vars}); err != nil {
		return o, output.Errorf(output.Config, "%w", err)
	}
	i.lock, err = pluginhost.ReadLock(ctx, i.root)
	return o, err
}

func newInstallView(source string, p published.Package, o published.Options, dry bool) installView {
	v := installView{
		Name: p.Backend, Platform: pluginhost.Platform, SHA256: p.SHA256.String(), Source: source, SourceSum: p.Source.String(),
		Verified: []string{}, DryRun: dry,
	}
	if o.SHA256 != nil {
		v.Verified = append(v.Verified, "sha256")
	}
	if p.Signer != nil {
		v.Verified = append(v.Verified, "signature")
		v.Signer = &signerView{p.Signer.Key, p.Signer.Comment}
	}
	return v
}

// describe starts the program once, if it may have its place and the lock allows it
// run, and learns what it is.
func (i *installation) describe(ctx context.Context) error {
	p := i.program
	timeout, err := app.Seconds("--timeout", i.c.Flags.String("timeout"))
	if err != nil {
		return err
	}
	if _, _, err := i.search.CanInstall(ctx, p.Backend, p.SHA256, i.replace); err != nil {
		return err
	}
	if err := i.allowed(ctx); err != nil {
		return err
	}
	program, err := i.search.Named(ctx, p.Path)
	if err != nil {
		return err
	}
	d, err := pluginhost.Describe(ctx, pluginhost.Start{
		Program: program, SHA256: &p.SHA256, Env: pluginhost.Environ(i.c.Env.Vars, nil), Logger: i.c.Log, Timeout: timeout,
	})
	if err != nil {
		return err
	}
	if d.Name != p.Backend {
		return output.Errorf(output.NoBackend, "the program codex-archive-%s calls itself the backend %q; it was not installed", p.Backend, d.Name)
	}
	i.view.Version, i.view.Protocol = d.Version, d.Protocol
	return nil
}

// allowed asks for what the project's lock does not allow.
func (i *installation) allowed(ctx context.Context) error {
	if i.lock == nil || i.lockIt {
		return nil
	}
	state, err := i.lock.State(ctx, pluginhost.Program{Name: i.program.Backend, Path: i.program.Path})
	if err != nil || state == pluginhost.Locked {
		return err
	}
	if canAsk(i.c) && !i.view.DryRun {
		question := fmt.Sprintf("%s does not name this program (SHA-256 %s). Start it, and add it?", escape.Text(i.lock.Path), i.view.SHA256)
		if i.lockIt, err = ask(ctx, i.c, question); err != nil || i.lockIt {
			return err
		}
	}
	return output.Errorf(output.PluginChanged, "%s does not name this program; it was neither started nor installed", i.lock.Path).
		WithHint("if you trust it: --lock adds it")
}

// place puts the program where it is found, and into the lock if that is wanted.
func (i *installation) place(ctx context.Context) error {
	p, v := i.program, &i.view
	var err error
	if v.DryRun {
		v.Program, v.Done, err = i.search.CanInstall(ctx, p.Backend, p.SHA256, i.replace)
	} else {
		v.Program, v.Done, err = i.search.Install(ctx, p.Backend, p.Path, p.SHA256, i.replace)
	}
	if err != nil {
		return err
	}
	if err := i.offerLock(ctx); err != nil {
		return err
	}
	if !i.lockIt {
		return nil
	}
	v.Lock = pluginhost.LockPath(i.root)
	if v.DryRun {
		return nil
	}
	if err := lockOne(i.root, i.lock, p, v.Version); err != nil {
		return output.Errorf(output.Failed, "installed, not locked: %w", err).WithHint("codex plugin lock %s", p.Backend)
	}
	return nil
}

// offerLock asks on a terminal whether a project without a lock shall get one.
func (i *installation) offerLock(ctx context.Context) (err error) {
	if i.lock != nil || i.lockIt || i.view.DryRun || !canAsk(i.c) {
		return nil
	}
	if info, err := os.Stat(filepath.Dir(pluginhost.LockPath(i.root))); err != nil || !info.IsDir() {
		return nil // no project here
	}
	i.lockIt, err = ask(ctx, i.c, "Let only locked programs run in the project "+escape.Text(i.root)+", this one first?")
	return err
}

// lockOne adds a program to the lock of a project, which it makes where there is
// none.
func lockOne(root string, lock *pluginhost.Lock, p published.Package, version string) error {
	if lock == nil {
		lock = pluginhost.NewLock(pluginhost.LockPath(root))
	}
	if !pluginhost.ValidVersion(version) {
		version = p.Version
	}
	lock.Set(pluginhost.Locking{Name: p.Backend, Platform: pluginhost.Platform, SHA256: p.SHA256, Version: version})
	return lock.Write()
}

func writeInstalled(c *app.Command, v installView) error {
	w := c.Env.Stdout
	verified := "nothing: neither --sha256 nor --signature was given"
	if len(v.Verified) > 0 {
		verified = strings.Join(v.Verified, ", ")
	}
	fmt.Fprintf(w, "Backend: %s %s, protocol %d, %s\n", v.Name, escape.Text(v.Version), v.Protocol, v.Platform)
	fmt.Fprintf(w, "SHA-256: %s\nVerified: %s\n", v.SHA256, verified)
	if v.Signer != nil {
		fmt.Fprintf(w, "Signed by: %s (%s)\n", v.Signer.Key, escape.Text(v.Signer.Comment))
	}
	if v.Lock != "" {
		fmt.Fprintf(w, "Locked in: %s\n", escape.Text(v.Lock))
	}
	if v.DryRun {
		_, err := fmt.Fprintf(w, "Dry run, nothing was written: it would be %s: %s\n", v.Done, escape.Text(v.Program))
		return err
	}
	_, err := fmt.Fprintf(w, "%s: %s\n", strings.ToUpper(string(v.Done[:1]))+string(v.Done[1:]), escape.Text(v.Program))
	return err
}
