package archiver

import (
	"io/fs"
	"syscall"
	"time"
)

// changeTime is when content, mode, owner or names of a file changed last. Programs
// cannot set it.
func changeTime(info fs.FileInfo) time.Time {
	if stat, ok := info.Sys().(*syscall.Stat_t); ok {
		return time.Unix(stat.Ctimespec.Unix())
	}
	return info.ModTime()
}
