package main

import (
	"context"
	"slices"

	"github.com/urfave/cli/v2"

	"github.com/codex-archive/codex/cli/internal/app"
	"github.com/codex-archive/codex/cli/internal/custody"
	"github.com/codex-archive/codex/cli/internal/durable"
	"github.com/codex-archive/codex/cli/internal/find"
	"github.com/codex-archive/codex/cli/internal/output"
	"github.com/codex-archive/codex/sdk"
)

// certify writes a certificate of those records that are purged, by this run or an
// earlier one.
func (r *purgeRun) certify(ctx context.Context, items []*custodyItem) error {
	backend, err := r.run.archive.Backend(ctx)
	if err != nil {
		return err
	}
	c := custody.Certificate{Backend: r.run.command.Config.Backend.Type, Made: r.run.command.Started, Plan: r.order.Plan}
	if c.Archive, err = identity(ctx, backend); err != nil {
		return err
	}
	var purged []sdk.Tombstone
	for _, item := range items {
		if item.err == nil && (item.unchanged || !item.event.IsZero()) {
			purged = append(purged, item.id)
		}
	}
	if len(purged) == 0 {
		return nil // nothing to certify: the command says why
	}
	for group := range slices.Chunk(purged, sdk.MaxItems) {
		if err := certifyGroup(ctx, backend, &c, group); err != nil {
			return err
		}
	}
	text, err := c.Text()
	if err != nil {
		return err
	}
	signed, err := r.key.SignNote(text)
	if err != nil {
		return err
	}
	return writeNew("--certificate", r.order.Certificate, signed)
}

// certifyGroup adds a group of purged records to a certificate, as the archive
// has them now.
func certifyGroup(ctx context.Context, backend sdk.Backend, c *custody.Certificate, group []sdk.Tombstone) error {
	entries := map[sdk.Tombstone]sdk.Entry{}
	var contents []sdk.Digest
	for entry, err := range find.List(ctx, backend, sdk.Query{Tombstones: group, WithEvents: true, WithHolds: true}, nil) {
		if err == nil {
			err = entry.Err
		}
		if err != nil {
			return err
		}
		entries[entry.Record.Tombstone] = entry
		contents = append(contents, entry.Record.Content.SHA256)
	}
	missing, err := backend.Missing(ctx, contents)
	if err != nil {
		return err
	}
	for _, id := range group {
		entry, ok := entries[id]
		if !ok {
			return find.NotFound(id.String())
		}
		certified, err := custody.Certify(&entry, slices.Contains(missing, entry.Record.Content.SHA256))
		if err != nil {
			return err
		}
		c.Records = append(c.Records, certified)
	}
	return nil
}

// certifyAfter is certify after a purge, whose outcome counts first.
func (r *purgeRun) certifyAfter(ctx context.Context, items []*custodyItem) error {
	if r.key == nil {
		return nil
	}
	if err := r.certify(ctx, items); err != nil {
		return output.Errorf(output.FailureOf(err).Kind, "the content is purged, and the certificate is not written: %w", err).
			WithHint("the same command again writes it")
	}
	return nil
}

// certificateFlags are the flags of a purge about its certificate.
func certificateFlags() []cli.Flag {
	return []cli.Flag{
		&cli.StringFlag{Name: "certificate", Usage: "write a signed certificate to `FILE`"},
		privateKeyFlag(),
	}
}

// openCertificate checks what can be checked before anything is purged.
func (r *purgeRun) openCertificate(c *app.Command) (err error) {
	file := c.Flags.String("certificate")
	switch {
	case file == "" && c.Flags.IsSet("key"):
		return output.Usagef("--key belongs to --certificate")
	case file == "":
		return nil
	}
	if err := durable.NewFile("--certificate", file); err != nil {
		return err
	}
	r.order.Certificate = file
	r.key, err = privateKey(c)
	return err
}
