// Package evidence keeps the log of what was done to the archive:
// archive_ops.jsonl, one JSON object a line, appended, chained and synced.
//
// # Order of things
//
// No record, no action. A command opens the log before it touches the archive
// ([Open] proves that the log can be locked and read), notes what it is about
// to do ([Log.Begin]), calls the backend, appends its records ([Log.Append]) and
// lets the note go ([PendingIntent.Done]). When a command dies in between, its note
// stays behind unlocked; the next command finds it ([Log.StaleIntents]), asks the
// backend which of the noted events stand, and records those that are not in
// the log yet, with "repaired": true.
//
// # Files
//
//	archive_ops.jsonl          the log
//	archive_ops.lock           held while lines are appended, and only then
//	archive_ops.torn-TIME-N    an unfinished last line that was set aside
//	pending/ID.json            a note, locked while its owner lives
//
// All are regular files; a symbolic link, a directory, a pipe or a device in
// their place is an error.
//
// # Why the sync may follow the unlock
//
// Lines are appended in one write at the end of the file while the lock is
// held, so their order in the file is that of the chain. The sync comes after
// the unlock: it covers the whole file, hence also whatever was appended before,
// so a line that is durable has durable predecessors. A process that crashes
// before its sync has not reported success. A machine that crashes may lose the
// end of the file, which is then either a whole number of lines or ends in a
// torn one; the torn one is set aside and a RECOVER record chained. Waiting for
// the disk outside the lock lets many processes share one flush.
//
// # The chain
//
// prev is the SHA-256 of the previous line without its newline, whatever that
// line is; the first line has 64 zeros. seq is that of the previous line plus
// one. Where the last line is whole but is no record (another program wrote
// there), it stays, because whole lines are never changed: the chain goes on
// from its hash, seq becomes the number of lines plus one, and a RECOVER record
// says so. [Verify] names that line for ever.
package evidence
