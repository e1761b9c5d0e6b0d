#!/bin/sh
# Installs what make test-windows needs: Wine, and a compiler for one small
# library. Nothing happens where both are present, or on a system that is not
# Debian's or not ours to change: the test then says what it lacks.
set -eu

missing=
command -v wine >/dev/null || missing="$missing wine wine64"
command -v x86_64-w64-mingw32-gcc >/dev/null || missing="$missing gcc-mingw-w64-x86-64"
[ -n "$missing" ] || exit 0

if ! command -v apt-get >/dev/null || { [ "$(id -u)" != 0 ] && [ "${CI:-}" != true ]; }; then
	echo "wine: not installed:$missing (on Debian, as root, this script installs them)" >&2
	exit 0
fi

sudo=
[ "$(id -u)" = 0 ] || sudo="sudo -n"

apt() {
	$sudo env DEBIAN_FRONTEND=noninteractive apt-get -qq -o DPkg::Lock::Timeout=300 -o Dpkg::Use-Pty=0 "$@" >&2 </dev/null
}

echo "wine: installing$missing" >&2
# Lists that are too old name files that have gone: then the second try helps.
# shellcheck disable=SC2086
apt install -y --no-install-recommends $missing || { apt update && apt install -y --no-install-recommends $missing; }
