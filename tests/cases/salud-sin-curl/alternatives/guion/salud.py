"""Sano si /health responde 200 en menos de dos segundos."""
import sys
import urllib.request

try:
    with urllib.request.urlopen("http://localhost:8000/health", timeout=2) as respuesta:
        sys.exit(0 if respuesta.status == 200 else 1)
except OSError as error:
    print(error)
    sys.exit(1)
