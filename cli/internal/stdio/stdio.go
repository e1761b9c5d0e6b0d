// Package stdio tells whether the program was started without standard output.
package stdio

import "syscall"

// atStart is what fcntl(1, F_GETFD) answered before Go's runtime began: negative is
// an errno. Assembly writes it, once.
var atStart int64

// Closed reports whether standard output was closed when the program started, as
// with >&-. Go's runtime opens /dev/null in its place before any code of Go runs, so
// that no file of the program gets its number; then all that is printed would be lost
// without an error. So programs for Linux are linked with the entry codex_start
// (-E codex_start), which asks before. Where a program is linked without it the
// answer is false.
func Closed() bool { return atStart == -int64(syscall.EBADF) }
