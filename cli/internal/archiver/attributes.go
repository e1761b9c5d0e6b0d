package archiver

import (
	"fmt"
	"io/fs"
	"time"

	"github.com/codex-archive/codex/sdk"
)

// The times that are archived: RFC 3339 has years of four digits, and the first
// second of year 1 is how Go writes that there is no time.
var (
	earliest = time.Date(1, 1, 1, 0, 0, 1, 0, time.UTC)
	latest   = time.Date(9999, 12, 31, 23, 59, 59, 999999000, time.UTC)
)

// droppedBits are those that are not archived: they would make a restored file
// run with rights that its content was not checked for.
var droppedBits = []struct {
	bit  fs.FileMode
	name string
}{{fs.ModeSetuid, "setuid"}, {fs.ModeSetgid, "setgid"}, {fs.ModeSticky, "sticky"}}

// describe takes mode and time of the file at path.
func (s *Source) describe(path string, info fs.FileInfo) {
	s.Mode, s.ModTime, s.Warnings = Attributes(path, info)
}

// Attributes returns mode and time of the file at path as they are archived, and
// warnings about what of them is not.
func Attributes(path string, info fs.FileInfo) (mode uint32, modTime time.Time, warnings []string) {
	for _, d := range droppedBits {
		if info.Mode()&d.bit != 0 {
			warnings = append(warnings, fmt.Sprintf("%s: the %s bit is not archived", path, d.name))
		}
	}
	modTime = sdk.Time(info.ModTime())
	cut := modTime
	switch {
	case cut.Before(earliest):
		cut = earliest
	case cut.After(latest):
		cut = latest
	}
	if !cut.Equal(modTime) {
		warnings = append(warnings, fmt.Sprintf("%s: the modification time is outside the years 1 to 9999 and is archived as %s", path, cut.Format(time.RFC3339)))
	}
	return uint32(info.Mode().Perm()), cut, warnings
}
