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

	patience int // times the deadline; 0: once
}

// Group returns the part of the id before the dash.
func (r Rule) Group() string { return r.ID[:len(r.ID)-3] }

// Rules returns all rules, in the order in which they run.
func Rules() []Rule {
	return slices.Concat(
		openRules(), healthRules(), putRules(), bodyRules(), textRules(), refusalRules(), undoRules(),
		missingRules(), getRules(), listRules(), filterRules(), appendRules(), purgeRules(), copyRules(),
		tamperRules(), closeRules(), contextRules(), concurrencyRules(), secretRules(),
		wireRules(), processRules(), crashRules(), cutRules(),
	)
}

// patient gives a rule that moves much more data than others more time.
func patient(r Rule) Rule {
	r.patience = 5
	return r
}

// must and should keep the tables of rules narrow.
func must(id, says string, check func(*T), needs ...Need) Rule {
	return Rule{ID: id, Says: says, Level: Must, Needs: needs, Check: check}
}

func should(id, says string, check func(*T), needs ...Need) Rule {
	return Rule{ID: id, Says: says, Level: Should, Needs: needs, Check: check}
}
