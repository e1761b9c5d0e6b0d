// Package published reads what the vendor of a backend publishes: files by their
// names, sums, signatures, and the one program in an archive.
//
// All of it may be hostile. Nothing is unpacked before it was verified, and what is
// unpacked goes to a private directory under a name of ours.
package published
