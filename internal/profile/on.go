//go:build profile

package profile

import (
	"fmt"
	"log"
	"os"
	"path/filepath"
	"runtime"
	"runtime/pprof"
)

// Variable names the directory for the profiles.
const Variable = "CODEX_PROFILE_DIR"

// Start begins a CPU profile, and stop ends it and writes the heap's, into files
// named for the program and its process, in the directory that the environment
// names.
func Start() (stop func()) {
	dir := os.Getenv(Variable)
	if dir == "" {
		return func() {}
	}
	path := filepath.Join(dir, fmt.Sprintf("%s-%d", filepath.Base(os.Args[0]), os.Getpid()))
	cpu, err := os.Create(path + ".cpu.pprof")
	must(err)
	must(pprof.StartCPUProfile(cpu))
	return func() {
		pprof.StopCPUProfile()
		must(cpu.Close())
		heap, err := os.Create(path + ".heap.pprof")
		must(err)
		runtime.GC() // the profile tells of the time of the last one
		must(pprof.Lookup("allocs").WriteTo(heap, 0))
		must(heap.Close())
	}
}

func must(err error) {
	if err != nil {
		log.Fatalf("profile: %v", err)
	}
}
