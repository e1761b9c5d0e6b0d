//go:build !unix

package databases

import (
	"context"
	"fmt"
	"runtime"
)

type identity struct{}

func unprivileged() (*identity, error)         { return nil, nil }
func (i *identity) own(directory string) error { return nil }
func temporary(*identity) string               { return "" }

// find knows no program: watch.sh needs a shell and signals.
func find(name string, _ []string) (string, error) {
	return "", fmt.Errorf("%s: not supported on %s: %w", name, runtime.GOOS, errMissing)
}

func run([]string, *identity, string) ([]byte, error) { return nil, errMissing }

type process struct{}

func watch([]string, string, *identity, string) (*process, error) { return nil, errMissing }

func (*process) until(context.Context, func(context.Context) error) error { return errMissing }
func (*process) end(string) error                                         { return errMissing }
