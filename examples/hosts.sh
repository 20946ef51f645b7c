#!/bin/sh
# One GoogleTest program's tests spread over several hosts, by its sharding:
# `sh hosts.sh PORTPOOL HOSTS PROGRAM`. A network of its own stands for each host: its ports and its
# leases are its own, so no host needs to know of the others. All hosts choose from the same few
# ports, at the same time.
set -eu
portpool=$1 hosts=$2 program=$3
if ! "$portpool" isolate -- true; then
  echo "skipped: a host of this test is a network of its own"
  exit 77
fi
logs=$(mktemp -d)
trap 'rm -r "$logs"' EXIT

export PORTPOOL_PORTS=20000-20019 PORTPOOL_LEAKS=fail PORTPOOL_VERBOSE=1
pids=
host=0
while [ $host -lt "$hosts" ]; do
  GTEST_TOTAL_SHARDS=$hosts GTEST_SHARD_INDEX=$host \
    "$portpool" isolate -- "$program" >"$logs/$host" 2>&1 &
  pids="$pids $!"
  host=$((host + 1))
done

status=0
for pid in $pids; do
  wait "$pid" || status=1
done
for log in "$logs"/*; do
  echo "host ${log##*/}: $(grep -c '^\[       OK \]' "$log") tests," \
    "$(grep -c 'handed out$' "$log") ports handed out, of 20"
done
[ $status = 0 ] || cat "$logs"/*
ran=$(cat "$logs"/* | grep -c '^\[       OK \]')
all=$("$program" --gtest_list_tests | grep -c '^  ')
echo "$ran of $all tests ran"
[ "$ran" = "$all" ] || status=1
exit $status
