#!/bin/sh
# What pip cannot bring, by apt. Tests that need a missing piece are skipped by name without it.
set -eu
missing=""
browser=chromium-headless-shell
command -v "$browser" >/dev/null 2>&1 || browser=chromium
for pair in $browser:chromium curl:curl pkill:procps redis-server:redis-server \
    g++:g++ thrift:thrift-compiler; do
    command -v "${pair%%:*}" >/dev/null 2>&1 || missing="$missing ${pair##*:}"
done
[ -e /usr/include/thrift/Thrift.h ] || missing="$missing libthrift-dev"
if [ -z "$missing" ]; then
    echo "system packages: all there"
    exit 0
fi
if ! command -v apt-get >/dev/null 2>&1; then
    echo "no apt-get here: install with this system's package manager:$missing" >&2
    exit 1
fi
sudo=""
if [ "$(id -u)" -ne 0 ]; then
    sudo=sudo
fi
echo "installing:$missing"
$sudo apt-get update -qq
case "$missing" in
*" chromium"*) # Its headless shell is smaller and quicker, where there is a package of it.
    if apt-cache show chromium-headless-shell >/dev/null 2>&1; then
        missing=$(echo "$missing" | sed 's/ chromium/ chromium-headless-shell/')
    fi ;;
esac
# shellcheck disable=SC2086 - a list of packages
DEBIAN_FRONTEND=noninteractive $sudo apt-get install -y -qq --no-install-recommends $missing
