package sdk

import "time"

// Health is what a backend says of its archive.
type Health struct {
	Server  string // the database and its version, such as "SQLite 3.50.4"
	Archive ID     // identity
	Schema  int    // version in the database
	Live    int64  // live records; Retrievable and Held are never more, whatever is stored meanwhile
	// Retrievable counts the live records whose body was found by this call with
	// its recorded length. A flag that says so is not enough.
	Retrievable int64
	// Unmeasured says, for people, what was counted without measuring it, such
	// as "bodies above 64 KiB: pieces were counted". "": every length was
	// measured.
	Unmeasured string
	Held       int64     // live records of which a hold is active
	Purged     int64     // purged records
	Clock      time.Time // the database's
	Writable   bool      // false: a standby, a role or a file that cannot be written
	Durable    bool      // what was acknowledged survives a kill of the database's server
	NotDurable string    // why not, for people; "" where Durable
}

// Missing returns how many live records have no body of the recorded length.
func (h *Health) Missing() int64 { return h.Live - h.Retrievable }
