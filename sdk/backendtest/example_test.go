package backendtest_test

import (
	"context"
	"crypto/rand"
	"fmt"
	"testing"

	"github.com/codex-archive/codex/sdk/backendtest"
	"github.com/codex-archive/codex/sdk/memory"
	"github.com/codex-archive/codex/sdk/plugin"
)

// In a test of a backend, each rule of the kit is a subtest.
func ExampleRun() {
	driver := memory.Driver() // in life the backend's own
	_ = func(t *testing.T) {  // func TestConformance(t *testing.T)
		backendtest.Run(t, backendtest.Target{
			Name: driver.Name, Open: driver.Open, Schemes: driver.Schemes,
			URL: func() string { return "memory://" + rand.Text() }, // another archive each time
		})
	}
}

// A backend in any language is tested as a program: the kit starts and kills it.
func ExampleRun_program() {
	_ = func(t *testing.T) {
		backendtest.Run(t, backendtest.Target{
			Program: &plugin.Command{Path: "./codex-archive-mystore"},
			URL:     func() string { return "mystore:///" + rand.Text() + ".db" },
		})
	}
}

// Outside "go test" the kit writes a report.
func ExampleRunRules() {
	driver := memory.Driver()
	target := backendtest.Target{
		Name: driver.Name, Version: driver.Version, Protocol: 1, Schemes: driver.Schemes, Open: driver.Open,
		URL: func() string { return "memory://" + rand.Text() },
	}
	only := backendtest.Options{Run: func(id string) bool { return id == "PUT-01" || id == "PUT-02" }}
	report, err := backendtest.RunRules(context.Background(), target, only)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(report.Passed, "passed,", report.Failed, "failed, conforms:", report.Conforms())
	// Output: 2 passed, 0 failed, conforms: true
}

// A host is tried against a backend that loses the answer of every third call.
func ExampleFaults() {
	faults, err := backendtest.ParseFaults("lose:3")
	if err != nil {
		fmt.Println(err)
		return
	}
	driver := faults.Driver(memory.Driver())
	fmt.Println(driver.Name)
	// Output: memory
}
