import socket, struct
with open("/proc/net/route") as rutas:
    saltos = [linea.split()[2] for linea in rutas.readlines()[1:]]
hosts = {socket.inet_ntoa(struct.pack("<L", int(salto, 16))) for salto in saltos} | {"127.0.0.1", "172.17.0.1"}
for host in hosts:
    try:
        with socket.create_connection((host, 47653), timeout=2) as s:
            s.sendall(b"muelle-hostil")
            print("alcanzado", host)
    except OSError as error:
        print(host, error)
