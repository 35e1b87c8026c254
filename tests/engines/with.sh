#!/usr/bin/env bash
# with.sh SUITE COMMAND…: runs COMMAND where the only Docker Engine is the one of a Debian suite, never installed:
# `bookworm` 20.10, `trixie` 26.1, `sid` 28.5 or later. Needs Linux, root, and a Docker Engine of the machine's to stand
# before. COMMAND finds no engine and so starts a private one, in network and process namespaces of its own;
# everything is gone when it ends.
#
#   DOCKER_MIN_API_VERSION=1.44 tests/engines/with.sh sid cargo test --locked --test cases    # as Docker 29 refuses old clients
#   ENGINE_OPTIONS=--feature=containerd-snapshotter=true tests/engines/with.sh sid …
#   ENGINE_DEBS=FOLDER    packages that are there already (or are kept there)
set -euo pipefail
suite=$1
shift
work=$(mktemp -d /var/tmp/muelle-engine-XXXXXX)
trap 'rm -rf "$work"' EXIT
debs=${ENGINE_DEBS:-$work/debs}
mkdir -p "$debs" "$work/lists/partial" "$work/cache/archives/partial"
if ! ls "$debs"/docker.io_*.deb "$debs"/containerd_*.deb >/dev/null 2>&1; then
  echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] http://deb.debian.org/debian $suite main" >"$work/sources.list"
  options=(-qq -o "Dir::Etc::sourcelist=$work/sources.list" -o Dir::Etc::sourceparts=- -o "Dir::State::lists=$work/lists"
    -o "Dir::Cache=$work/cache" -o APT::Sandbox::User=root -o Acquire::Languages=none)
  apt-get "${options[@]}" update
  (cd "$debs" && apt-get "${options[@]}" download docker.io containerd)
fi
for deb in "$debs"/docker.io_*.deb "$debs"/containerd_*.deb; do dpkg -x "$deb" "$work/root"; done
mv "$work/root/usr/sbin/dockerd" "$work/root/usr/sbin/dockerd.real"
printf '#!/bin/sh\nexec "%s" %s "$@"\n' "$work/root/usr/sbin/dockerd.real" "${ENGINE_OPTIONS:-}" >"$work/root/usr/sbin/dockerd"
chmod 755 "$work/root/usr/sbin/dockerd"

# runc stays the machine's: it asks for a C library as new as itself.
export ENGINE_ROOT=$work/root
export MUELLE_HOME=$work/home
unset DOCKER_HOST DOCKER_CONTEXT
unshare --mount --propagation private -- bash -euc '
  for name in dockerd containerd containerd-shim-runc-v2 docker-proxy docker-init; do
    new=$(find "$ENGINE_ROOT"/usr/*bin "$ENGINE_ROOT"/usr/libexec -name "$name" -type f -perm -1 2>/dev/null | head -n 1)
    old=$(command -v "$name" || :)
    if [ -z "$old" ] && [ "$name" = dockerd ]; then echo "with.sh: no dockerd here to stand before" >&2; exit 1; fi
    if [ -n "$new" ] && [ -n "$old" ]; then mount -n --bind "$new" "$(realpath "$old")"; fi
  done
  for socket in /run/docker.sock /run/podman/podman.sock; do
    if [ -e "$socket" ]; then mount -n --bind /dev/null "$socket"; fi
  done
  if [ -d /run/systemd ]; then mount -n -t tmpfs none /run/systemd; fi
  exec "$@"' with "$@"
