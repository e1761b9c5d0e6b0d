#!/usr/bin/env bash
# The main job from end to end on SQLite, with real files: some of the Go tree's
# own sources are archived, deleted, restored and compared.
set -euo pipefail

codex=$(realpath "${1:?usage: demo.sh path/to/codex}")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
export CODEX_ACTOR=demo NO_COLOR=1 CODEX_ARCHIVE_LOG_LEVEL=warn

bold='' plain=''
if [ -t 1 ]; then bold=$'\033[1m' plain=$'\033[0m'; fi
say() { printf '\n%s%s%s\n' "$bold" "$*" "$plain"; }
run() { printf '$ %s\n' "$*" | sed "s|$codex|codex|g"; "$@"; }

say "1. A project with files to retire: sources of Go's own standard library"
mkdir -p original project/lib
find "$(go env GOROOT)/src/strings" "$(go env GOROOT)/src/bytes" -name '*.go' -size +0 | sort | head -n 12 |
  while read -r file; do cp -p "$file" "original/$(basename "$(dirname "$file")")_$(basename "$file")"; done
cp -p original/* project/lib/
cd project
git init -q .
git add lib
git -c user.name=demo -c user.email=demo@example.com commit -qm "before retirement"
files=(lib/*.go)
printf '%d files, %s bytes, in a git repository\n' "${#files[@]}" "$(cat lib/*.go | wc -c)"

say "2. An archive for it"
run "$codex" archive init

say "3. Retire the directory with one command: stored, read back, compared, removed"
run "$codex" archive store demo-project lib --reason dead --note "replaced by v2" --remove | tee store.txt
set=$(sed -n 's/^Set: //p' store.txt)
test ! -e lib/$(basename "${files[0]}")
git status --short lib | head -n 3

say "4. What the archive holds now"
run "$codex" archive list --limit 5
run "$codex" archive health-check

say "5. Bring the directory back with one command"
rmdir lib
run "$codex" archive batch-restore --set "$set" --output-dir . --results results.json
tombstone=$("$codex" archive list --json --limit 1 | sed -n 's/.*"tombstone":"\([^"]*\)".*/\1/p')
run "$codex" archive restore "${tombstone:0:8}" back/ --by someone-else

say "6. Compare with the originals, byte for byte"
diff -r lib ../original
printf 'identical: %d files\n' "${#files[@]}"

say "7. The evidence of it"
printf '%s lines, the last one:\n' "$(wc -l <.codex/evidence/archive_ops.jsonl)"
tail -n 1 .codex/evidence/archive_ops.jsonl
