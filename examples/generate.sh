#!/bin/sh
# Make the clients of the example services anew, after a change to an IDL file.
set -eu
cd "$(dirname "$0")"
pietool --type thriftclient --prefix user_info --idl idl/user_info.thrift
pietool --type thriftclient --prefix article --idl idl/article.thrift
pietool --type thriftclient --prefix article --idl idl/user_info.thrift
pietool --type thriftclient --prefix stream_api --idl idl/article.thrift
