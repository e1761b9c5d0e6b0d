// Package bulk stores many files: workers read, hash and compress them, and
// groups of them go to the archive, two at a time, so that the transaction of
// one overlaps the transfer of the other.
//
// A group has at most [sdk.MaxItems] files and about 7 MiB of bodies. A file
// above [sdk.StagedBody] is a group of its own and is compressed while it is
// sent. Memory depends on these sizes, not on the number of files.
package bulk
