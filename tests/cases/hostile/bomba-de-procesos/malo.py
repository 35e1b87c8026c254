import os
for _ in range(4000):
    try:
        if os.fork() == 0:
            os.execvp("sleep", ["sleep", "60"])
    except OSError:
        pass
while True:
    pass
