package backendtest

import "slices"

// Level says how binding a rule is.
type Level string

// The levels. Only a failed MUST fails a run.
const (
	Must   Level = "MUST"
	Should Level = "SHOULD"
)

// Rule is one sentence of the contract with the code that checks it.
type Rule struct {
	ID    string // stable: a group, a dash and two digits. Numbers are never reused
	Says  string // the sentence
	Level Level
	Needs []Need
	Check func(*T)

	patience int     // times the deadline; 0: once
	proves   Ability // what other rules build on; "": nothing
}

// Group returns the part of the id before the dash.
func (r Rule) Group() string { return r.ID[:len(r.ID)-3] }

// See names where the contract says it.
func (r Rule) See() string {
	const sdk, wire = "go doc github.com/codex-archive/codex/sdk", "sdk/archivepb/archive.proto"
	switch r.Group() {
	case "OPEN":
		return sdk + ".Options and .Mode"
	case "HEALTH":
		return sdk + ".Health"
	case "PUT", "UNDO":
		return sdk + ".Backend.Put"
	case "BODY":
		return sdk + ".Item"
	case "COPY":
		return sdk + ".History"
	case "TEXT", "LIMIT":
		return sdk + `, "Times, text and sizes", and .Record.Validate`
	case "MISSING":
		return sdk + ".Backend.Missing"
	case "GET":
		return sdk + ".Backend.Get"
	case "LIST", "FILTER":
		return sdk + ".Backend.List and .Query"
	case "APPEND":
		return sdk + ".Backend.Append and .Action"
	case "PURGE":
		return sdk + ".Purge and .Outcome"
	case "INSPECT":
		return sdk + ".Inspector and .Finding"
	case "CLOSE", "CONTEXT", "CONC":
		return sdk + ".Backend"
	case "SECRET":
		return sdk + ".Options and .Error"
	case "WIRE":
		return wire
	case "PROC":
		return wire + `, "Being a backend"`
	}
	return sdk + `, "Invariants"`
}

// Rules returns all rules, in the order in which they run. Those that others
// build on come first.
func Rules() []Rule {
	all := grouped()
	rank := func(r Rule) int {
		if i := slices.Index(abilities(), r.proves); i >= 0 {
			return i
		}
		return len(abilities())
	}
	slices.SortStableFunc(all, func(a, b Rule) int { return rank(a) - rank(b) })
	return all
}

// abilities returns them in the order in which they are proved: the rule about
// one may use those before it.
func abilities() []Ability {
	return []Ability{canOpen, canClose, canHealth, canPut, canGet, canMissing, canList, canAppend, canKeep, canShare, canPurge}
}

func grouped() []Rule {
	return slices.Concat(
		openRules(), fileRules(), healthRules(), putRules(), bodyRules(), textRules(), refusalRules(), undoRules(),
		missingRules(), getRules(), listRules(), filterRules(), appendRules(), purgeRules(), copyRules(),
		tamperRules(), inspectRules(), closeRules(), contextRules(), concurrencyRules(), secretRules(),
		wireRules(), processRules(), crashRules(), cutRules(),
	)
}

// patient gives a rule that moves or reads much more data than others, or starts many
// more programs, more time.
func patient(r Rule) Rule {
	r.patience = 5
	return r
}

// proof marks a rule as one that others build on.
func proof(a Ability, r Rule) Rule {
	r.proves = a
	return r
}

// must and should keep the tables of rules narrow.
func must(id, says string, check func(*T), needs ...Need) Rule {
	return Rule{ID: id, Says: says, Level: Must, Needs: needs, Check: check}
}

func should(id, says string, check func(*T), needs ...Need) Rule {
	return Rule{ID: id, Says: says, Level: Should, Needs: needs, Check: check}
}
