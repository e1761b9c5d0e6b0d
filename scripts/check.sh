#!/usr/bin/env bash
# What a change must pass besides the tests: format, vet, lint, generated code
# that is current, a build for Windows, types for the other platforms, and the
# race detector on what shares memory between goroutines.
set -euo pipefail
cd "$(dirname "$0")/.."

# What make test has compiled, without cgo, is not compiled again.
export CGO_ENABLED=0

# Compilers and analysers that collect garbage more seldom take a fifth to a third
# less of the processor, and up to 2 GB of memory.
export GOGC=400

step() { printf '== %s\n' "$*" >&2; }
tool() { go tool -modfile=scripts/tools.mod "$@"; }

step gofmt
unformatted=$(git ls-files -co --exclude-standard '*.go' | grep -v '\.pb\.go$' | xargs gofmt -l)
if [ -n "$unformatted" ]; then
  printf 'run gofmt -w on:\n%s\n' "$unformatted" >&2
  exit 1
fi

step go vet
go vet ./...

step go mod tidy
go mod tidy -diff

step "vet and tidy scripts/release, a module of its own"
go -C scripts/release vet ./...
go -C scripts/release mod tidy -diff

step staticcheck
tool staticcheck ./...

# An error that is ignored is ignored by name, with the reason beside it:
# _ = f() // why. What is ignored for its type is in errcheck.txt.
step errcheck
tool errcheck -exclude scripts/errcheck.txt -ignoretests ./...

step generated code
go run -modfile=scripts/tools.mod scripts/proto.go -check

# What is built here is thrown away. Symbols for debuggers cost half of the time of
# linking, and optimising a quarter of that of compiling.
step "build and vet windows/amd64"
export GOOS=windows GOARCH=amd64
go build -gcflags='all=-N -l' -ldflags='-s -w' ./cli ./plugins/...
go vet -gcflags='all=-N -l' ./cli/... ./sdk/... ./plugins/...
unset GOOS GOARCH

# These share most files with Linux on amd64. The release is built for them, too.
step "types for linux/arm64 and darwin/arm64"
go run -modfile=scripts/tools.mod scripts/typecheck.go linux/arm64 darwin/arm64

# A database in Go takes minutes under the race detector and tells nothing about
# our code. So the packages that run one are left out, the commands are tested on a
# backend that keeps everything in memory, and the engine on a database that is a
# process of its own. The mutants do one thing after the other, and are run without;
# so are the rules in one archive, which TestMemory runs in many, and those over a
# socket, which TestConformanceOfProcess runs in a program of its own.
# The detector needs cgo.
race() { CGO_ENABLED=1 go test -vet=off -race -timeout 15m "$@"; }

step race detector
race -short -skip 'TestMutants|TestEveryRuleCanFail|TestSingleArchive|TestConformanceOverSocket' ./sdk ./sdk/intake ./sdk/kvbackend/... ./sdk/memory ./sdk/backendtest/... ./sdk/plugin ./cli/internal/...
go run ./scripts/testenv -noservers -race go test -vet=off -short -timeout 15m -run 'Batch|Restore' ./cli

step race detector over the engine
race -run '^TestRules$/(CONC|CONTEXT)|^TestServer$/OverlappingPuts' ./plugins/mariadb
