#!/bin/sh
# tests/wine.sh PROGRAM ARGUMENT...: runs a Windows program in a network and a Wine of its own, so that
# several can run side by side. Where the kernel refuses such networks, they run one after the other.
# Wine looks for the owner of each connection, TIME_WAIT among them, in all of its processes: with the
# connections and processes of all tests, that would take most of the time.
# tests/wine.sh --end: ends what is left of programs that were killed.
set -eu
root=$(cd "$(dirname "$0")/.." && pwd)
folder=$root/build/wine portpool=$root/build/test/cli/portpool
mkdir -p "$folder"
if [ -z "${WINE_NETWORK-}" ]; then
  if "$portpool" isolate -- true 2>/dev/null; then
    WINE_NETWORK=own exec "$portpool" isolate -- "$0" "$@"
  fi
  WINE_NETWORK=shared exec flock --close "$folder/network" "$0" "$@"
fi

wine=/usr/lib/wine/wine64 server=/usr/lib/wine/wineserver
[ -x $wine ] || wine=$(command -v wine64 || command -v wine)
[ -x $server ] || server=$(command -v wineserver)
export WINEDEBUG=-all WINEDLLOVERRIDES=mscoree,mshtml,winedbg.exe= # asks for nothing
# Where the kernel spreads addresses widely, it places one heap in some thousands where Wine has to
# place something else, and the program does not start.
if setarch --addr-no-randomize true 2>/dev/null; then
  wine="setarch --addr-no-randomize $wine"
fi

end() { # FOLDER
  WINEPREFIX=$1/prefix $server -k || true
  rm -rf "$1"
}
if [ "$1" = --end ]; then
  for run in "$folder"/run.*; do
    [ ! -e "$run" ] || end "$run"
  done
  exit
fi

if [ ! -e "$folder/ready" ]; then
  (
    flock 9
    [ ! -e "$folder/ready" ] || exit 0
    export WINEPREFIX="$folder/prefix"
    $wine wineboot --init >/dev/null 2>&1 9>&-
    # Sockets in Wine are the kernel's, and so are their ephemeral ports. Wine's netsh says nothing.
    last=$(cut -f 2 /proc/sys/net/ipv4/ip_local_port_range)
    $wine reg add 'HKLM\SYSTEM\CurrentControlSet\Services\Tcpip\Parameters' \
      /v MaxUserPort /t REG_DWORD /d "$last" /f >/dev/null 2>&1 9>&-
    $server -w # until it has written that
    touch "$folder/ready"
  ) 9>"$folder/lock"
fi
run=$(mktemp -d "$folder/run.XXXXXX")
trap 'end "$run"' EXIT
trap 'exit 1' HUP INT TERM
cp -al "$folder/prefix" "$run"
export WINEPREFIX="$run/prefix"
# What Wine starts for itself gets none of the program's streams, on which others wait.
$wine cmd /c exit </dev/null >/dev/null 2>&1
$wine "$@"
