trozos = []
while True:
    trozos.append(b"x" * (16 << 20))
