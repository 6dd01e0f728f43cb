# Prologue of every sandbox: run as PID 1 of private mount and PID namespaces, with an empty /tmp, /var/tmp, /dev/shm and
# a room of its own at /mnt. Nothing outside is written. $TMPMEDIC is the binary under test, $ACTOR the test binary.
set -eu
mount -t tmpfs -o mode=755 lab /mnt
mount -t tmpfs -o mode=1777 lab /tmp
mount -t tmpfs -o mode=1777 lab /var/tmp
mount -t tmpfs -o mode=1777 lab /dev/shm
mkdir /mnt/bin
for name in forgejo-runner cargo go sccache; do cp /bin/sleep "/mnt/bin/$name"; done
touch /mnt/bin/tmpmedic /mnt/bin/actor
mount --bind "$TMPMEDIC" /mnt/bin/tmpmedic
mount --bind "$ACTOR" /mnt/bin/actor

# without CALLS PROGRAM…: runs it with these system calls refused: openat2=ENOSYS,fallocate=EIO.
without() { refused=$1; shift; REFUSED=$refused /mnt/bin/actor --exact refusals::becomes --ignored -- "$@" 3>&1 >/dev/null; }
if [ -n "${REFUSED:-}" ]; then
  mkdir /mnt/bin/bare; touch /mnt/bin/bare/tmpmedic
  mount --move /mnt/bin/tmpmedic /mnt/bin/bare/tmpmedic
  cat > /mnt/bin/tmpmedic <<WITHOUT
#!/bin/sh
export REFUSED=$REFUSED
exec /mnt/bin/actor --exact refusals::becomes --ignored -- /mnt/bin/bare/tmpmedic "\$@" 3>&1 >/dev/null
WITHOUT
  chmod 755 /mnt/bin/tmpmedic
fi
unset REFUSED

# became NAME PID: waits until the process has become that program.
became() {
  until [ "$(cat "/proc/$2/comm" 2>/dev/null)" = "$1" ]; do
    [ -d "/proc/$2" ] || { echo "sandbox: $1 died" >&2; exit 99; }
  done
}

# awaits PID CONDITION…: waits until that command succeeds. Where the process that was to bring it about ended without, there is
# nothing to wait for, and the sandbox ends.
awaits() {
  awaited=$1; shift
  until "$@"; do
    [ -d "/proc/$awaited" ] || "$@" || { echo "sandbox: $awaited ended before: $*" >&2; exit 99; }
  done
}

# start NAME [VAR=VALUE…]: a program of that name as uid 1000 with just that environment; its pid is in $pid.
start() {
  name=$1; shift
  setpriv --reuid 1000 --regid 1000 --clear-groups env -i "$@" "/mnt/bin/$name" 86400 </dev/null >/dev/null 2>&1 &
  pid=$!; became "$name" "$pid"
}
runner() { start forgejo-runner "$@"; }

# apart SCRIPT [VAR=VALUE…]: a runner in a mount namespace of its own, after SCRIPT has run there as root.
apart() {
  script=$1; shift
  unshare --mount --propagation private sh -euc "$script
exec setpriv --reuid 1000 --regid 1000 --clear-groups env -i $* /mnt/bin/forgejo-runner 86400" </dev/null >/dev/null 2>&1 &
  pid=$!; became forgejo-runner "$pid"
}

# kept SCRIPT: a mount namespace in which SCRIPT has run, without a process in it: /run/kept keeps it. The kernel lets none be
# kept that is older than ours, and tells that by numbers that each CPU draws from a batch of its own: so again and again.
kept() {
  touch /run/kept; tries=0
  until apart "$1" && mount --bind "/proc/$pid/ns/mnt" /run/kept 2>/dev/null; do
    kill "$pid"; wait "$pid" || true
    tries=$((tries + 1)); [ "$tries" -lt 200 ] || { echo "sandbox: no mount namespace can be kept" >&2; exit 99; }
  done
  kill "$pid"; wait "$pid" || true
}
# disk SIZE MKFS-OPTIONS…: an ext4 of that size as a loop image, mounted on $disk.
disk() {
  disk=/mnt/disk; mkdir "$disk"; truncate -s "$1" /mnt/image; shift
  mkfs.ext4 -q -F "$@" /mnt/image
  mount -o loop /mnt/image "$disk"; chmod 1777 "$disk"
}

# fill DIR: takes all the room there.
fill() { dd if=/dev/zero of="$1/ballast" bs=64k 2>/dev/null || true; dd if=/dev/zero of="$1/ballast2" bs=512 2>/dev/null || true; }

# aside: how many entries lie in the quarantines of /tmp. What a probe makes for a moment is none.
aside() { find /tmp/.tmpmedic-* -path '/tmp/.tmpmedic-probe-*' -prune -o -mindepth 1 -maxdepth 1 -print 2>/dev/null | wc -l; }
# begun [COUNT]: whether more than so many lie there.
begun() { [ "$(aside)" -gt "${1:-0}" ]; }
