// Package sdk says what an archive backend is. To keep archived files
// somewhere new, start here: this page and [Backend] are the contract, and package
// backendtest is the same contract as rules that run.
//
// # Vocabulary
//
//   - A record ([Record]) says which file was retired: repository, path,
//     commit, reason, actor, time. It is found by its tombstone ([Tombstone]),
//     a random UUID that the host chooses. A record is also the ARCHIVE event.
//   - A set is the records of one run of the host, which carry one UUID.
//   - The digest of a record ([Record.ComputeDigest]) covers what was said when
//     it was stored. The host computes and checks it; a backend stores it.
//   - Content ([Content]) is the bytes of a file, named by the SHA-256 of the
//     plain bytes. Many records may share one content.
//   - A body is content as it is stored: a standard zstd frame, or the plain
//     bytes themselves when the codec is "none". A backend never looks inside,
//     but to see whether a body that it keeps is encrypted ([Content.Intact]).
//   - An event ([Event]) is something that happened to a record later: it was
//     restored, put on hold, released, retained longer, asked to be purged.
//   - The archive is everything one URL names. It has an identity, a UUID
//     written when it is made.
//   - The host is the program people run (codex). A backend serves one host
//     process and one archive; many hosts may share a database.
//
// # Who does what
//
// The host hashes, compresses, decompresses, verifies, batches, retries and
// writes evidence. A backend stores bytes and rows and brings them back, in
// transactions, with its own pools, schema and native error codes. A backend
// never retries a statement that reached the database.
//
// # Invariants
//
// Every backend keeps them. The words in brackets are the groups of rules of
// backendtest that check them; the second half of 7 is about the host.
//
//  1. The host names things before the first attempt: tombstones, event ids,
//     SHA-256, plain size. Put, Append and Purge are therefore idempotent: the
//     same call again is success and changes nothing; other content under a
//     name that is taken is [Conflict], and nothing of that call is written. (PUT, APPEND,
//     PURGE, COPY)
//  2. One call is one visible change, all of it or none. A sequence that ends
//     in an error, a cancelled context or a dead peer leaves nothing visible
//     behind. The reply comes after the database said the commit is durable. (UNDO,
//     CONTEXT, CRASH, CUT)
//  3. The header says what is coming and the end proves it. A backend checks
//     the stored size and CRC-32C of what it takes in and of what it returns,
//     and the SHA-256 of a body that it takes in ([NewBodyReader] does this); the
//     host checks the SHA-256 of the plain bytes. A mismatch is [Corrupt]. (BODY, GET)
//  4. Content is immutable and stored once for each SHA-256. Records and
//     content rows are kept for ever; only bodies are purged. A purged record
//     answers [Purged] even if the same bytes come back later. (PURGE)
//  5. A body is an [io.Reader] at every station. Memory grows neither with the
//     size of a file nor with the length of a batch. (BODY-07, PROC-07, PROC-09)
//  6. Bodies are stored exactly as they were given, so that the database's own
//     client and the zstd program can read an archive without this project. (BODY-04)
//  7. A backend never repeats a statement. Only the host retries, compresses,
//     batches and writes evidence. (CUT)
//  8. No Put answers for content that it has not seen intact, by this call: not
//     because a row says that the body is present, and not because an earlier
//     call found it so. (PUT-17, PUT-18, TAMPER-02)
//  9. A record is never another's. The host computes a digest of each record, and
//     a backend stores it as it is. A record that was changed in the database, or
//     tied to other content, no longer matches its digest. (PUT-20, TAMPER-04)
//  10. A row that cannot be read is an error about that row. The others are
//     returned, and Health counts only bodies that it found. (TAMPER-01, TAMPER-03)
//
// # The journey of a byte
//
// Storing: the host reads a file, hashes it, asks [Backend.Missing] whether
// the content is known, compresses what is not, and hands a sequence of items
// to [Backend.Put]. Restoring: [Backend.Get] yields records with readers; the
// host decompresses, verifies, and publishes the file. Between host and backend
// lies package plugin, which carries the same interface over gRPC to another
// process. Neither side can tell the difference, except by its price.
//
// # Times, text and sizes
//
// Times are UTC with microseconds ([Time] makes one); backends store them as
// 64-bit microseconds since 1970 or an equivalent that loses nothing. Paths are
// bytes, which need not be UTF-8 and are compared as bytes; all other text is
// UTF-8 without NUL, compared as bytes, case and trailing blanks included.
// Times lie in the years 1 to 9999; the host cuts those of files that do not.
// Sizes are bytes. [MaxItems] and the constants after it are the limits.
//
// # Handles
//
// Several handles are open on one archive at once, and most are processes of
// other users: a backend takes locks for a transaction, never from Open to Close.
// (CONC-08) Close ends all that the handle has started, without a panic, and the
// program then ends by itself with code 0. (CLOSE-06, CLOSE-07, PROC-08, PROC-10)
// A program that is called codex-archive-NAME describes itself by NAME. (WIRE-10)
//
// Where an archive is a file, three slashes in its URL begin a path that is relative
// to [Options].Dir and four an absolute one; a path has no escapes, and an option
// that is not known is an error: see [Options.FilePath]. (OPEN-09 to OPEN-13)
//
// # Compatibility
//
// Kinds of error, actions and wire fields are only ever added, with new
// numbers. What a backend need not be able to do is a [Capability]. The protocol
// version ([ProtocolVersion]) changes when an old host
// and a new backend could no longer understand each other. Fields may be added
// to the structs of this package, so name the fields when you build one. The
// promise is in docs/compatibility.md.
package sdk

// ProtocolVersion is the version of the contract between host and backend
// process. A program may speak several; the highest that both speak is used. Where
// there is none, a sentence names the versions of both.
const ProtocolVersion = 1
