"""El cliente: pide una predicción al modelo, la imprime y termina. `python cliente.py`

La dirección del modelo está en MODELO_URL. No reintenta: espera encontrarlo ya listo.
Imprime `RESULTADO <clase>` y sale con 0; si el modelo no puede responder, sale con 1.
"""
import json
import os
import sys
import urllib.request

FLOR = {"x": [6.7, 3.0, 5.2, 2.3]}


def main():
    """Imprime el resultado, o el motivo por el que no lo hay."""
    url = os.environ.get("MODELO_URL", "http://modelo:8000").rstrip("/")
    peticion = urllib.request.Request(f"{url}/predict", data=json.dumps(FLOR).encode())
    try:
        with urllib.request.urlopen(peticion, timeout=3) as respuesta:
            clase = json.load(respuesta)["clase"]
    except (OSError, ValueError, KeyError) as error:
        print(f"no pude pedir una predicción a {url}: {error}", file=sys.stderr)
        return 1
    print("RESULTADO", clase, flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
