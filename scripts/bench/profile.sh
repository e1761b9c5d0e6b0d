#!/bin/sh
# Profiles host and plugin while a tree is stored and restored, and prints where
# the time and the allocated memory go. make profile calls it with programs that
# were built with the tag "profile".
set -eu

codex=$1 out=$2
tree=${3:-$(go env GOROOT)/src}
mkdir -p "$out"
out=$(cd "$out" && pwd)
codex=$(cd "$(dirname "$codex")" && pwd)/$(basename "$codex")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cp -a "$tree/." "$work/tree"
cd "$work"

export CODEX_ACTOR=profile CODEX_ARCHIVE_PASS_ENV=CODEX_PROFILE_DIR
"$codex" archive init >/dev/null

step() {
	name=$1
	shift
	rm -rf "$out/$name"
	mkdir -p "$out/$name"
	CODEX_PROFILE_DIR=$out/$name "$codex" archive "$@" >"$work/said"
	for program in codex codex-archive-sqlite; do
		for kind in cpu heap; do
			file=$(echo "$out/$name/$program"-[0-9]*."$kind".pprof)
			echo
			echo "== $name: $program, $kind"
			go tool pprof -top -nodecount=15 "$file" 2>/dev/null
		done
	done
}

step store store profile tree --reason dead
set=$(sed -n 's/^Set: //p' "$work/said")
step restore batch-restore --set "$set" --output-dir back
echo
echo "The profiles are in $out; go tool pprof -http=: FILE shows one."
