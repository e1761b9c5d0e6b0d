// Package tree lists the files that paths, directories and lists name.
//
// A directory is walked in the byte order of its files' paths, as in git's
// index, without .git and .codex. Nothing below it is reached through a symbolic
// link: each name is looked up from the opened directory, so that a directory
// that is replaced by a link during the walk leads nowhere. Memory depends on
// the largest directory, not on the number of files.
package tree
