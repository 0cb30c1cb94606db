#!/bin/sh
# What pip cannot bring, by apt. Tests that need a missing piece are skipped by name without it.
# PYTHON: the interpreter that Pie is built with, by default python3.
set -eu
python=${PYTHON:-python3}
missing=""
browser=chromium-headless-shell
command -v "$browser" >/dev/null 2>&1 || browser=chromium
for pair in $browser:chromium curl:curl pkill:procps redis-server:redis-server \
    etcd:etcd-server strace:strace \
    git:git openssl:openssl gcc:gcc g++:g++ thrift:thrift-compiler "$python:python3"; do
    command -v "${pair%%:*}" >/dev/null 2>&1 || missing="$missing ${pair##*:}"
done
[ -e /usr/include/thrift/Thrift.h ] || missing="$missing libthrift-dev"
[ -e /usr/include/stdlib.h ] || missing="$missing libc6-dev" # gcc only recommends it.
# Debian splits its Python; one from elsewhere has its headers and venv with it.
"$python" -c "import ensurepip" 2>/dev/null || missing="$missing python3-venv"
headers="import os, sys, sysconfig as s; sys.exit(not os.path.exists(s.get_path('include') + '/Python.h'))"
"$python" -c "$headers" 2>/dev/null || missing="$missing python3-dev"
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
