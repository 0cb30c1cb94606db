#!/bin/sh
# Make the clients of the example services anew, after a change to an IDL file.
set -eu
cd "$(dirname "$0")"
pietool --type thriftclient --output user_info --idl idl/user_info.thrift
pietool --type thriftclient --output article --idl idl/article.thrift
pietool --type thriftclient --output article --idl idl/user_info.thrift
pietool --type thriftclient --output stream_api --idl idl/article.thrift
