package main

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
)

// sumsName is the file of checksums, in the form of sha256sum.
const sumsName = "SHA256SUMS"

// sums returns the SHA-256 of each file in dir, in hex.
func sums(dir string) (map[string]string, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	found := map[string]string{}
	for _, e := range entries {
		data, err := os.ReadFile(filepath.Join(dir, e.Name()))
		if err != nil {
			return nil, err
		}
		found[e.Name()] = digest(data)
	}
	return found, nil
}

func digest(data []byte) string {
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}

func writeSums(dir string) error {
	found, err := sums(dir)
	if err != nil {
		return err
	}
	return create(filepath.Join(dir, sumsName), func(w io.Writer) error {
		for _, name := range slices.Sorted(maps.Keys(found)) {
			if _, err := fmt.Fprintf(w, "%s  %s\n", found[name], name); err != nil {
				return err
			}
		}
		return nil
	})
}
