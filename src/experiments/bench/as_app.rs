//! What a witness needs to try something as the app itself would: Python that becomes each of its users.

/// Defines `as_each(work)`: in the watched container's own file system, as each user that a process of it has, with its
/// groups, runs `work(uid)` and prints what it gives, one JSON text a line. Ends with an error when it cannot.
pub const AS_EACH: &str = r#"
import json, os, sys
def as_each(work):
    identities = {}
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            status = dict(line.split(":", 1) for line in open(f"/proc/{pid}/status") if ":" in line)
        except OSError:
            continue
        if int(pid) != os.getpid() and status["State"].split()[0] != "Z":
            ids = [int(status[key].split()[1]) for key in ("Uid", "Gid")]
            identities[(*ids, *map(int, status["Groups"].split()))] = pid
    for (uid, gid, *groups), pid in identities.items():
        reader, writer = os.pipe()
        if os.fork() == 0:
            os.chroot(f"/proc/{pid}/root")
            os.chdir("/")
            os.setgroups(groups)
            os.setresgid(gid, gid, gid)
            os.setresuid(uid, uid, uid)
            with os.fdopen(writer, "w") as out:
                out.write(json.dumps(work(uid)))
            os._exit(0)
        os.close(writer)
        told = os.fdopen(reader).read()
        if os.wait()[1] != 0 or not told:
            sys.exit(f"no pude ser el usuario {uid}:{gid}")
        print(told)
    if not identities:
        sys.exit("no queda ningún proceso")
"#;
