package backendtest

// Foundations returns the ids of the rules that others build on.
func Foundations() (ids []string) {
	for _, r := range Rules() {
		if r.proves != "" {
			ids = append(ids, r.ID)
		}
	}
	return ids
}
