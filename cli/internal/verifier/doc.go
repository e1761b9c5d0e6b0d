// Package verifier reads the content of records back and says which of it is no
// longer what was stored.
//
// Each distinct content is read once. Memory grows neither with the number of
// records nor with the size of files: contents are read in groups, what is known
// of contents that were read has a bound, and so has the distance between the
// first record that is not done and the last one that is begun. A [Results] says
// how far a run came, so that another can go on from there.
package verifier
