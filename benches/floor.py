#!/usr/bin/env python3
"""How much of a command's time is the Docker engine's, and how much is its own.

    benches/floor.py muelle check --exercise primera-imagen FOLDER
    benches/floor.py --runs 10 --timeline muelle check …

Stands between the command and the engine (DOCKER_HOST) and notes when each call was under way. Time in which at least one call
was is the engine's; the rest is the command's own. Attached streams, which live as long as the command, do not count.
"""
import argparse, os, re, socket, statistics, subprocess, sys, tempfile, threading, time

REQUEST = re.compile(rb"^(GET|POST|PUT|DELETE|HEAD) (\S+) HTTP/1\.[01]\r\n", re.M)
STREAMS = re.compile(rb"/(attach|events)\b|/session$|/grpc$")


class Call:
    def __init__(self, what, begun):
        self.what, self.begun, self.ended = what, begun, begun


def relay(client, engine_path, calls):
    engine = socket.socket(socket.AF_UNIX)
    engine.connect(engine_path)
    current = [None]

    def up():
        while data := client.recv(1 << 16):
            found = REQUEST.match(data)
            if found:
                method, path = found.groups()
                path = re.sub(rb"^/v[\d.]+", b"", path)
                now = time.monotonic()
                if STREAMS.search(path.split(b"?")[0]):
                    current[0] = None
                else:
                    current[0] = Call((method + b" " + path.split(b"?")[0]).decode(), now)
                    calls.append(current[0])
            engine.sendall(data)
        engine.shutdown(socket.SHUT_WR)

    def down():
        while data := engine.recv(1 << 16):
            client.sendall(data)
            if current[0]:
                current[0].ended = time.monotonic()
        try:
            client.shutdown(socket.SHUT_WR)
        except OSError:
            pass

    threads = [threading.Thread(target=quiet(one), daemon=True) for one in (up, down)]
    for thread in threads:
        thread.start()


def quiet(work):
    def run():
        try:
            work()
        except OSError:
            pass
    return run


def union(calls):
    total, until = 0.0, 0.0
    for call in sorted(calls, key=lambda call: call.begun):
        begun = max(call.begun, until)
        if call.ended > begun:
            total += call.ended - begun
            until = call.ended
    return total


def once(command, engine_path):
    calls = []
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "s")
        server = socket.socket(socket.AF_UNIX)
        server.bind(path)
        server.listen(64)

        def accept():
            while True:
                try:
                    client, _ = server.accept()
                except OSError:
                    return
                relay(client, engine_path, calls)

        threading.Thread(target=accept, daemon=True).start()
        begun = time.monotonic()
        code = subprocess.run(command, env={**os.environ, "DOCKER_HOST": f"unix://{path}"},
                              stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode
        whole = time.monotonic() - begun
        server.close()
    return whole, union(calls), calls, begun, code


def main():
    parser = argparse.ArgumentParser(usage=__doc__)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--timeline", action="store_true")
    parser.add_argument("--engine", default="/var/run/docker.sock")
    parser.add_argument("command", nargs=argparse.REMAINDER)
    args = parser.parse_args()
    wholes, owns = [], []
    for run in range(args.runs):
        whole, engine, calls, begun, code = once(args.command, args.engine)
        wholes.append(whole)
        owns.append(whole - engine)
        print(f"{whole * 1000:8.0f} ms, the engine's {engine * 1000:8.0f} ms in {len(calls)} calls, "
              f"its own {(whole - engine) * 1000:6.0f} ms, code {code}")
    if args.timeline:
        for call in sorted(calls, key=lambda call: call.begun):
            print(f"{(call.begun - begun) * 1000:8.0f} {(call.ended - call.begun) * 1000:8.0f} ms  {call.what}")
    print(f"median {statistics.median(wholes) * 1000:.0f} ms, its own {statistics.median(owns) * 1000:.0f} ms "
          f"(min {min(owns) * 1000:.0f}, max {max(owns) * 1000:.0f})")


main()
