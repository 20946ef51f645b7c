#!/bin/sh
# A test in shell that asks for a port: `sh get_test.sh PORTPOOL TALK`. It is leased until the script
# ends.
set -eu
portpool=$1 talk=$2
PORT=$("$portpool" get)
ready=$(mktemp -u)
mkfifo "$ready"
"$talk" serve "$PORT" "shell $$" >"$ready" &
trap 'kill $!; rm "$ready"' EXIT
read -r line <"$ready"
for round in 1 2 3 4 5; do
  "$talk" expect "$PORT" "shell $$"
done
