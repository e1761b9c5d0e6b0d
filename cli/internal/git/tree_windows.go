package git

const (
	openFlags = 0
	noFollow  = 0
)

// Windows keeps access lists, which do not map to one owner.
func ownedByUser(string) bool { return true }
