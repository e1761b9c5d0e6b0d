// Package restorer makes files of records: a [Restorer] turns what a backend
// returned into a file. Package archiver goes the other way.
//
// A file is written under no name, or a temporary one, in the directory of its
// output; it is verified against its SHA-256 and size, gets its mode and time,
// is synced, published under its name in one step, and the directory is synced.
// At no moment is a partial or unverified file visible under the name. Up to
// 1 MiB is verified in memory, before anything is written.
//
// Errors of the archive are of type [*sdk.Error]: Corrupt (it names both hashes),
// Invalid (the output can be no file), Schema (a codec of a newer program), Canceled
// and Timeout. An output that exists is an [output.Failure]. Errors of the local
// file system are what package os says.
//
// A file of any size takes the same memory: a decoder of at most twice the
// window and 2 MiB of chunks. TestMemoryIsFlat prints the peak of a whole
// process, about 25 MiB.
package restorer
