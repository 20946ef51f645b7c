#!/bin/sh
# A test in shell that portpool runs: `portpool exec -n 2 -- sh exec_test.sh TALK`. It uses two ports.
set -eu
talk=$1
for port in "$PORT0" "$PORT1"; do
  ready=$(mktemp -u)
  mkfifo "$ready"
  "$talk" serve "$port" "shell $$ $port" >"$ready" &
  servers="${servers-} $!"
  read -r line <"$ready"
  rm "$ready"
done
trap 'kill $servers' EXIT
for round in 1 2 3 4 5; do
  "$talk" expect "$PORT0" "shell $$ $PORT0"
  "$talk" expect "$PORT1" "shell $$ $PORT1"
done
