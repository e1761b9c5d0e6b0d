#!/usr/bin/env bash
# What a change must pass besides the tests: format, vet, lint, generated code
# that is current, builds for the other platforms, and the race detector on what
# shares memory between goroutines.
set -euo pipefail
cd "$(dirname "$0")/.."

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

# Symbols for debuggers cost half of the time of linking.
for platform in linux/arm64 darwin/arm64 windows/amd64; do
  step "build and vet $platform"
  export CGO_ENABLED=0 GOOS=${platform%/*} GOARCH=${platform#*/}
  go build -ldflags='-s -w' ./cli ./plugins/...
  go vet ./cli/... ./sdk/... ./plugins/...
done
unset CGO_ENABLED GOOS GOARCH

# A database in Go takes minutes under the race detector and tells nothing about
# our code. So the packages that run one are left out, and the commands are
# tested on a backend that keeps everything in memory.
step race detector
go test -race -short -timeout 15m ./sdk ./sdk/intake ./sdk/kvbackend/... ./sdk/memory ./sdk/backendtest/... ./sdk/plugin ./cli/internal/...
go run ./scripts/testenv -noservers -race go test -short -timeout 15m -run 'Batch|Restore' ./cli

# The engine, on a database that is a process of its own.
step race detector over the engine
go run ./scripts/testenv go test -race -timeout 15m -run 'TestRules/(CONC|CONTEXT)|TestServer/OverlappingPuts' ./plugins/mariadb
