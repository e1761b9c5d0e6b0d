// Package backendtest is the contract of [sdk.Backend] as rules that run. Each
// rule has a stable id, such as PUT-03, and carries the sentence it checks.
//
// In a test of a backend:
//
//	func TestConformance(t *testing.T) {
//		driver := memory.Driver()
//		backendtest.Run(t, backendtest.Target{
//			Name: driver.Name,
//			Open: driver.Open,
//			URL:  func() string { return "memory://" + rand.Text() },
//		})
//	}
//
// [Run] makes each rule a subtest, so "go test -run 'TestConformance/PUT-03'"
// runs one. [RunRules] is the same outside "go test" and returns a [Report].
// [Benchmark] measures; no rule depends on speed, but that a program has 2
// seconds to go.
//
// A backend is tested as a Go value, as here, as a program that the kit starts
// and kills ([Target].Program), or as one that is running already
// ([Target].Address). A value knows nothing of the rules about the wire and
// about processes, and what is not the kit's to kill nothing of the latter.
//
// Rules run one after the other on one archive, which must be empty at first;
// each writes under a repository of its own. Ids, bodies and times come from a
// seed. A rule whose target lacks something, such as a way to damage a body or a
// database that is reached by host and port, is skipped and says what it lacks. A rule that exceeds its deadline fails.
//
// Where a backend answers an error that may pass (see [sdk.Error].Retry) to
// callers that come at the same time, the rules repeat the call as the host
// would.
package backendtest
