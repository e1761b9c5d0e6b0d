// Package evidence keeps the log of what was done to the archive:
// archive_ops.jsonl, one JSON object a line, appended, chained and synced.
//
// # Order of calls
//
// No record, no action. A command opens the log before it touches the archive
// ([Open] proves that the log can be locked and read), writes an intent
// ([Log.Begin]), opens the archive and names it ([Log.Identify]), calls the
// backend, appends its records ([Log.Append]) and removes the intent
// ([PendingIntent.Done]). When a command dies in between, its
// intent stays, unlocked; the next command finds it ([Log.StaleIntents]), asks
// the backend which of its events are in the archive, and records those that are
// not in the log yet, with "repaired": true.
//
// # Files
//
//	archive_ops.jsonl          the log, or the part of it that grows
//	archive_ops.NNNNNN.jsonl   a part that was closed, numbered from 000001
//	archive_ops.NNNNNN.checkpoint  the signed checkpoint that closed it
//	archive_ops.lock           locked while lines are appended and synced
//	archive_ops.torn-TIME-N    an unfinished last line that was set aside
//	pending/ID.json            an intent, locked while its process runs
//
// All are regular files in real directories: a symbolic link, a directory, a
// pipe or a device in their place is an error, and so is a symbolic link on the
// way to them below a project's .codex. A file that this program did not write
// is neither changed nor removed: the log must begin with a line of its form, an
// intent must match in name, version and fields.
//
// # Errors of the disk
//
// Lines are appended in one write, and synced, while the lock is held. When
// either fails the log is cut back to what it was, so no record is ever there
// twice. When that fails as well the process appends nothing more; what is in
// the log is found by the ids of its records. A machine that crashes may leave a
// torn last line; it is set aside and a RECOVER record chained.
//
// # Parts
//
// [Log.Rotate] closes the log and begins its next part with a record ROTATE. seq,
// prev and the Merkle tree go on over all parts; [Read] and [Checker] read them
// one behind the other, and offsets count the bytes of all. The part that grows
// gets a second name first, that of the closed part, and then one rename puts the
// next part in its place. A closed part that is the same file as the one that
// grows is left of a rotation that was killed, and is not read twice.
//
// # The chain
//
// prev is the SHA-256 of the previous line without its newline, whatever that
// line is; the first line has 64 zeros. seq is that of the previous line plus
// one. Where the last line is whole but is no record (another program wrote
// there), it stays, because whole lines are never changed: the chain goes on
// from its hash, seq goes on as if it were a record, and a RECOVER record says
// so. [Verify] names that line from then on.
package evidence
