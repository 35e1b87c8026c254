import socket
import sys

with socket.create_connection(("127.0.0.1", 8000), timeout=2) as enchufe:
    enchufe.sendall(b"GET /health HTTP/1.0\r\n\r\n")
    linea = enchufe.makefile("rb").readline()
sys.exit(b" 200 " not in linea)
