"""Sale con 0 si la API responde que está sana, y con 1 en cualquier otro caso."""
import http.client
import os
import sys

try:
    conexion = http.client.HTTPConnection("127.0.0.1", int(os.environ.get("PORT", "8000")), timeout=2)
    conexion.request("GET", "/health")
    sys.exit(0 if conexion.getresponse().status == 200 else 1)
except OSError:
    sys.exit(1)
