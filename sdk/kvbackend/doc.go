// Package kvbackend keeps an archive in an ordered key/value store. It implements
// [sdk.Backend] once over a [Store], which is a few functions around transactions.
// A new store is those functions and a main function; docs/examples/bbolt is one.
//
// # Keys
//
//	m                             the archive: identity, version of the layout
//	r TOMBSTONE                   the record as it was stored
//	h TOMBSTONE                   its holds, retention, requests and purge ([sdk.Custody])
//	e EVENT                       the tombstone that an event is about; ids are taken once
//	v TOMBSTONE EVENT             the event
//	c SHA256                      the content, kept for ever, and the id of its body
//	l SHA256 TOMBSTONE            a live record needs the content
//	k TOMBSTONE                   a hold of the live record is active
//	p TOMBSTONE                   the record is purged
//	b BODY NUMBER                 a piece of a body, of [sdk.ChunkSize]
//	u BODY                        a body on its way: its pieces belong to no content yet
//	i FIELD VALUE TIME TOMBSTONE  an index: all records, and those of one value of a field
//
// Ids and hashes are binary, numbers big-endian. In an index the value is 16 bytes of
// its SHA-256, and time and tombstone are inverted, so that keys ascend from the
// newest record. Rows are JSON, but those of contents; pieces are the bytes of the body.
//
// # Storing
//
// Put first reads its whole sequence (package intake). What does not fit into
// memory is staged: its pieces are written in transactions of a few MiB, under an
// id that no content names. The contents that the archive has already are read and
// checked. Then one transaction writes the group, and only has to see that the
// rows of those contents are still the same. So no transaction waits for the host,
// and none is longer than a group. Pieces that a failed Put staged are removed by
// it, those of a process that was killed by the first Put of another, an hour
// later.
//
// Nothing is called out of a transaction: List and Get read a page or a few pieces,
// end the transaction, and then call the loop body.
package kvbackend
