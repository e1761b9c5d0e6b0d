package main

import (
	"fmt"

	"github.com/codex-archive/codex/cli/internal/app"
	"github.com/codex-archive/codex/cli/internal/escape"
	"github.com/codex-archive/codex/cli/internal/evidence"
	"github.com/codex-archive/codex/cli/internal/output"
)

// receiptView is the result of evidence verify --receipt.
type receiptView struct {
	Receipt string           `json:"receipt"`
	Key     string           `json:"key"`
	Index   int64            `json:"index"`
	Lines   int64            `json:"lines"`
	Root    string           `json:"root"`
	Record  *evidence.Record `json:"record"`
}

// alone refuses the flags that do not go with what a note is checked by itself.
func alone(c *app.Command, checked string) error {
	for _, flag := range []string{"reconcile", "checkpoint", "last", "receipt", "certificate"} {
		if flag != checked && c.Flags.IsSet(flag) {
			return output.Usagef("--%s is checked by itself, without --%s", checked, flag)
		}
	}
	return nil
}

// verifyReceipt checks a receipt. It needs neither log nor archive.
func verifyReceipt(c *app.Command) error {
	if err := alone(c, "receipt"); err != nil {
		return err
	}
	key, err := publicKey(c)
	if err != nil {
		return err
	}
	file := c.Flags.String("receipt")
	signed, err := readNote("--receipt", file)
	if err != nil {
		return err
	}
	r, err := key.OpenReceipt(signed)
	if err != nil {
		return output.Errorf(output.Chain, "%s: %w", file, err).WithHint("the receipt was changed, or another key has signed it")
	}
	if c.JSON {
		return output.WriteJSON(c.Env.Stdout, receiptView{file, key.Name(), r.Index, r.Tree.N, r.Tree.Hash.String(), r.Record})
	}
	_, err = fmt.Fprintf(c.Env.Stdout, "Receipt: %s\nSigned with: %s\nLine: %s\nSHA-256: %s\nChecked: this is line %d of %d of the log that was signed.\n",
		escape.Text(file), key.Name(), folded(evidenceWords(r.Record), output.Width(c.Env.Stdout)), escape.Text(r.Record.SHA256), r.Index+1, r.Tree.N)
	return err
}
