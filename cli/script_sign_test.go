package main

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"

	"aead.dev/minisign"
	"github.com/rogpeppe/go-internal/testscript"
)

// scriptSign is "sign KEY FILE...": see [signFiles].
func scriptSign(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: sign KEY FILE...")
	}
	files := make([]string, len(args))
	for i, name := range args {
		files[i] = ts.MkAbs(name)
	}
	ts.Check(signFiles(files[0], files[1:]...))
}

// signFiles signs files as a vendor does. It writes the signatures to FILE.minisig
// and the public key, which is a new one, to key.
func signFiles(key string, files ...string) error {
	public, private, err := minisign.GenerateKey(nil)
	if err != nil {
		return err
	}
	text, err := public.MarshalText()
	errs := []error{err, os.WriteFile(key, append(text, '\n'), 0o644)}
	for _, file := range files {
		content, err := os.ReadFile(file)
		r := minisign.NewReader(bytes.NewReader(content))
		_, copied := io.Copy(io.Discard, r)
		signature := r.SignWithComments(private, "file:"+filepath.Base(file), "signature")
		errs = append(errs, err, copied, os.WriteFile(file+".minisig", signature, 0o644))
	}
	return errors.Join(errs...)
}
