"""El informe: pide una predicción a la API, la imprime y termina. `python -m app.informe`

La dirección de la API está en MODELO_URL. No reintenta: espera encontrar la API ya lista.
Imprime `RESULTADO <clase>` y sale con 0; si la API no puede responder, sale con 1.
"""
import json
import os
import sys
import urllib.error
import urllib.request

FLOR = {"x": [6.7, 3.0, 5.2, 2.3]}


def pedir_clase(url):
    """La clase que la API de `url` da a FLOR."""
    peticion = urllib.request.Request(f"{url}/predict", data=json.dumps(FLOR).encode())
    with urllib.request.urlopen(peticion, timeout=3) as respuesta:
        return json.load(respuesta)["clase"]


def main():
    """Imprime el resultado, o el motivo por el que no lo hay."""
    url = os.environ.get("MODELO_URL", "http://api:8000").rstrip("/")
    try:
        clase = pedir_clase(url)
    except urllib.error.HTTPError as error:
        motivo = error.read(500).decode(errors="replace")
        print(f"la API de {url} respondió {error.code}: {motivo}", file=sys.stderr)
        return 1
    except (OSError, ValueError, KeyError) as error:
        print(f"no pude pedir una predicción a {url}: {error}", file=sys.stderr)
        return 1
    print("RESULTADO", clase, flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
