//go:build !linux

package plugin

import (
	"errors"
	"os"
)

// sealed is for Linux.
func sealed(*os.File) (*image, error) { return nil, errors.ErrUnsupported }
