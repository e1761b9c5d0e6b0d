// A module of its own, as a vendor's is. The replacement stands in for a release.
module example.com/codex-archive-bolt

go 1.26.0

require (
	github.com/codex-archive/codex v0.0.0
	go.etcd.io/bbolt v1.4.3
)

replace github.com/codex-archive/codex => ../../..
