with open("/tmp/lleno", "wb") as lleno:
    for _ in range(1024):
        lleno.write(b"x" * (1 << 20))
import time
time.sleep(600)
