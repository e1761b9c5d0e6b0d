#!/bin/sh
# Installs, on Debian and as root, the tools that make bench compares with.
set -eu

export DEBIAN_FRONTEND=noninteractive
apt-get update
apt-get install -y --no-install-recommends restic borgbackup sqlite3 git tar zstd diffutils
