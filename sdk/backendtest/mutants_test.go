package backendtest_test

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/codex-archive/codex/sdk"
	"github.com/codex-archive/codex/sdk/backendtest"
)

// mutant is a backend with one fault, as a vendor's first version has it. A kit
// that passes one of them proves nothing, and one that blames another rule
// sends the vendor the wrong way.
type mutant struct {
	name string
	wrap func(sdk.Backend) sdk.Backend // of each handle; nil: open is the fault
	open func(sdk.Driver) sdk.Driver   // nil: the reference opens
	file bool                          // archives are files
	run  string                        // rules that are tried besides those that others build on
	want string                        // the rules that fail, all of them
	hang bool                          // a call does not end
}

func mutants() []mutant {
	return slices.Concat(putMutants(), bodyMutants(), textMutants(), getMutants(), listMutants(), inspectMutants(), eventMutants(), purgeMutants(), handleMutants(), fileMutants(), docMutants(), promiseMutants())
}

func putMutants() []mutant {
	return []mutant{
		{name: "commits each item by itself", wrap: wrap[committer], run: "^(UNDO|PUT|LIMIT)-", want: "PUT-09 PUT-10 PUT-11 PUT-16 PUT-21 PUT-22 PUT-28 LIMIT-01 LIMIT-02 LIMIT-03 LIMIT-04 LIMIT-06 LIMIT-05 UNDO-01 UNDO-02 UNDO-03 UNDO-04 UNDO-05"},
		{name: "keeps staged bodies after an error", wrap: wrap[keeper], run: "^UNDO-", want: "UNDO-03"},
		{name: "stores repeats as new records", wrap: wrap[duplicator], run: "^PUT-", want: "PUT-05 PUT-06 PUT-07 PUT-09 PUT-17 PUT-18 PUT-21 PUT-22 PUT-23 PUT-24"},
		{name: "wraps the error of the sequence", wrap: wrap[wrapper], run: "^(UNDO|PUT)-", want: "UNDO-01 UNDO-02 UNDO-03 UNDO-04 UNDO-05"},
		{name: "returns plain errors", wrap: wrap[plainspoken], run: "^PUT-(09|1)|^LIMIT-01", want: "PUT-09 PUT-10 PUT-11 PUT-16 PUT-18 PUT-19 LIMIT-01"},
		{name: "panics on the empty Put", wrap: wrap[panicker], run: "^PUT-", want: "PUT-03"},
		{name: "answers for known content unseen", wrap: wrap[believer], run: "^(PUT-1[678]|TAMPER-0[12]|BODY-10)", want: "PUT-17 PUT-18 BODY-10 TAMPER-02"},
		{name: "computes the digest of a record", wrap: wrap[recomputer], run: "^(PUT-2|TAMPER-04|GET-02)", want: "PUT-20 TAMPER-04"},
		{name: "mixes the retention into the digest", wrap: wrap[retainer], run: "^PUT-2", want: "PUT-01"},
		{name: "does not know an event by its tombstone", wrap: wrap[eventless], run: "^PUT-2", want: "PUT-22"},
		{name: "turns words it does not know into others", wrap: wrap[lenient], run: "^LIMIT-0[3456]", want: "LIMIT-06"},
		{name: "answers in the order of the tombstones", wrap: wrap[sorter], run: "^PUT-0", want: "PUT-26"},
		{name: "takes 999 items", wrap: wrap[stingy], run: "^(PUT-0[24]|UNDO-02|LIMIT-01)", want: "PUT-04 UNDO-02"},
		{name: "takes 1001 items", wrap: wrap[generous], run: "^(PUT-04|LIMIT-01)", want: "LIMIT-01"},
		{name: "never says that content was there", wrap: wrap[freshener], run: "^PUT-", want: "PUT-12 PUT-13 PUT-14 PUT-15 PUT-21 PUT-27 PUT-24"},
		{name: "swallows the end of a context in Put", wrap: wrap[deaf], run: "^CONTEXT-", want: "CONTEXT-01 CONTEXT-02 CONTEXT-03 CONTEXT-04"},
		{name: "finds nothing by set", wrap: wrap[unset], run: "^(FILTER-10|PUT-27)", want: "FILTER-10"},
		{name: "takes symlinks for files", wrap: wrap[follower], run: "^(PUT-27|TEXT-07)", want: "PUT-01"},
		{name: "keeps a body that is to be replaced", wrap: wrap[clinger], run: "^(PUT-(17|2)|GET-10)", want: "PUT-23 PUT-25 GET-10"},
		{name: "replaces whatever body there is", wrap: wrap[anyReplacer], run: "^(PUT-(17|2)|GET-10)", want: "PUT-24"},
		{name: "forgets the history of a copy", wrap: wrap[forgetful], run: "^COPY-", want: "COPY-01 COPY-02 COPY-03 COPY-04 COPY-05 COPY-06 COPY-07 COPY-08 COPY-09 COPY-10 COPY-11 COPY-12"},
		{name: "gives copied events new ids", wrap: wrap[renamer], run: "^COPY-", want: "COPY-01 COPY-02 COPY-03 COPY-04 COPY-07 COPY-10 COPY-12"},
		{name: "keeps what was purged elsewhere", wrap: wrap[spender], run: "^COPY-", want: "COPY-03 COPY-04 COPY-05 COPY-06 COPY-11"},
		{name: "releases holds that a copy does not release", wrap: wrap[ruthless], run: "^COPY-", want: "COPY-02 COPY-05 COPY-06 COPY-12"},
	}
}

func bodyMutants() []mutant {
	return []mutant{
		{name: "cuts bodies at 64 KiB", wrap: wrap[shortCutter], run: "^BODY-0[125]|^PUT-06", want: "BODY-01 BODY-02"},
		{name: "cuts bodies at 4 MiB", wrap: wrap[cutter], run: "^BODY-0[13]", want: "BODY-01 BODY-03"},
		{name: "counts sizes in 32 bits", wrap: wrap[narrow], run: "^BODY-(02|13)", want: "BODY-13"},
		{name: "checks neither sizes nor sums of bodies", wrap: wrap[credulous], run: "^BODY-(0[89]|1)", want: "BODY-08 BODY-09 BODY-12 BODY-10"},
		{name: "checks sizes and no sums of bodies", wrap: wrap[unsummed], run: "^BODY-(0[89]|1)", want: "BODY-09 BODY-12 BODY-10"},
		{name: "takes an empty read for the end", wrap: wrap[impatient], run: "^BODY-0[26]", want: "BODY-06"},
		{name: "has no empty bodies", wrap: wrap[emptyless], run: "^BODY-0[126]", want: "BODY-01 BODY-02"},
		{name: "reads bodies after the sequence", wrap: wrap[procrastinator], run: "^BODY-07", want: "BODY-07"},
		{name: "ranges twice over the items", wrap: wrap[twofold], run: "^(BODY-07|UNDO-01)", want: "BODY-07"},
		{name: "does not read a body for content that is there", wrap: wrap[lazy], run: "^(BODY-|PUT-1)", want: "PUT-17 PUT-18 BODY-07 BODY-09 BODY-12 BODY-10"},
	}
}

func textMutants() []mutant {
	return []mutant{
		{name: "drops blanks at the end", wrap: wrap[trimmer], run: "^TEXT-0[1-8]", want: "TEXT-01 TEXT-04"},
		{name: "folds the case of paths", wrap: wrap[lowerer], run: "^TEXT-0[1-8]", want: "TEXT-01 TEXT-06"},
		{name: "stores paths as UTF-8", wrap: wrap[latinless], run: "^(TEXT-0|FILTER-06)", want: "TEXT-06 FILTER-06"},
		{name: "ends text at a line break", wrap: wrap[lineEnder], run: "^TEXT-0[1-8]", want: "PUT-01"},
		{name: "cuts notes at 65535 bytes", wrap: wrap[noteCutter], run: "^(TEXT-0[17]|LIMIT-02)", want: "TEXT-07"},
		{name: "cuts tags at 255 bytes", wrap: wrap[tagCutter], run: "^(TEXT-0[1578]|FILTER-08)", want: "TEXT-07"},
		{name: "keeps tags joined by commas", wrap: wrap[joiner], run: "^(TEXT-0[15]|FILTER-08)", want: "TEXT-01 TEXT-05 FILTER-08"},
		{name: "cuts times to seconds", wrap: wrap[seconder], run: "^TEXT-(09|1)", want: "PUT-01"},
		{name: "counts times in nanoseconds", wrap: wrap[nanoseconder], run: "^TEXT-(09|1)", want: "TEXT-11"},
		{name: "returns local times", wrap: wrap[localizer], run: "^TEXT-(09|1)", want: "PUT-01"},
		{name: "takes the zone of a time as UTC", wrap: wrap[zoneless], run: "^TEXT-(09|1)", want: "TEXT-10"},
	}
}

func getMutants() []mutant {
	return []mutant{
		{name: "ends Get at an unknown id", wrap: wrap[quitter], run: "^GET-0[1-4]", want: "GET-02"},
		{name: "returns records in the order of the tombstones", wrap: wrap[getSorter], run: "^GET-0[123]", want: "GET-01"},
		{name: "answers an id once that is asked twice", wrap: wrap[uniquer], run: "^GET-0[123]", want: "GET-01"},
		{name: "yields one record more than asked", wrap: wrap[giver], run: "^GET-0[123]", want: "GET-01"},
		{name: "says internal where nothing is found", wrap: wrap[muddler], run: "^(GET-02|PURGE-05)", want: "GET-02"},
		{name: "swallows a cancel in Get and List", wrap: wrap[deafReader], run: "^CONTEXT-0[156]", want: "CONTEXT-01 CONTEXT-05 CONTEXT-06"},
		{name: "hangs in Get", wrap: wrap[sleeper], run: "^(GET|LIST-04)-0[12]", want: "GET-01", hang: true},
		{name: "does not check what it returns", wrap: wrap[trusting], run: "^GET-0[89]", want: "GET-08 GET-09"},
		{name: "answers what is missing in any order", wrap: wrap[shuffler], run: "^MISSING-", want: "MISSING-01"},
		{name: "says that nothing is missing", wrap: wrap[satisfied], run: "^MISSING-", want: "MISSING-01"},
	}
}

func listMutants() []mutant {
	return []mutant{
		{name: "lists the last entry of a page twice", wrap: wrap[doubler], run: "^LIST-0[1-5]", want: "LIST-02 LIST-03 LIST-05"},
		{name: "lists oldest first", wrap: wrap[reverser], run: "^LIST-0[14]", want: "LIST-01"},
		{name: "lists ties by tombstone, ascending", wrap: wrap[collator], run: "^LIST-0[14]", want: "LIST-01"},
		{name: "loses the end of a long list", wrap: wrap[shortener], run: "^LIST-0[1-5]", want: "LIST-02 LIST-03 LIST-05"},
		{name: "loses ties at the end of a page", wrap: wrap[tieLoser], run: "^LIST-0[125]", want: "LIST-02 LIST-05"},
		{name: "lists one more than the limit", wrap: wrap[overrunner], run: "^LIST-0[145]", want: "LIST-05"},
		{name: "lists no events", wrap: wrap[silent], run: "^(LIST-1|LIST-04)", want: "APPEND-01 PUT-01"},
		{name: "holds a lock while it lists", wrap: wrap[locker], run: "^LIST-0[167]", want: "LIST-07", hang: true},
		{name: "folds case in queries", wrap: wrap[folder], run: "^TEXT-0[2345]", want: "TEXT-02"},
		{name: "takes % in a path as a wildcard", wrap: wrap[wildcard], run: "^FILTER-0", want: "FILTER-06"},
		{name: "lists what was archived up to Until", wrap: wrap[inclusive], run: "^FILTER-0[17]", want: "FILTER-07"},
		{name: "ignores set, hash, commit, name and text of a query", wrap: wrap[ignorer], run: "^FILTER-", want: "FILTER-10 FILTER-11 FILTER-12 FILTER-13 FILTER-14"},
		{name: "leaves unreadable rows out", wrap: wrap[hider], run: "^TAMPER-0", want: "TAMPER-03"},
		{name: "counts records instead of bodies", wrap: wrap[counter], run: "^(HEALTH-|TAMPER-01)", want: "HEALTH-04 TAMPER-01"},
		{name: "counts holds instead of records", wrap: wrap[tallier], run: "^HEALTH-", want: "HEALTH-06"},
		{name: "calls an archive read-only that only the handle is", wrap: wrap[modest], run: "^HEALTH-", want: "HEALTH-05"},
		{name: "ties events of the archive to records", wrap: wrap[owner], run: "^APPEND-(03|19)", want: "APPEND-19"},
	}
}

func inspectMutants() []mutant {
	return []mutant{
		{name: "finds nothing", wrap: wrap[blind], run: "^INSPECT-", want: "INSPECT-03 INSPECT-04 INSPECT-05"},
		{name: "takes what is staged for damage", wrap: wrap[alarmist], run: "^INSPECT-", want: "INSPECT-02"},
		{name: "declares an inspection that it does not make", wrap: wrap[anonymous], run: "^INSPECT-", want: "INSPECT-01 INSPECT-02 INSPECT-03 INSPECT-04 INSPECT-05"},
	}
}

func eventMutants() []mutant {
	return []mutant{
		{name: "returns events in no order", wrap: wrap[scrambler], run: "^APPEND-0", want: "APPEND-01"},
		{name: "appends each event by itself", wrap: wrap[trickler], run: "^APPEND-", want: "APPEND-05 APPEND-06 APPEND-13 APPEND-16 APPEND-17 APPEND-22 APPEND-20"},
		{name: "releases every case at once", wrap: wrap[liberator], run: "^APPEND-(07|1[12])", want: "APPEND-07 APPEND-11 APPEND-12"},
		{name: "says that every hold had an effect", wrap: wrap[boaster], run: "^(APPEND-0[79]|COPY-12)", want: "APPEND-09 COPY-12"},
		{name: "folds the case of cases", wrap: wrap[caseFolder], run: "^APPEND-(07|1[12])", want: "APPEND-12"},
		{name: "lets a retention end earlier", wrap: wrap[yielding], run: "^APPEND-1[3456]", want: "APPEND-13 APPEND-14"},
		{name: "takes a hold of a record that is purged", wrap: wrap[obliging], run: "^APPEND-(0[67]|1[01]|2)", want: "APPEND-20"},
		{name: "is silent about unknown tombstones", wrap: wrap[shrugger], run: "^APPEND-0[1-6]", want: "APPEND-06"},
	}
}

func purgeMutants() []mutant {
	return []mutant{
		{name: "ignores holds", wrap: wrap[releaser], run: "^PURGE-(0[5-9]|1[1-3])", want: "PURGE-08"},
		{name: "purges in a dry run", wrap: wrap[wet], run: "^PURGE-(05|13)", want: "PURGE-13"},
		{name: "revives purged content", wrap: wrap[reviver], run: "^PURGE-1[567]", want: "PURGE-15 PURGE-16"},
		{name: "tells people apart by case", wrap: wrap[nominal], run: "^PURGE-0[2345]", want: "PURGE-03"},
		{name: "answers verdicts in reverse", wrap: wrap[backward], run: "^PURGE-(05|14)", want: "PURGE-14"},
		{name: "ends a purge at the first refusal", wrap: wrap[stopper], run: "^PURGE-(05|1[24])", want: "PURGE-14"},
		{name: "purges content that another record needs", open: sharedPurger, run: "^PURGE-(05|15|16)", want: "PURGE-15"},
		{name: "believes the host's clock", wrap: wrap[clockless], run: "^PURGE-1[01]", want: "PURGE-10"},
	}
}

func handleMutants() []mutant {
	return []mutant{
		{name: "declares an identity that it does not know", wrap: wrap[anonymous], run: "^OPEN-(0[678]|14)", want: "OPEN-14"},
		{name: "works after Close", wrap: wrap[undead], run: "^CLOSE-0", want: "CLOSE-01"},
		{name: "fails to close twice", wrap: wrap[touchy], run: "^CLOSE-0", want: "CLOSE-02"},
		{name: "panics in Close", wrap: wrap[bomb], run: "^(CLOSE|GET)-0", want: "CLOSE-06"},
		{name: "hangs in Close", wrap: wrap[neverending], run: "^(CLOSE|GET)-0[12]", want: "CLOSE-06", hang: true},
		{name: "leaves a goroutine behind", wrap: wrap[leaver], run: "^CLOSE-0", want: "CLOSE-07"},
		{name: "keeps the archive for itself", open: exclusive, run: "^(CONC-0[12]|OPEN-05|CLOSE-03)", want: "CONC-08"},
		{name: "opens nothing for reading and writing", open: unopenable, run: "^(OPEN|PUT)-0", want: "OPEN-08"},
		{name: "writes through a handle for reading", open: writable, run: "^OPEN-0", want: "OPEN-04"},
		{name: "makes an archive wherever it opens one", open: maker, run: "^OPEN-0", want: "OPEN-01 OPEN-02 OPEN-04"},
		{name: "has one archive for all URLs", open: oneForAll, run: "^OPEN-0", want: "OPEN-01 OPEN-02 OPEN-06"},
		{name: "ends another's Put by its own", wrap: wrap[sweeper], run: "^CONC-0[13]", want: "CONC-01 CONC-03"},
		{name: "mixes up answers to calls at once", wrap: wrap[mixer], run: "^CONC-0[1348]", want: "CONC-01"},
		{name: "tells the URL in errors of Open", open: teller, run: "^SECRET-", want: "SECRET-01 SECRET-02"},
	}
}

func fileMutants() []mutant {
	return []mutant{
		{name: "keeps archives in files", file: true, run: "^OPEN-", want: ""},
		{name: "takes absolute paths as relative", file: true, open: relativist, run: "^OPEN-", want: "OPEN-09"},
		{name: "decodes escapes in paths", file: true, open: decoder, run: "^OPEN-", want: "OPEN-10"},
		{name: "ignores options of URLs", file: true, open: optionless, run: "^OPEN-", want: "OPEN-11"},
		{name: "drops a slash at the end", file: true, open: slashless, run: "^OPEN-", want: "OPEN-12"},
		{name: "leaves a file beside an archive that it reads", file: true, open: litterer, run: "^OPEN-", want: "OPEN-13"},
	}
}

// TestMutants: every mutant fails exactly the rules that explain its fault.
func TestMutants(t *testing.T) {
	for _, m := range mutants() {
		t.Run(m.name, func(t *testing.T) {
			report := sync.OnceValues(func() (*backendtest.Report, error) {
				return backendtest.RunRules(t.Context(), m.target(t), m.options())
			})
			if m.hang {
				go report() // what waits, and does nothing, keeps no other mutant waiting
			}
			t.Parallel()
			rep, err := report()
			if err != nil {
				t.Fatal(err)
			}
			if got := strings.Join(failuresOf(t, rep).ids, " "); got != m.want {
				t.Errorf("these rules fail: %q, want %q", got, m.want)
			}
		})
	}
}

type failures struct {
	ids  []string
	text string // as people read it
}

// failuresOf returns the rules that failed, and logs what a vendor reads of them.
func failuresOf(t *testing.T, rep *backendtest.Report) (f failures) {
	for _, r := range rep.Results {
		if r.Status == backendtest.Failed {
			f.ids = append(f.ids, r.ID)
			f.text += fmt.Sprintf("✗ %s %s\n%s\n", r.ID, r.Says, r.Detail())
		}
	}
	t.Log(f.text)
	return f
}

func (m *mutant) options() backendtest.Options {
	pattern := regexp.MustCompile(m.run)
	deadline := 2 * time.Minute // for machines that are busy
	if m.hang {
		deadline = 40 * time.Second // the rules before the one that hangs need it where machines are busy
	}
	return backendtest.Options{Deadline: deadline, Run: func(id string) bool {
		return pattern.MatchString(id) || slices.Contains(backendtest.Foundations(), id)
	}}
}

func (m *mutant) target(t *testing.T) backendtest.Target {
	target := memoryTarget()
	if m.file {
		target = fileTarget(t)
	}
	driver := sdk.Driver{Open: target.Open}
	if m.open != nil {
		driver = m.open(driver)
	}
	target.Open = func(ctx context.Context, o sdk.Options) (sdk.Backend, error) {
		b, err := driver.Open(ctx, o)
		if err != nil || m.wrap == nil {
			return b, err
		}
		return m.wrap(b), nil
	}
	return target
}
