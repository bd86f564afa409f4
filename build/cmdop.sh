#!/bin/sh
# `cmdop` of the packaged app: link it into a folder of your PATH.
resources=$(dirname "$(dirname "$(readlink -f "$0")")")
exec "$resources/node/node" "$resources/dist/cmdop.mjs" "$@"
