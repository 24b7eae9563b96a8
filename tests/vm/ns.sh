#!/usr/bin/env bash
# ns.sh ARCH COMMAND...: as root, runs COMMAND where programs of ARCH run too, by qemu-user-static. Where the machine
# itself does not do that already, COMMAND gets a user, mount and process namespace with a binfmt_misc of its
# own (Linux 6.7 or newer): nothing is registered on the machine. Owners 0 to 65535 keep their numbers.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)

inside=
if [ "${1:-}" = --inside ]; then
    inside=yes
    shift
fi
arch=$1
shift
# shellcheck source=tests/vm/arch.sh
. "$here/arch.sh"

if [ -n "$inside" ]; then
    read -r _ <&3 # The map of owners is written by now.
    exec 3<&-
    mount --make-rprivate /
    mount -t proc proc /proc
    mount -t binfmt_misc binfmt_misc /proc/sys/fs/binfmt_misc
    # ELF of this class and machine, little-endian, EXEC or DYN. O: opened by the kernel, C: owner's rights, F: at once.
    magic="\\x7fELF\\x$class\\x01\\x01\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x02\\x00\\x$machine\\x00"
    mask='\xff\xff\xff\xff\xff\xff\xff\x00\xff\xff\xff\xff\xff\xff\xff\xff\xfe\xff\xff\xff'
    printf '%s' ":$arch:M::$magic:$mask:/usr/bin/qemu-$qemu-static:OCF" >/proc/sys/fs/binfmt_misc/register
    exec "$@"
fi

[ ! -e "/proc/sys/fs/binfmt_misc/qemu-$qemu" ] || exec "$@"

pipe=$(mktemp -u)
mkfifo "$pipe"
exec 3<>"$pipe"
rm "$pipe"
unshare --user --mount --pid --fork --kill-child "$0" --inside "$arch" "$@" <&0 & # A job gets no input of its own accord.
outer=$!
mapped() {
    local inner
    inner=$(pgrep -P "$outer" | head -1)
    [ -n "$inner" ] && [ "$(readlink "/proc/$inner/ns/user")" != "$(readlink /proc/self/ns/user)" ] &&
        echo '0 0 65536' >"/proc/$inner/uid_map" && echo '0 0 65536' >"/proc/$inner/gid_map"
}
for _ in $(seq 100); do
    mapped 2>/dev/null && break
    sleep 0.1
done
echo go >&3
exec 3>&-
wait "$outer"
