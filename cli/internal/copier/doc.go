// Package copier copies records with their content and history from one archive
// to another.
//
// It compares what both archives list, page by page, and sends groups of what the
// destination lacks, two at a time. A body travels as it is stored. It is
// decompressed and hashed on the way, before the destination acknowledges it, and
// the destination compares it with its recorded SHA-256 as well.
package copier
