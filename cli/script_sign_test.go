package main

import (
	"bytes"
	"io"
	"os"

	"aead.dev/minisign"
	"github.com/rogpeppe/go-internal/testscript"
)

// scriptSign is "sign KEY FILE...": signs files as a vendor does, and writes the
// signatures to FILE.minisig and the public key, which is a new one, to KEY.
func scriptSign(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: sign KEY FILE...")
	}
	public, private, err := minisign.GenerateKey(nil)
	ts.Check(err)
	text, err := public.MarshalText()
	ts.Check(err)
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), append(text, '\n'), 0o644))
	for _, file := range args[1:] {
		content, err := os.ReadFile(ts.MkAbs(file))
		ts.Check(err)
		r := minisign.NewReader(bytes.NewReader(content))
		_, err = io.Copy(io.Discard, r)
		ts.Check(err)
		ts.Check(os.WriteFile(ts.MkAbs(file+".minisig"), r.SignWithComments(private, "file:"+file, "signature"), 0o644))
	}
}
