#!/bin/sh
exec "$(dirname -- "$0")/countersign" send "$@"
