// Package durable makes files that are there, whole, after a crash: a temporary
// file beside the target, published under its name in one step, the directory
// synced; and the locks that keep processes apart meanwhile.
//
// Nothing here follows a symbolic link in the place of a file.
package durable
