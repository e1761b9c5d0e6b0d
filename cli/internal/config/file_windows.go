package config

import "io/fs"

// Windows has no named pipes in directories, and its access lists do not map
// to owner and mode; what files inherit from the user's profile is private.

const openFlags = 0

func foreignOwner(fs.FileInfo) string { return "" }

func checkPrivate(string) fileCheck { return checkUnwritable }

func checkUnwritable(string, fs.FileInfo) error { return nil }

func readableBy(_, _ string) bool { return true }
