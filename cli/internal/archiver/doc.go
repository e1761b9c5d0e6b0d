// Package archiver makes records of files: [Open] reads a file and turns it
// into what a backend stores. Package restorer goes the other way.
//
// A file is opened without following a symbolic link and must be regular.
// It is read twice, and both readings must have the same bytes, else [Open] fails
// with [ErrChanged]: a record is never a mix of two contents. Content up to
// [sdk.StagedBody] is hashed and compressed in memory; larger content is
// compressed while the backend reads it and hashed again on the way, and a body
// that differs ends in [ErrChanged]. Content from a pipe is spooled first, because
// a blocked read cannot be canceled.
//
// Bodies are single zstd frames that declare their content size, with a window
// of at most 4 MiB. The codec is the configured one, also for content that does
// not shrink: that costs some 13 bytes, and 3 in each 128 KiB. With recipients the
// frame is encrypted, which adds some 200 bytes for one recipient, and 16 in each
// 64 KiB.
//
// Errors of a request are of type [*sdk.Error]: Invalid (no regular file, no
// such commit), Canceled and Timeout. Errors of the local file system are what
// package os says.
//
// A file of any size takes the same memory: 8 MiB of content and as much of a
// body, or an encoder and a few chunks.
package archiver
