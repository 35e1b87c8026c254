"""Compila el modelo: `python herramientas/compilar.py SALIDA`, en la carpeta que tiene `fuentes/`.

Hace las veces de un compilador de verdad (gcc, Rust, CUDA…), que no cabría en un curso sin
red: instala su «cadena de herramientas», 64 MB en /opt/compilador, y escribe en SALIDA el
modelo compilado. La API solo necesita la SALIDA. Ni las herramientas ni las fuentes deben
viajar en la imagen final.
"""
import json
import sys
from pathlib import Path

FUENTE = Path("fuentes/modelo.src")
TALLER = Path("/opt/compilador")
MB = 1024 * 1024


def instalar_herramientas(origen):
    """Llena el taller con 64 MB que empiezan por una marca reconocible."""
    TALLER.mkdir(parents=True, exist_ok=True)
    marca = f"MUELLE-HERRAMIENTA {origen}\n".encode()
    with open(TALLER / "gcc-de-mentira", "wb") as archivo:
        archivo.write(marca)
        for _ in range(64):
            archivo.write(b"\x90" * MB)


def compilar(salida):
    """Escribe en `salida` el modelo compacto, sin los datos que solo sirven al compilar."""
    modelo = json.loads(FUENTE.read_text(encoding="utf-8"))
    instalar_herramientas(modelo.pop("_origen", ""))
    salida.parent.mkdir(parents=True, exist_ok=True)
    salida.write_text(json.dumps(modelo, ensure_ascii=False, separators=(",", ":")), encoding="utf-8")


def main():
    """Lee la orden y compila."""
    if len(sys.argv) != 2:
        print("uso: python herramientas/compilar.py SALIDA", file=sys.stderr)
        return 2
    if not FUENTE.is_file():
        print(f"no encuentro {FUENTE}: ejecútame en la carpeta que contiene fuentes/", file=sys.stderr)
        return 1
    salida = Path(sys.argv[1])
    compilar(salida)
    print(f"modelo compilado en {salida}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
