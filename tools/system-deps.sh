#!/bin/sh
# What pip cannot bring, by apt. Tests that need a missing piece are skipped by name without it.
set -eu
packages="chromium"
if command -v chromium >/dev/null 2>&1; then
    echo "system packages: all there"
    exit 0
fi
if ! command -v apt-get >/dev/null 2>&1; then
    echo "no apt-get here: install $packages with this system's package manager" >&2
    exit 1
fi
sudo=""
if [ "$(id -u)" -ne 0 ]; then
    sudo=sudo
fi
echo "installing: $packages"
$sudo apt-get update -qq
DEBIAN_FRONTEND=noninteractive $sudo apt-get install -y -qq --no-install-recommends $packages
