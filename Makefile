# Two targets do all set-up on a machine that has Go, make and git:
#
#   make demo    build, then archive and restore real files on SQLite
#   make test    every test, on real databases (installed where that is allowed)
#
# While you work: quick (the tests that need no database server and little
# time) and check (format, lint, other platforms, race detector).
# Now and then: soak (kills and faults for as long as SOAK says), kits (all rules
# on every program), release (its files, built twice), test-release, test-windows
# (under Wine), bench, profile.
# The others: build, proto, install, clean.

VERSION ?= $(patsubst v%,%,$(shell git describe --tags --always --dirty 2>/dev/null || echo unknown))
COMMIT  ?= $(shell git rev-parse --short=12 HEAD 2>/dev/null || echo unknown)
PREFIX  ?= /usr/local
DESTDIR ?=
SHARE    = $(DESTDIR)$(PREFIX)/share

PLUGINS := $(notdir $(patsubst %/,%,$(wildcard plugins/*/)))
LDFLAGS := -s -w -X main.version=$(VERSION) -X main.commit=$(COMMIT)
GOBUILD := CGO_ENABLED=0 go build -trimpath -tags urfave_cli_no_docs -ldflags '$(LDFLAGS)'
SOAK    ?= 10m

.PHONY: build demo test quick soak kits check bench bench-growth profile proto install clean databases release test-release test-windows

build:
	@mkdir -p bin/plugins
	$(GOBUILD) -o bin/codex ./cli
	$(foreach p,$(PLUGINS),$(GOBUILD) -o bin/plugins/codex-archive-$(p) ./plugins/$(p) &&) true

demo: build
	scripts/demo.sh bin/codex

# Installs PostgreSQL and MariaDB for the tests, where it may.
databases:
	scripts/databases/install.sh

# The servers and the programs are started and built once, for all packages.
# Many tests wait for processes, so more of them run than there are processors.
# Tests are built as the programs are, so that no package is compiled twice:
# without cgo. make check vets. Where a compiler collects its garbage more seldom it
# takes a fifth less of the processor; tests have the usual setting.
PARALLEL ?= $(shell echo $$((2 * $$(getconf _NPROCESSORS_ONLN))))
GOTEST   := go test -vet=off -toolexec 'env GOGC=400' -parallel $(PARALLEL)

test quick soak kits: export CGO_ENABLED = 0

test: databases
	go run ./scripts/testenv $(GOTEST) -timeout 20m ./...

# The programs for Windows, under Wine. WINE='-run TestWindows/Tree' runs a part.
test-windows:
	scripts/wine/install.sh
	CODEX_TEST_WINE=yes go test -count=1 -timeout 3h -v ./scripts/wine $(WINE)

quick:
	go run ./scripts/testenv -noservers $(GOTEST) -short -timeout 5m ./...

# Each test whose name ends in Soak repeats its rounds for this long, or this
# many times (SOAK=500x). SOAKS chooses some of them.
SOAKS ?= Soak$$
soak: databases
	CODEX_TEST_SOAK=$(SOAK) go run ./scripts/testenv $(GOTEST) -count=1 -timeout 0 -v -run '$(SOAKS)' ./cli

# All rules on every program: the examples in other languages, and the servers',
# of which make test runs those that depend on the language and on processes.
kits: databases
	CODEX_TEST_KITS=all go run ./scripts/testenv $(GOTEST) -count=1 -timeout 60m -v -run 'Python|TypeScript|Bbolt|RulesProcess' ./docs ./plugins/...

check:
	scripts/check.sh

# CPU and heap profiles of host and plugin, of programs built for it.
profile:
	@mkdir -p bin/profile/plugins
	CGO_ENABLED=0 go build -tags urfave_cli_no_docs,profile -o bin/profile/codex ./cli
	CGO_ENABLED=0 go build -tags profile -o bin/profile/plugins/codex-archive-sqlite ./plugins/sqlite
	scripts/bench/profile.sh bin/profile/codex bin/profile/out $(TREE)

# Flags of scripts/bench in BENCH: BENCH='-rounds 5 -sizes 1M,4G -json out.json'.
bench: build databases
	go run ./scripts/bench -codex bin/codex -tree "$$(go env GOROOT)/src" $(BENCH)

# What becomes slower while an archive grows, as ratios to its first size:
# GROWTH='-sizes 10000,5000000 -json' takes others.
bench-growth: build
	go run ./scripts/bench/growth $(GROWTH)

proto:
	go run -modfile=scripts/tools.mod scripts/proto.go

# Archives, packages, bills of materials and checksums of the last commit, in
# dist. RELEASE='-platforms linux/amd64 -shared-cache' builds less.
test-release: databases
	go -C scripts/release test -timeout 20m .

release:
	go -C scripts/release run . -out $(CURDIR)/dist $(RELEASE)

install: build
	install -d $(DESTDIR)$(PREFIX)/bin $(DESTDIR)$(PREFIX)/libexec/codex
	install -m 755 bin/codex $(DESTDIR)$(PREFIX)/bin/codex
	$(foreach p,$(PLUGINS),install -m 755 bin/plugins/codex-archive-$(p) $(DESTDIR)$(PREFIX)/libexec/codex/ &&) true
	install -d $(SHARE)/codex
	install -m 755 scripts/rescue/rescue.sh $(SHARE)/codex/rescue.sh
	install -m 644 docs/format.md $(SHARE)/codex/format.md
	install -d $(SHARE)/man/man1 $(SHARE)/bash-completion/completions $(SHARE)/zsh/site-functions $(SHARE)/fish/vendor_completions.d
	bin/codex man > $(SHARE)/man/man1/codex.1
	bin/codex completion bash > $(SHARE)/bash-completion/completions/codex
	bin/codex completion zsh > $(SHARE)/zsh/site-functions/_codex
	bin/codex completion fish > $(SHARE)/fish/vendor_completions.d/codex.fish

clean:
	rm -rf bin dist
