#!/bin/sh
# tests/wine.sh PROGRAM ARGUMENT...: runs a Windows program in Wine, with a registry of the build's own.
set -eu
folder=$(cd "$(dirname "$0")/.." && pwd)/build/wine
export WINEPREFIX="$folder/prefix" WINEDEBUG=-all WINEDLLOVERRIDES=mscoree,mshtml,winedbg.exe= # asks for nothing
wine=/usr/lib/wine/wine64
[ -x $wine ] || wine=$(command -v wine64 || command -v wine)

if [ ! -e "$folder/ready" ]; then
  mkdir -p "$folder"
  (
    flock 9
    [ ! -e "$folder/ready" ] || exit 0
    $wine wineboot --init >/dev/null 2>&1 9>&-
    # Sockets in Wine are the kernel's, and so are their ephemeral ports. Wine's netsh says nothing.
    last=$(cut -f 2 /proc/sys/net/ipv4/ip_local_port_range)
    $wine reg add 'HKLM\SYSTEM\CurrentControlSet\Services\Tcpip\Parameters' \
      /v MaxUserPort /t REG_DWORD /d "$last" /f >/dev/null 2>&1 9>&-
    touch "$folder/ready"
  ) 9>"$folder/lock"
fi
# What Wine starts for itself and leaves running gets none of the program's streams, on which others wait.
$wine cmd /c exit </dev/null >/dev/null 2>&1
exec $wine "$@"
