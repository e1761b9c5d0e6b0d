package main

import (
	"fmt"
	"strings"

	"github.com/codex-archive/codex/cli/internal/app"
	"github.com/codex-archive/codex/cli/internal/custody"
	"github.com/codex-archive/codex/cli/internal/durable"
	"github.com/codex-archive/codex/cli/internal/escape"
	"github.com/codex-archive/codex/cli/internal/output"
	"github.com/codex-archive/codex/sdk"
)

// certificateView is the result of evidence verify --certificate.
type certificateView struct {
	Certificate string              `json:"certificate"`
	Key         string              `json:"key"`
	Archive     sdk.ID              `json:"archive"`
	Backend     string              `json:"backend"`
	Made        string              `json:"made"`
	Plan        string              `json:"plan,omitempty"`
	Records     []custody.Certified `json:"records"`
}

// maxCertificate bounds a certificate, in bytes: a record has some hundred.
const maxCertificate = 1 << 30

// verifyCertificate checks the certificate of a purge, and prints it. It needs neither
// log nor archive.
func verifyCertificate(c *app.Command) error {
	if err := alone(c, "certificate"); err != nil {
		return err
	}
	key, err := publicKey(c)
	if err != nil {
		return err
	}
	file := c.Flags.String("certificate")
	signed, err := durable.ReadRegular(file, maxCertificate)
	if err != nil {
		return durable.NamedFile("--certificate", file, err, noteHint("--certificate"))
	}
	var read *custody.Certificate
	text, err := key.OpenNote(signed)
	if err == nil {
		read, err = custody.ParseCertificate(text)
	}
	if err != nil {
		return output.Errorf(output.Chain, "%s: %w", file, err).WithHint("the certificate was changed, or another key has signed it")
	}
	if c.JSON {
		return output.WriteJSON(c.Env.Stdout, certificateView{file, key.Name(), read.Archive, read.Backend, output.Stamp(read.Made), read.Plan, read.Records})
	}
	return writeCertificate(c, key.Name(), read)
}

func writeCertificate(c *app.Command, key string, read *custody.Certificate) error {
	var b strings.Builder
	fmt.Fprintf(&b, "Certificate: %s\nSigned with: %s\nMade: %s\nArchive: %s (%s)\n", escape.Text(c.Flags.String("certificate")), key, output.Stamp(read.Made), read.Archive, escape.Text(read.Backend))
	for i := range read.Records {
		r := &read.Records[i]
		var asked []string
		for _, request := range r.Requests {
			asked = append(asked, escape.Text(request.Actor))
		}
		fmt.Fprintf(&b, "Purged: %s  %s  %s  on %s by %s, asked for by %s\n", r.Tombstone, escape.Text(r.Repo), escape.Text(r.Path),
			output.Stamp(r.Purge.At), escape.Text(r.Purge.Actor), strings.Join(asked, ", "))
		if r.Contradiction != "" {
			fmt.Fprintf(&b, "  Contradiction: %s\n", escape.Text(r.Contradiction))
		}
	}
	fmt.Fprintf(&b, "Checked: %s, as signed.\n", output.Count(len(read.Records), "record"))
	_, err := fmt.Fprint(c.Env.Stdout, b.String())
	return err
}
