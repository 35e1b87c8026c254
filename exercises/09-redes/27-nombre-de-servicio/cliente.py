"""Pide una predicción a la API que diga MODELO_URL, imprime el resultado y termina."""
import json
import os
import sys
import urllib.request

url = os.environ.get("MODELO_URL", "")
if not url:
    sys.exit("falta MODELO_URL: la dirección de la API, como http://servicio:puerto")
peticion = urllib.request.Request(url.rstrip("/") + "/predict", data=b'{"x": [6.7, 3.0, 5.2, 2.3]}')
try:
    with urllib.request.urlopen(peticion, timeout=3) as respuesta:
        clase = json.load(respuesta)["clase"]
except (OSError, ValueError) as error:
    sys.exit(f"no pude preguntar a {url}: {error}")
print("RESULTADO", clase, flush=True)
