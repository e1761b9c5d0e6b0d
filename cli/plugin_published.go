package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/codex-archive/codex/cli/internal/durable"
	"github.com/codex-archive/codex/cli/internal/output"
	"github.com/codex-archive/codex/cli/internal/published"
	"github.com/codex-archive/codex/sdk"
)

// maxPublished bounds the files that are read to compare others with, in bytes.
const maxPublished = 1 << 20

// publicKeyLength is that of a public key of minisign, in characters.
const publicKeyLength = 56

// sumFlag reads the value of --sha256. It is nil without the flag; an empty value is
// an error, for it may come from a variable that is not set.
func sumFlag(flags *cli.Context) (*sdk.Digest, error) {
	if !flags.IsSet("sha256") {
		return nil, nil
	}
	text := flags.String("sha256")
	sum, err := sdk.ParseDigest(strings.TrimSpace(text))
	if err != nil {
		return nil, output.Usagef("--sha256: found %q, allowed 64 hexadecimal digits", text)
	}
	return &sum, nil
}

// signatureFlags reads what --signature and --key name. It is nil without them.
func signatureFlags(ctx context.Context, flags *cli.Context) (*published.Signature, error) {
	signature, key := flags.String("signature"), flags.String("key")
	switch {
	case !flags.IsSet("signature") && !flags.IsSet("key"):
		return nil, nil
	case signature == "" || key == "":
		return nil, output.Usagef("--signature and --key: one is of no use without the other, and neither may be empty").
			WithHint("the key is the vendor's public key, from a place that you trust; a key beside the signature proves nothing")
	}
	text, err := readPublished(ctx, "--signature", signature)
	if err != nil {
		return nil, err
	}
	keyText := []byte(key)
	if len(key) != publicKeyLength || !strings.HasPrefix(key, "RW") {
		if keyText, err = readPublished(ctx, "--key", key); err != nil {
			return nil, err
		}
	}
	s, err := published.ParseSignature(text, keyText)
	if err != nil {
		return nil, output.Errorf(output.Usage, "%w", err)
	}
	return s, nil
}

// readPublished reads the regular file that a flag names.
func readPublished(ctx context.Context, flag, path string) ([]byte, error) {
	fail := func(err error) ([]byte, error) {
		var stalled *durable.StalledError
		if errors.As(err, &stalled) || ctx.Err() != nil {
			return nil, fmt.Errorf("%s: %w", flag, err)
		}
		return nil, output.Usagef("%s: %s: %w", flag, path, durable.Cause(err))
	}
	if path == "" {
		return nil, output.Usagef("%s is empty", flag)
	}
	data, err := durable.Answered(ctx, 0, path, func() ([]byte, error) {
		real, err := filepath.EvalSymlinks(path)
		if err != nil {
			return nil, err
		}
		f, err := durable.OpenRegular(real, os.O_RDONLY, 0)
		if err != nil {
			return nil, err
		}
		defer func() { _ = f.Close() }() // it was only read
		return io.ReadAll(io.LimitReader(f, maxPublished+1))
	})
	if err == nil && len(data) > maxPublished {
		err = errors.New("it has more than 1 MiB")
	}
	if err != nil {
		return fail(err)
	}
	return data, nil
}
