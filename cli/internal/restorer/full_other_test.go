//go:build !linux

package restorer

import "errors"

// fullRole is never asked for: the test that needs it mounts, as Linux does.
func fullRole(string) error { return errors.ErrUnsupported }
