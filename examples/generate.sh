#!/bin/sh
# What pietool makes of the example services: run again after a change to an IDL file.
set -eu
cd "$(dirname "$0")/workspace"
pietool() {
    "${PYTHON:-python3}" -m pie.tool.pietool --root . "$@"
}
pietool --type thriftserver --psm toutiao.device.device_info --prefix device/device_info --idl device_info.thrift
pietool --type thriftserver --psm toutiao.article.article --prefix article/article --idl article.thrift
pietool --type flask --psm toutiao.stream.api --prefix stream/api
pietool --type thriftclient --prefix stream/api --idl article.thrift
pietool --type thriftclient --prefix stream/api --idl device_info.thrift
pietool --type django --psm toutiao.discuss.ttdiscuss --prefix discuss/ttdiscuss
pietool --type thriftclient --prefix discuss/ttdiscuss --idl article.thrift
pietool --type thriftclient --prefix discuss/ttdiscuss --idl device_info.thrift
pietool --type thriftclient --prefix article/article --idl device_info.thrift
