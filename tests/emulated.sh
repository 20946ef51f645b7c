#!/bin/sh
# Runs a command that may start programs for Arm64, in qemu-user: in namespaces of its own, where the
# kernel learns how to run them, so that the machine stays as it is. Only root can.
# emulated.sh COMMAND [ARGUMENT...]
set -eu
unshare --user --mount sleep infinity &
inside=$!
trap 'kill $inside' EXIT
while [ /proc/$inside/ns/user -ef /proc/self/ns/user ]; do sleep 0.1; done
for kind in uid gid; do # all users and groups are there as they are here
  echo 0 0 4294967295 >/proc/$inside/${kind}_map
done
nsenter --target $inside --user --mount --setuid 0 --setgid 0 -- sh -euc '
  mount -t binfmt_misc none /proc/sys/fs/binfmt_misc
  cat /usr/lib/binfmt.d/qemu-aarch64.conf >/proc/sys/fs/binfmt_misc/register
  cd "$0"
  QEMU_LD_PREFIX=/usr/aarch64-linux-gnu exec "$@"
' "$PWD" "$@"
