package evidence

// Recryption is what a run of recrypt, or a group of it, did with contents.
type Recryption struct {
	Scope      string `json:"scope"`      // "run", "group" or "record"
	Selected   string `json:"selected"`   // "all", or what was asked for in words
	Recipients string `json:"recipients"` // the public keys that can read the new bodies, separated by ", "; "": they are not encrypted
	Contents   int64  `json:"contents"`   // of the group, or all that were stored anew
	Bytes      int64  `json:"stored_bytes"`
	Failed     int64  `json:"failed"` // contents that are stored as before
}
