package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/codex-archive/codex/cli/internal/app"
	"github.com/codex-archive/codex/cli/internal/durable"
	"github.com/codex-archive/codex/cli/internal/escape"
	"github.com/codex-archive/codex/cli/internal/evidence"
	"github.com/codex-archive/codex/cli/internal/output"
)

func evidenceKeygenCommand(a *app.App) *cli.Command {
	return a.Plain(&cli.Command{
		Name:      "keygen",
		Usage:     "make a key that signs checkpoints and receipts",
		UsageText: "codex archive evidence keygen [flags]",
		Description: "Writes a private key that only you can read, and a public key beside it (.pub). The\n" +
			"default is evidence.key in $XDG_CONFIG_HOME/codex, or ~/.config/codex. No file is replaced.\n" +
			"Hand the public key to those who will check; keep the private key off machines that others\n" +
			"administer. No configuration can name a key, so a clone cannot either.\n\n" +
			"EXAMPLES:\n" +
			"   codex archive evidence keygen\n" +
			"   codex archive evidence keygen --output audit.key --name example.com/audit",
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "output", Usage: "write the private key to `FILE`"},
			&cli.StringFlag{Name: "name", Usage: "`NAME` of the key, which signatures carry; the default names the host"},
			app.Switch("dry-run", "say where the keys would go, and make none"),
		},
	}, app.NoArguments(runEvidenceKeygen))
}

// keygenView is the result of evidence keygen.
type keygenView struct {
	DryRun  bool   `json:"dry_run,omitempty"`
	Private string `json:"private_key"`
	Public  string `json:"public_key"`
	Name    string `json:"name"`
	Key     string `json:"key,omitempty"` // the public key itself
}

func runEvidenceKeygen(_ context.Context, c *app.Command) error {
	v := keygenView{DryRun: c.Flags.Bool("dry-run"), Name: c.Flags.String("name")}
	if v.Name == "" {
		v.Name = defaultKeyName(c.Env.Host)
	}
	if err := evidence.CheckKeyName(v.Name); err != nil {
		return output.Usagef("--name: %w", err)
	}
	var err error
	if v.Private, err = privateKeyPath(c, "output"); err != nil {
		return err
	}
	v.Public = publicKeyPath(v.Private)
	if !v.DryRun {
		if v.Key, err = makeKey(c, v); err != nil {
			return err
		}
	}
	if c.JSON {
		return output.WriteJSON(c.Env.Stdout, v)
	}
	_, err = fmt.Fprintf(c.Env.Stdout, "Private key: %s\nPublic key: %s\nName: %s\n", escape.Text(v.Private), escape.Text(v.Public), v.Name)
	return err
}

func makeKey(c *app.Command, v keygenView) (string, error) {
	if !c.Flags.IsSet("output") {
		if err := os.MkdirAll(filepath.Dir(v.Private), 0o700); err != nil {
			return "", err
		}
	}
	for _, path := range []string{v.Private, v.Public} {
		if err := durable.NewFile("--output", path); errors.Is(err, fs.ErrExist) {
			return "", output.Errorf(output.OutputExists, "%w", err).WithHint("a key is never replaced: name another file with --output")
		} else if err != nil {
			return "", err
		}
	}
	return evidence.GenerateKey(v.Name, v.Private, v.Public)
}

// defaultKeyName names a key after the machine.
func defaultKeyName(host string) string {
	name := host + "/codex-archive"
	if host == "" || evidence.CheckKeyName(name) != nil {
		return "codex-archive"
	}
	return name
}

// privateKeyPath is the file of the private key: the one that a flag names, or
// the user's own.
func privateKeyPath(c *app.Command, flag string) (string, error) {
	if path := c.Flags.String(flag); path != "" || c.Flags.IsSet(flag) {
		if path == "" {
			return "", output.Usagef("--%s: found nothing, allowed a file", flag)
		}
		return path, nil
	}
	dir := c.Env.Get("XDG_CONFIG_HOME")
	if home := c.Env.Get("HOME"); !filepath.IsAbs(dir) && home != "" {
		dir = filepath.Join(home, ".config")
	}
	if !filepath.IsAbs(dir) {
		return "", output.Usagef("there is no home directory for a key: name its file with --%s", flag)
	}
	return filepath.Join(dir, "codex", "evidence.key"), nil
}

func publicKeyPath(private string) string { return strings.TrimSuffix(private, ".key") + ".pub" }

// privateKeyFlag names the key that signs.
func privateKeyFlag() cli.Flag {
	return &cli.StringFlag{Name: "key", Usage: "sign with the private key in `FILE`; the default is that of evidence keygen"}
}

// privateKey reads the key that signs. The command has touched nothing yet.
func privateKey(c *app.Command) (*evidence.PrivateKey, error) {
	path, err := privateKeyPath(c, "key")
	if err != nil {
		return nil, err
	}
	key, err := evidence.ReadPrivateKey(path)
	if err != nil {
		return nil, output.Errorf(output.Config, "no key to sign with: %w", durable.NamedFile(keyNamedBy(c), path, err, "")).
			WithHint("make one: codex archive evidence keygen; --key FILE names one that is elsewhere")
	}
	return key, nil
}

// keyNamedBy says where the name of a key's file comes from, for errors about it.
func keyNamedBy(c *app.Command) string {
	if c.Flags.IsSet("key") {
		return "--key"
	}
	return "the default key"
}

// publicKey reads the key that --key names, or the user's own.
func publicKey(c *app.Command) (*evidence.PublicKey, error) {
	path := c.Flags.String("key")
	if path == "" {
		private, err := privateKeyPath(c, "key")
		if err != nil {
			return nil, err
		}
		path = publicKeyPath(private)
	}
	key, err := evidence.ReadPublicKey(path)
	if err != nil {
		return nil, output.Errorf(output.Config, "no public key to check with: %w", durable.NamedFile(keyNamedBy(c), path, err, "")).
			WithHint("--key names the public key, or its file, which evidence keygen has written beside the private one")
	}
	return key, nil
}
