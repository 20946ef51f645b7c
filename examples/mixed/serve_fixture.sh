#!/bin/sh
# Starts `portpool serve` before the tests in Python, and ends it after them:
# sh serve_fixture.sh start|stop PORTPOOL ADDRESS PIDFILE
set -eu
case $1 in
  start)
    ready=$4.ready
    rm -f "$ready"
    mkfifo "$ready"
    "$2" serve --address "$3" >"$ready" 2>"$4.log" </dev/null &
    echo $! >"$4"
    read -r line <"$ready"
    rm "$ready"
    echo "$line"
    ;;
  stop)
    kill "$(cat "$4")"
    rm "$4"
    ;;
esac
