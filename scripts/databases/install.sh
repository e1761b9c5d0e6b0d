#!/bin/sh
# Installs the programs of PostgreSQL, PgBouncer and MariaDB that the tests start private
# servers with, gRPC for Python, npm and protoc, which the example backends in
# docs/examples are made with, strace, which has calls on files fail, and what
# scripts/rescue needs, and libfaketime, by which a server's clock is wrong. Nothing happens where they are present, or on a system
# that is not Debian's or not ours to change: the tests then say what they lack.
#
# No server of the system is created, and none is started: the tests make
# their own in a temporary directory.
set -eu

has_postgres() {
	for bin in /usr/lib/postgresql/*/bin; do
		[ -x "$bin/initdb" ] && [ -x "$bin/postgres" ] && return 0
	done
	command -v initdb >/dev/null && command -v postgres >/dev/null
}

has_mariadb() {
	PATH=$PATH:/usr/sbin command -v mariadbd >/dev/null && command -v mariadb-install-db >/dev/null
}

has_pgbouncer() {
	PATH=$PATH:/usr/sbin command -v pgbouncer >/dev/null
}

# Debian's own: other programs of these names may come before them on PATH, and
# what protoc generates must fit the library.
has_python_grpc() {
	[ -x /usr/bin/protoc ] && [ -d /usr/lib/python3/dist-packages/grpc ] &&
		[ -d /usr/lib/python3/dist-packages/google/protobuf ] && [ -d /usr/lib/python3/dist-packages/crcmod ]
}

has_strace() {
	[ "$(uname -s)" != Linux ] || command -v strace >/dev/null
}

has_faketime() {
	[ "$(uname -s)" != Linux ] || ls /usr/lib/*/faketime/libfaketimeMT.so.1 /usr/lib*/faketime/libfaketimeMT.so.1 2>/dev/null | grep -q .
}

has_npm() {
	command -v npm >/dev/null
}

has_rescue() {
	command -v sqlite3 >/dev/null && command -v zstd >/dev/null && command -v age >/dev/null
}

# Does nothing more than look when nothing is missing: it runs before every test.
missing=
has_postgres || missing="$missing postgresql"
has_mariadb || missing="$missing mariadb-server"
has_pgbouncer || missing="$missing pgbouncer"
has_python_grpc || missing="$missing python3-grpcio python3-protobuf python3-crcmod protobuf-compiler"
has_strace || missing="$missing strace"
has_faketime || missing="$missing libfaketime"
has_npm || missing="$missing npm"
has_rescue || missing="$missing sqlite3 zstd age"
[ -n "$missing" ] || exit 0

if ! command -v apt-get >/dev/null || { [ "$(id -u)" != 0 ] && [ "${CI:-}" != true ]; }; then
	echo "databases: not installed:$missing (tests that need them are skipped; on Debian, as root, this script installs them)" >&2
	exit 0
fi

sudo=
[ "$(id -u)" = 0 ] || sudo="sudo -n"
log=$(mktemp)
policy=/usr/sbin/policy-rc.d

finish() {
	status=$?
	[ -z "${ours:-}" ] || $sudo rm -f "$policy"
	[ "$status" = 0 ] || { echo "databases: installing$missing failed:" >&2; tail -n 40 "$log" >&2; }
	rm -f "$log"
}
trap finish EXIT
trap 'exit 130' INT TERM HUP

# dpkg asks policy-rc.d before it starts a service; 101 is "forbidden".
if [ ! -e "$policy" ]; then
	ours=yes
	printf '#!/bin/sh\nexit 101\n' | $sudo tee "$policy" >/dev/null
	$sudo chmod 755 "$policy"
fi

apt() {
	$sudo env DEBIAN_FRONTEND=noninteractive apt-get -qq -o DPkg::Lock::Timeout=300 -o Dpkg::Use-Pty=0 "$@" >>"$log" 2>&1 </dev/null
}

install() {
	apt install -y --no-install-recommends "$@"
}

echo "databases: installing$missing" >&2
# An image without package lists, or with old ones, needs them first.
# shellcheck disable=SC2086
install --dry-run $missing || apt update
case "$missing" in *postgresql*)
	# The package creates a cluster of the system unless told before it comes.
	install postgresql-common
	$sudo sed -i -E 's/^#?[[:space:]]*create_main_cluster.*/create_main_cluster = false/' /etc/postgresql-common/createcluster.conf
	;;
esac
# Lists that are too old name files that have gone: then the second try helps.
# shellcheck disable=SC2086
install $missing || { apt update && install $missing; }
