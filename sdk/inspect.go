package sdk

import "context"

// Inspection says that a backend can look for rows that refer to nothing and for
// rows that nothing refers to: its [Backend] is an [Inspector].
const Inspection Capability = "inspection"

// MaxExamples is how many rows a [Finding] names at most.
const MaxExamples = 20

// Inspector is a [Backend] that can look through the rows of its archive. It is
// optional: a [Driver] whose backends can do so declares [Inspection].
type Inspector interface {
	// Inspect looks at all rows but the bytes of bodies, and changes nothing. It
	// returns the findings of one kind after another, each at most once, and none
	// where every row is as calls of Backend leave it. What calls that run
	// meanwhile write is no damage.
	Inspect(ctx context.Context) ([]Finding, error)
}

// Inspect asks b to look through its rows. A backend that cannot is of kind
// [Unsupported].
func Inspect(ctx context.Context, b Backend) ([]Finding, error) {
	if i, ok := b.(Inspector); ok {
		return i.Inspect(ctx)
	}
	return nil, Errorf(Unsupported, "the backend cannot look through its rows")
}

// Finding is what is wrong, or left over, with some rows of an archive.
type Finding struct {
	Kind FindingKind
	// What says for people which rows these are and what is wrong with them, such
	// as "records without the row of their content".
	What     string
	Rows     int64
	Examples []string // names of some of the rows, at most MaxExamples
}

// FindingKind says what a finding means.
type FindingKind string

// The kinds. The first three are damage, since no call leaves such rows.
const (
	// Dangling rows refer to one that is not there.
	Dangling FindingKind = "dangling"
	// Orphaned rows were made together with a row that referred to them, and that
	// row is gone.
	Orphaned FindingKind = "orphaned"
	// Contradictory rows say something that another row denies: content of which
	// only purged records are left, and whose body is there.
	Contradictory FindingKind = "contradictory"
	// Staged rows are of a Put that runs, or that ended within the last hour without
	// removing them.
	Staged FindingKind = "staged"
	// Abandoned rows are left from calls that were killed or refused. They are
	// needed by nothing and harm nothing; a later Put may remove them.
	Abandoned FindingKind = "abandoned"
)

// Damage reports whether rows of this kind were changed behind the backend's back.
// A kind that is not known here is taken for damage.
func (k FindingKind) Damage() bool { return k != Staged && k != Abandoned }
