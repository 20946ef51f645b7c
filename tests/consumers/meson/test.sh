# usage: test.sh BUILD_FOLDER
set -e
rm -rf "$1"
meson setup "$1" "$(dirname "$0")"
meson test -C "$1" --print-errorlogs
