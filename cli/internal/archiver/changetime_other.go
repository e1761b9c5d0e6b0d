//go:build !linux && !darwin

package archiver

import (
	"io/fs"
	"time"
)

// changeTime: only Linux and macOS tell.
func changeTime(info fs.FileInfo) time.Time { return info.ModTime() }
