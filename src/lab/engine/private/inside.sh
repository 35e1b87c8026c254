# Runs as the first process of a private engine's namespaces, as real root, and makes them its own:
#   $1  its folder under /run/muelle, the same path inside and outside
#   $2  the data root, when it is a folder (then the end of standard input is the order to end); empty when it is the
#       new disk at `$1/disk`
#   $3  the store whose images it sees, read-only; empty for none
#   $4  the first of the 65536 user ids that its containers' ids become
#   $5  its hierarchies of control groups, separated by spaces: `/`, or the controllers of each (version 1)
#   $6  what to write there, lines of `file value`
# then options for dockerd. Standard error is a lock: whoever holds it, holds the store.
set -eu
state=$1 data=$2 store=$3 first=$4 hierarchies=$5 settings=$6
shift 6
exec 3<&0 4>&2 2>&1
umask 022

# From the group that is the root of our view of them into the engine's. The limits of the whole are above that view.
echo "$settings" | while read -r file value; do echo "$value" >"$file"; done

# The tree: /usr, and what is needed to run what is there.
tree=$state/tree
mount -n -t tmpfs -o mode=755,size=16m,nr_inodes=8k muelle "$tree"
cd "$tree"
mkdir -p usr etc proc sys dev run tmp data store old
mount -n --bind /usr usr
mount -n -o remount,bind,ro usr
for name in bin sbin lib lib32 lib64 libx32; do
  if [ -L "/$name" ]; then
    cp -a "/$name" .
  elif [ -d "/$name" ]; then
    mkdir "$name"
    mount -n --bind "/$name" "$name"
    mount -n -o remount,bind,ro "$name"
  fi
done
printf 'root:x:0:0:root:/root:/bin/sh\nmuelle:x:%s:%s::/:/bin/false\n' "$first" "$first" >etc/passwd
printf 'root:x:0:\nmuelle:x:%s:\n' "$first" >etc/group
printf 'muelle:%s:65536\n' "$first" >etc/subuid
cp etc/subuid etc/subgid
printf '127.0.0.1 localhost\n' >etc/hosts
# Nobody answers there, which is told at once: a name that cannot be found should not take ten seconds.
printf 'nameserver 172.17.0.1\noptions timeout:1 attempts:1\n' >etc/resolv.conf
for name in alternatives ld.so.cache; do
  if [ -e "/etc/$name" ]; then cp -a "/etc/$name" etc/; fi
done

mount -n -t tmpfs -o mode=755,size=64k muelle dev
for name in null zero full random urandom tty; do
  : >"dev/$name"
  mount -n --bind "/dev/$name" "dev/$name"
done
mkdir dev/pts dev/shm dev/mqueue
mount -n -t devpts -o newinstance,ptmxmode=0666,mode=0620 devpts dev/pts
ln -s pts/ptmx dev/ptmx
ln -s /proc/self/fd dev/fd
mount -n -t proc -o nosuid,nodev,noexec proc proc
mount -n -t sysfs -o nosuid,nodev,noexec sysfs sys
if [ "$hierarchies" = / ]; then
  mount -n -t cgroup2 cgroup sys/fs/cgroup
else
  mount -n -t tmpfs -o mode=755,size=64k muelle sys/fs/cgroup
  for hierarchy in $hierarchies; do
    mkdir "sys/fs/cgroup/${hierarchy#name=}"
    case $hierarchy in name=*) options=none,$hierarchy ;; *) options=$hierarchy ;; esac
    mount -n -t cgroup -o "$options" cgroup "sys/fs/cgroup/${hierarchy#name=}"
  done
fi
mount -n -t tmpfs -o mode=755,size=64m muelle run
mkdir -p run/lock "./$state/labs"
mkdir -p var && ln -s ../run var/run
mount -n -t tmpfs -o mode=1777,size=256m muelle tmp

if [ -n "$store" ]; then
  mount -n --bind "$store" store
  mount -n -o remount,bind,ro store
fi
if [ -z "$data" ]; then
  mount -n --bind "$state/disk" data
  if [ -n "$store" ]; then
    # What the engine writes about images is copied; their layers are shared.
    tar -xpf store/skeleton.tar -C data
    # Were this no mount yet, the engine would make it one, and hide those below it.
    mount -n --bind "data/$first.$first" "data/$first.$first"
    for layer in store/data/*/overlay2/*/diff; do
      if [ -d "$layer" ]; then mount -n --bind "$layer" "data/${layer#store/data/}"; fi
    done
  fi
else
  mount -n --bind "$data" data
fi
mkdir -p data/labs
mount -n --bind data/labs "./$state/labs"

# Whatever is asked of the engine, root in a container is not root: `userns_mode: host` ends here. (In a string of the
# configuration, the quotes would be escaped.)
mkdir opt opt/muelle
cat >opt/muelle/runc <<'END'
#!/bin/sh
bundle=
for word; do
  if [ "$bundle" = next ]; then
    grep -q '{"type":"user"' "$word/config.json" || { echo 'muelle: un contenedor sin espacio de usuarios no arranca' >&2; exit 1; }
    break
  fi
  if [ "$word" = --bundle ]; then bundle=next; fi
done
exec @RUNC@ "$@"
END
sed -i "s,@RUNC@,$(command -v runc)," opt/muelle/runc
chmod 755 opt/muelle/runc

hostname muelle
ip link set lo up
pivot_root . old
cd /
umount -n -l /old
rmdir /old

export HOME=/tmp PATH=/opt/muelle:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin TMPDIR=/tmp
exec </dev/null
if [ -z "$data" ]; then
  exec 3<&-
else
  { read -r _ <&3 || :; kill -TERM "$(cat /run/docker.pid)"; } &
  exec 3<&-
fi
echo '{"features":{"containerd-snapshotter":false}}' >/run/dockerd.json
# Whoever makes the engine complain without end fills no disk of the host's.
setpriv --bounding-set "-all,+chown,+dac_override,+fowner,+fsetid,+kill,+setgid,+setuid,+setpcap,+net_bind_service,\
+net_admin,+net_raw,+sys_chroot,+sys_ptrace,+sys_admin,+sys_resource,+mknod,+audit_write,+setfcap" \
  dockerd --config-file /run/dockerd.json --data-root /data --exec-root /run/docker --pidfile /run/docker.pid \
  --host "unix://$state/docker.sock" --group root --storage-driver overlay2 --userns-remap muelle \
  --cgroup-parent /work --exec-opt native.cgroupdriver=cgroupfs --bip 172.17.0.1/16 --userland-proxy=false \
  --log-opt max-size=10m --log-opt max-file=1 --log-level warn "$@" 2>&1 4>&- |
  { head -c 1048576; exec cat >/dev/null; }
