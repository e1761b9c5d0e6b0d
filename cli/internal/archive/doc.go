// Package archive makes the two journeys between files and records: [Open]
// reads a file and turns it into what a backend stores, [Restorer] turns what a
// backend gave back into a file.
//
// # Storing
//
// A file is opened without following a symbolic link and must be regular.
// Content up to [sdk.StagedBody] is read once, hashed and compressed in memory;
// larger content is hashed first and is compressed while the backend reads it,
// hashed again on the way: what changed in between ends the body in
// [ErrChanged] and never in a torn record. Content from a pipe is spooled
// first, because a blocked read cannot be cancelled.
//
// Bodies are single zstd frames that declare their content size, with a window
// of at most 4 MiB. The codec is the configured one, also for content that does
// not shrink: that costs some 13 bytes, and 3 in each 128 KiB.
//
// # Restoring
//
// A file is written under no name, or a temporary one, in the directory where
// it will stand; it is verified against its SHA-256 and size, given its mode
// and time, synced, published under its name in one step, and the directory is
// synced. At no moment does a partial or unverified file stand under the name.
// Up to 1 MiB is verified in memory, before anything is written.
//
// # Errors
//
// Errors of the archive and refusals are of type [*sdk.Error]: Corrupt (it
// names both hashes), Refused (the output exists), Invalid (no regular file, no
// such commit), Unsupported (an unknown codec), Canceled and Timeout. Errors of
// the local file system are what package os says.
//
// # Memory
//
// A file of any size takes the same: to store it 8 MiB of content and as much of
// a body, or an encoder and a few chunks; to restore it a decoder of at most
// twice the window and 2 MiB of chunks. TestMemoryIsFlat prints the peak of a
// whole process, about 25 MiB.
package archive
