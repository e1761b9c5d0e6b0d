package trust

import "io/fs"

// What files inherit from the user's profile is private on Windows.
func checkOwner(fs.FileInfo) error { return nil }
