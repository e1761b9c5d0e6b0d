package sdk

// ValidBackendName reports whether name may name a backend: a lower-case letter,
// then at most 31 letters, digits and hyphens. Its program is called
// codex-archive-NAME.
func ValidBackendName(name string) bool {
	if name == "" || len(name) > 32 || name[0] < 'a' || name[0] > 'z' {
		return false
	}
	for _, c := range []byte(name) {
		if !(c >= 'a' && c <= 'z' || c >= '0' && c <= '9' || c == '-') {
			return false
		}
	}
	return true
}
