#!/usr/bin/env bash
# What a change must pass besides the tests: format, vet, staticcheck, generated
# code that is current, builds for the other platforms, and the race detector on
# the packages that share memory between goroutines.
set -euo pipefail
cd "$(dirname "$0")/.."

step() { printf '== %s\n' "$*" >&2; }

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

step staticcheck
go tool -modfile=scripts/tools.mod staticcheck ./...

step generated code
go run -modfile=scripts/tools.mod scripts/proto.go -check

for platform in linux/arm64 darwin/arm64 windows/amd64; do
  step "build $platform"
  CGO_ENABLED=0 GOOS=${platform%/*} GOARCH=${platform#*/} go build ./cli ./plugins/...
  CGO_ENABLED=0 GOOS=${platform%/*} GOARCH=${platform#*/} go vet ./cli/... ./sdk/... ./plugins/...
done

# A pure-Go SQLite under the race detector takes minutes and tells nothing about
# our code, so the packages that run it are left out.
step race detector
go test -race -short -timeout 15m \
  ./sdk ./sdk/memory ./sdk/backendtest ./sdk/plugin ./cli/internal/...
