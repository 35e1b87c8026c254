"""Recuerda que alguna vez falló."""
import os
import sys
import urllib.request

MARCA = "/tmp/enfermo"
try:
    urllib.request.urlopen("http://127.0.0.1:8000/health", timeout=2)
except OSError as error:
    open(MARCA, "w").close()
    print(error)
if os.path.exists(MARCA):
    print("esta app ya falló")
    sys.exit(1)
