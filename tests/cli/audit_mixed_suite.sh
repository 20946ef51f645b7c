#!/bin/sh
# The audit of the mixed suite names the port of its legacy program and nothing else:
# sh audit_mixed_suite.sh PORTPOOL CTEST SUITE
set -eu
portpool=$1 ctest=$2 suite=$3
if ! "$portpool" isolate -- true; then
  echo "skipped: the legacy program needs a network of its own"
  exit 77
fi
report=$(mktemp)
trap 'rm "$report"' EXIT
"$portpool" audit --output "$report" -- "$ctest" --test-dir "$suite" -j16 --output-on-failure
cat "$report"
test "$(awk '$2 == "tcp" || $2 == "udp" { print $1 }' "$report")" = 8080
