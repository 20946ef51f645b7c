# Packages the build at BUILD_FOLDER, and installs, runs and removes the package in a folder that
# stands for a machine. Of this machine it changes nothing.
# usage: deb.sh CPACK BUILD_FOLDER WORK_FOLDER
set -eux
rm -rf "$3"
mkdir -p "$3/bin" "$3/root/var/lib/dpkg/info" "$3/root/var/lib/dpkg/updates"
cd "$3"
"$1" -G DEB --config "$2/CPackConfig.cmake" -B .

touch root/var/lib/dpkg/status
ln -s /bin/true bin/ldconfig # which the package's scripts run
dpkg() {
  PATH="$PWD/bin:$PATH" fakeroot dpkg --root="$PWD/root" --log="$PWD/dpkg.log" \
    --force-depends,bad-path,script-chrootless "$@"
}
dpkg --install portpool_*.deb
dpkg --listfiles portpool >files
for file in bin/portpool include/portpool/portpool.hpp share/man/man1/portpool.1 \
  share/doc/portpool/LICENSE share/portpool/gtest_main.cpp; do
  grep -Fx "/usr/$file" files
done
for name in portpool.pc portpoolConfig.cmake libportpool_audit.so; do
  grep "^/usr/lib/.*/$name\$" files
done

root/usr/bin/portpool --version
root/usr/bin/portpool audit --output report -- true # with the library that it preloads
test -s report

dpkg --purge portpool
test ! -e root/usr
test -z "$(dpkg --get-selections)"
