#!/bin/sh
# Restores the files of a codex archive without the programs of codex. It needs a
# POSIX shell, awk, sha256sum, zstd, mktemp, and the client of the database:
# sqlite3, or psql or mariadb with base64; and age for content that is encrypted.
# The file format.md describes the tables.
set -u
LC_ALL=C PATH=${PATH:-/usr/bin:/bin}
export LC_ALL PATH
unset CDPATH
tab=$(printf '\t')

usage() {
	cat <<'END'
rescue.sh [--all] [--identity=FILE] sqlite FILE DIRECTORY
rescue.sh [--all] [--identity=FILE] postgres DATABASE DIRECTORY
rescue.sh [--all] [--identity=FILE] [--defaults-extra-file=FILE] mariadb DATABASE DIRECTORY

Restores the newest live record of each path below DIRECTORY; with --all every live record.
--identity names a file of age identities, or an SSH private key, which age reads what is encrypted with.

A path that is absolute or leads upward is restored below DIRECTORY/_outside. So is a record whose place another
record has, as _outside/TOMBSTONE/NAME. Each file is checked against its SHA-256 and gets its mode and time.
Symlinks are made last, as they were recorded, and never followed. A file that is there with the right content is
kept, so the same command goes on after an interruption; a file with other content is never replaced.

Host, user and password are those of the client: PGHOST, PGUSER, PGPASSWORD and ~/.pgpass, or the section [client]
of ~/.my.cnf or of the file that --defaults-extra-file names.

Standard output has a line for each record restored: its tombstone, a tab, its place with bytes that are not printable as \ooo.
Exit code: 0 every selected record was restored; 1 some were not, each is named; 2 wrong usage, or no archive.
END
}

stop() {
	printf 'rescue: %s\n' "$1" >&2
	exit 2
}

need() {
	for program; do
		command -v "$program" >/dev/null || stop "$program is not installed"
	done
}

# For each kind of database: sql runs one statement and prints its rows, with tabs between
# columns; hex is the function that writes bytes in hexadecimal digits, a NULL as nothing.

sqlite_sql() { sqlite3 -readonly -batch -init /dev/null -noheader -list -separator "$tab" "$database" "PRAGMA trusted_schema = OFF" "$1"; }
sqlite_hex() { printf 'hex(%s)' "$1"; }
# sqlite3 has no base64, but writes bytes to a file by itself.
sqlite_write() { sqlite3 -readonly -batch -init /dev/null "$database" "PRAGMA trusted_schema = OFF" ".output /dev/null" "SELECT writefile($1, data) FROM $2"; }
sqlite_small() { (cd "$stage" && sqlite_write "'body.' || artifact" "codex_body WHERE artifact IN ($1)"); }
sqlite_large() { sqlite_write "'/dev/stdout'" "codex_artifact_chunk WHERE upload = $1 ORDER BY seq"; }
sqlite_open() { cat "$1"; }

# COPY does not gather all rows in memory first.
postgres_sql() { psql -X -q -w -v ON_ERROR_STOP=1 -d "$database" -c "COPY ($1) TO STDOUT"; }
postgres_hex() { printf "coalesce(encode(%s, 'hex'), '')" "$1"; }
postgres_base64() { printf "translate(encode(%s, 'base64'), chr(10), '')" "$1"; }
postgres_small() { postgres_sql "SELECT artifact, $(postgres_base64 data) FROM codex_body WHERE artifact IN ($1)" | split_small; }
postgres_large() { postgres_sql "SELECT $(postgres_base64 "a.data || coalesce(b.data, ''::bytea) || coalesce(c.data, ''::bytea)") $(triples "$1")" | base64 -d; }
postgres_open() { base64 -d <"$1"; }

mariadb_sql() { "$mariadb" ${defaults:+"--defaults-extra-file=$defaults"} --batch --raw --quick --skip-column-names "$database" -e "$1"; }
mariadb_hex() { printf "COALESCE(HEX(%s), '')" "$1"; }
mariadb_base64() { printf "REPLACE(TO_BASE64(%s), CHAR(10), '')" "$1"; }
mariadb_small() { mariadb_sql "SELECT artifact, $(mariadb_base64 data) FROM codex_body WHERE artifact IN ($1)" | split_small; }
# Three pieces in two columns: a text longer than max_allowed_packet, at least 1 MiB, would be NULL.
mariadb_large() {
	three="CONCAT(a.data, COALESCE(b.data, ''), COALESCE(c.data, ''))"
	mariadb_sql "SELECT $(mariadb_base64 "LEFT($three, 393216)"), $(mariadb_base64 "SUBSTRING($three, 393217)") $(triples "$1")" |
		tr '\t' '\n' | base64 -d
}
mariadb_open() { base64 -d <"$1"; }

# triples selects the pieces of an upload, three to a row: so many bytes are a multiple of
# three, and their base64 has no padding, except at the end.
triples() {
	printf '%s' "FROM codex_artifact_chunk a
		LEFT JOIN codex_artifact_chunk b ON b.upload = a.upload AND b.seq = a.seq + 1
		LEFT JOIN codex_artifact_chunk c ON c.upload = a.upload AND c.seq = a.seq + 2
		WHERE a.upload = $1 AND a.seq % 3 = 0 ORDER BY a.seq"
}

# split_small writes each row, a number and base64, to a file.
split_small() { (cd "$stage" && awk -F '\t' '{ file = "body." $1; print $2 >file; close(file) }'); }

# records prints a line for each live record, the newest first. It reads no body, so that a
# damaged one does not hide the others.
records() {
	"${kind}_sql" "SELECT $("${kind}_hex" i.tombstone), i.repo, COALESCE(a.id, 0), COALESCE(u.id, 0),
		CASE WHEN a.codec IN ('none', 'zstd', 'zstd+age') THEN a.codec ELSE '?' END, $("${kind}_hex" a.sha256),
		CASE WHEN o.file_type IN ('file', 'symlink') THEN o.file_type ELSE '?' END, i.file_mode, $("$kind"_time i.file_mtime),
		CASE WHEN p.id IS NULL THEN '?' WHEN p.work_path IS NULL THEN $("${kind}_hex" p.path) ELSE $("${kind}_hex" p.work_path) END,
		CASE WHEN p.work_path IS NULL THEN $("${kind}_hex" i.name) ELSE $("${kind}_hex" 'COALESCE(i.work_name, i.name)') END
		FROM codex_item i
		LEFT JOIN codex_origin o ON o.id = i.origin
		LEFT JOIN codex_directory p ON p.id = i.directory
		LEFT JOIN codex_artifact a ON a.id = i.artifact
		LEFT JOIN codex_upload u ON u.artifact = a.id
		WHERE i.purged_at IS NULL
		ORDER BY i.archived_at DESC, i.tombstone DESC"
}
sqlite_time() { printf "COALESCE(%s, '-')" "$1"; }
postgres_time() { printf "COALESCE(%s::text, '-')" "$1"; }
mariadb_time() { sqlite_time "$1"; }

# plan reads the lines of records and prints what is to be done: a line "fetch" with the
# numbers of small bodies before each group of records, and a line for each record. Bytes
# of a place are \0ooo, which printf understands. Symlinks come last.
plan() {
	awk -F '\t' -v all="$all" '
	BEGIN {
		for (i = 0; i < 256; i++) {
			pair = sprintf("%02x", i)
			octal[pair] = sprintf("\\0%03o", i)
			shown[pair] = i > 31 && i < 127 && i != 92 ? sprintf("%c", i) : sprintf("\\%03o", i)
		}
		outside = "5f6f757473696465" # _outside
		directory[outside] = 1
	}
	# clean returns a path without empty parts, . and ..; one that leads out is below _outside.
	function clean(path, out, depth, part, rest, i, pair) {
		if (substr(path, 3, 2) == "3a" && substr(path, 1, 2) ~ /^(4[1-9a-f]|5[0-9a]|6[1-9a-f]|7[0-9a])$/) {
			out = 1
			path = substr(path, 1, 2) "2f" substr(path, 5)
		}
		if (substr(path, 1, 2) == "2f") out = 1
		depth = 0
		rest = ""
		for (i = 1; i <= length(path) + 1; i += 2) {
			pair = substr(path, i, 2)
			if (pair == "00") return ""
			if (pair != "2f" && pair != "") {
				rest = rest pair
				continue
			}
			if (rest == "2e2e") {
				if (depth > 0) depth--
				else out = 1
			} else if (rest != "" && rest != "2e") part[++depth] = rest
			rest = ""
		}
		if (depth == 0) return ""
		rest = out ? outside : part[1]
		for (i = out ? 1 : 2; i <= depth; i++) rest = rest "2f" part[i]
		return rest
	}
	# claim takes a place for a record, unless another has it, or would need it as a directory.
	function claim(place, i) {
		if (place == "" || place in taken || place in directory) return 0
		for (i = 3; i < length(place); i += 2)
			if (substr(place, i, 2) == "2f" && substr(place, 1, i - 1) in taken) return 0
		for (i = 3; i < length(place); i += 2)
			if (substr(place, i, 2) == "2f") directory[substr(place, 1, i - 1)] = 1
		taken[place] = 1
		return 1
	}
	function written(place, table, i, text) {
		text = ""
		for (i = 1; i < length(place); i += 2) text = text table[substr(place, i, 2)]
		return text
	}
	function base(place, i, last) {
		last = 1
		for (i = 1; i < length(place); i += 2) if (substr(place, i, 2) == "2f") last = i + 2
		return place == "" ? "636f6e74656e74" : substr(place, last) # content
	}
	function hexword(text, i, c, pairs) { # of digits, letters to f, and -
		pairs = ""
		for (i = 1; i <= length(text); i++) {
			c = substr(text, i, 1)
			pairs = pairs (c == "-" ? "2d" : c ~ /[0-9]/ ? "3" c : "6" index("abcdef", c))
		}
		return pairs
	}
	function uuid(text) {
		return substr(text, 1, 8) "-" substr(text, 9, 4) "-" substr(text, 13, 4) "-" substr(text, 17, 4) "-" substr(text, 21)
	}
	function down(x, i) { i = int(x); return i > x ? i - 1 : i }
	# when writes microseconds since 1970, a text because awk counts in doubles.
	function when(micros, minus, seconds, part, days, era, doe, yoe, doy, mp, year, month) {
		if (micros !~ /^-?[0-9]+$/) return "-"
		minus = sub(/^-/, "", micros)
		while (length(micros) < 7) micros = "0" micros
		seconds = substr(micros, 1, length(micros) - 6) + 0
		part = substr(micros, length(micros) - 5) + 0
		if (minus) {
			seconds = -seconds
			if (part > 0) { seconds--; part = 1000000 - part }
		}
		days = down(seconds / 86400)
		seconds -= days * 86400
		days += 719468 # days since 0000-03-01, in eras of 400 years
		era = down(days / 146097)
		doe = days - era * 146097
		yoe = int((doe - int(doe / 1460) + int(doe / 36524) - int(doe / 146096)) / 365)
		doy = doe - (365 * yoe + int(yoe / 4) - int(yoe / 100))
		mp = int((5 * doy + 2) / 153)
		month = mp < 10 ? mp + 3 : mp - 9
		year = yoe + era * 400 + (month <= 2)
		return sprintf("%04d-%02d-%02dT%02d:%02d:%02d.%06d", year, month, doy - int((153 * mp + 2) / 5) + 1,
			int(seconds / 3600), int(seconds % 3600 / 60), seconds % 60, part)
	}
	function emit(line, body) {
		if (body && !(body in wanted)) {
			wanted[body] = 1
			bodies = bodies (bodies == "" ? "" : ",") body
		}
		lines[++count] = line
		if (count == 200) flush_lines()
	}
	function flush_lines(i) {
		print "fetch\t" (bodies == "" ? "-" : bodies)
		for (i = 1; i <= count; i++) print lines[i]
		count = 0
		bodies = ""
		split("", wanted)
	}
	{
		tombstone = uuid(tolower($1))
		lost = $10 == "?" # the row of its directory
		path = lost ? tolower($11) : tolower($10 $11)
		key = lost ? tombstone : $2 SUBSEP path
		if (!all && (key in newest)) next
		newest[key] = 1
		place = clean(path)
		if (lost || !claim(place)) {
			place = outside "2f" hexword(tombstone) "2f" base(place)
			if (!claim(place)) place = ""
		}
		line = $7 "\t" tombstone "\t" $3 + 0 "\t" $4 + 0 "\t" $5 "\t" ($6 == "" ? "-" : tolower($6)) "\t" \
			sprintf("%o", $8 % 512) "\t" when($9) "\t" (place == "" ? "-" : written(place, octal)) "\t" written(place, shown)
		small = $4 == 0 ? $3 + 0 : 0 # a body in one row
		if ($7 == "symlink") {
			link[++links] = line
			linkbody[links] = small
		} else emit(line, small)
	}
	END {
		for (i = 1; i <= links; i++) emit(link[i], linkbody[i])
		if (count > 0) flush_lines()
	}'
}

fail() {
	printf 'rescue: %s %s: %s\n' "$tombstone" "$shown" "$1" >&2
	failed=$((failed + 1))
}

# enter goes to the directory of the record, making what is missing, and through no symlink.
# It sets name.
enter() {
	name=$(printf '%b.' "$place")
	name=${name%.}
	cd "$out" || return 1
	while :; do
		case $name in
		*/*) ;;
		*) return 0 ;;
		esac
		part=${name%%/*}
		name=${name#*/}
		[ ! -L "./$part" ] || return 1
		[ -d "./$part" ] || mkdir "./$part" 2>/dev/null || return 1
		cd "./$part" 2>/dev/null || return 1
	done
}

# content writes the plain bytes of the record to the staged file, and checks them.
content() {
	rm -f "$stage/content"
	if [ "$upload" = 0 ] && [ ! -f "$stage/body.$artifact" ]; then
		"${kind}_small" "$artifact" # the group may have ended at another, damaged one
		[ -f "$stage/body.$artifact" ] || { fail "its body is missing or cannot be read"; return 1; }
	fi
	body | case $codec in
	none) cat ;;
	zstd) zstd -q -d -c 2>/dev/null ;;
	zstd+age) age -d -i "$identity" 2>/dev/null | zstd -q -d -c 2>/dev/null ;;
	esac >"$stage/content" || :
	is=$(sum "$stage/content")
	[ "$is" = "$sha256" ] && return 0
	fail "its content has SHA-256 $is, recorded is $sha256"
	return 1
}

body() {
	if [ "$upload" = 0 ]; then
		"${kind}_open" "$stage/body.$artifact"
	else
		"${kind}_large" "$upload"
	fi
}

sum() {
	line=$(sha256sum <"$1")
	printf '%s' "${line%% *}"
}

# dress sets mode and time of a file.
dress() {
	chmod "$mode" "$1" && settime "$1" && return 0
	fail "its mode or time could not be set"
	return 1
}

# settime takes the time in the form of POSIX, and without the fraction in that of busybox.
settime() {
	[ "$mtime" != - ] || return 0
	touch -d "${mtime}Z" "$@" 2>/dev/null || TZ=UTC0 touch -d "${mtime%T*} $(printf '%s' "${mtime#*T}" | cut -d . -f 1)" "$@"
}

restore_file() {
	if [ -L "./$name" ] || [ -e "./$name" ]; then
		if [ -L "./$name" ] || [ ! -f "./$name" ] || [ ! -r "./$name" ] || [ "$(sum "./$name")" != "$sha256" ]; then
			fail "something else is there already"
			return 1
		fi
		dress "./$name"
		return
	fi
	content && dress "$stage/content" || return 1
	mv -f "$stage/content" "./$name" 2>/dev/null || { fail "it cannot have this name here"; return 1; }
}

restore_symlink() {
	content || return 1
	[ "$(wc -c <"$stage/content")" -le 65536 ] || { fail "the text of the link is too long"; return 1; }
	target=$(cat "$stage/content"; printf .)
	target=${target%.}
	if [ -L "./$name" ]; then
		there=$(readlink "./$name"; printf .)
		[ "$there" = "$target
." ] && return 0
	fi
	if [ -L "./$name" ] || [ -e "./$name" ]; then
		fail "something else is there already"
		return 1
	fi
	ln -s -- "$target" "./$name" 2>/dev/null || { fail "the link cannot be made here"; return 1; }
	settime -h "./$name" 2>/dev/null || :
}

restore() {
	[ "$place" != - ] || { fail "there is no place for it"; return 1; }
	[ "$sha256" != - ] || { fail "the row of its content is missing"; return 1; }
	[ "$codec" != zstd+age ] || [ -n "$identity" ] || { fail "it is encrypted: --identity=FILE names the key"; return 1; }
	[ "$codec" != '?' ] || { fail "this script does not know its codec"; return 1; }
	enter || { fail "its directory cannot be made, or is a symlink"; return 1; }
	case $type in
	file) restore_file ;;
	symlink) restore_symlink ;;
	*) fail "this script does not know its type"; return 1 ;;
	esac
}

all= defaults= identity= mariadb=mariadb
while :; do
	case ${1-} in
	--all) all=1 ;;
	--defaults-extra-file=*) defaults=${1#*=} ;;
	--identity=*) identity=${1#*=} ;;
	-h | --help) usage; exit 0 ;;
	-*) stop "unknown option $1: see rescue.sh --help" ;;
	*) break ;;
	esac
	shift
done
[ $# = 3 ] || { usage >&2; exit 2; }
kind=$1 database=$2 out=$3
absolute() { case $1 in /*) printf '%s' "$1" ;; *) printf '%s/%s' "$PWD" "$1" ;; esac; }

need awk sha256sum zstd mktemp
if [ -n "$identity" ]; then
	need age
	[ -r "$identity" ] || stop "there is no file $identity that can be read"
	identity=$(absolute "$identity")
fi
case $kind in
sqlite)
	need sqlite3
	[ -f "$database" ] || stop "there is no file $database"
	database=$(absolute "$database")
	;;
postgres | mariadb)
	# A password in an argument would be seen by every user of this machine.
	case $database in
	*=* | *:* | -*) stop "name the database alone: host, user and password do not belong on the command line" ;;
	esac
	need base64
	[ $kind = mariadb ] || need psql
	command -v mariadb >/dev/null || mariadb=mysql
	[ $kind = postgres ] || need "$mariadb"
	[ -z "$defaults" ] || defaults=$(absolute "$defaults")
	;;
*) stop "$kind is no kind of database: sqlite, postgres or mariadb" ;;
esac

out=$(absolute "$out")
mkdir -p "$out" && stage=$(mktemp -d "$out/.codex-rescue.XXXXXX") || exit 2
trap 'cd /; rm -rf "$stage"' EXIT
trap 'exit 130' HUP INT TERM

version=$("${kind}_sql" "SELECT schema_version FROM codex_archive_meta" </dev/null) || stop "this is no archive, or it cannot be read"
[ "$version" = 1 ] || stop "the archive has schema version $version, this script knows version 1"
records >"$stage/records" </dev/null || stop "the records cannot be read"
plan <"$stage/records" >"$stage/plan" || stop "the records cannot be read"
total=$(grep -vc '^fetch' "$stage/plan")

restored=0 failed=0
while IFS=$tab read -r type tombstone artifact upload codec sha256 mode mtime place shown <&3; do
	if [ "$type" = fetch ]; then
		[ $((restored + failed)) = 0 ] || printf 'rescue: %s of %s\n' $((restored + failed)) "$total" >&2
		rm -f "$stage"/body.*
		[ "$tombstone" = - ] || "${kind}_small" "$tombstone" </dev/null
	elif restore </dev/null; then
		printf '%s\t%s\n' "$tombstone" "$shown"
		restored=$((restored + 1))
	fi
done 3<"$stage/plan"
printf 'rescue: %s restored, %s failed\n' "$restored" "$failed" >&2
[ "$failed" = 0 ]
