package sdk

// Capability names an optional ability of a backend, which it declares in its
// [Driver]. A host uses the ability only where it is declared, and does without, or
// says which backend lacks what, where it is not. Names that a host does not know
// are ignored. So an ability that not every backend needs is added without a new
// version of the protocol.
type Capability string

// IdentityAtOpen says that an archive's identity is known as soon as it is open:
// the [Backend] is [Identified], and its Identity is not zero. A host asks Health
// where this is not declared.
const IdentityAtOpen Capability = "identity"

// maxCapability bounds the name of a capability, in bytes.
const maxCapability = 64

// Valid reports whether c has the form of a name: lower-case letters, digits and
// hyphens.
func (c Capability) Valid() bool {
	if c == "" || len(c) > maxCapability {
		return false
	}
	for _, b := range []byte(c) {
		if (b < 'a' || b > 'z') && (b < '0' || b > '9') && b != '-' {
			return false
		}
	}
	return true
}
