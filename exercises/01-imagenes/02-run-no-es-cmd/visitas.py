"""Cuenta cuántas veces se ha ejecutado, y lo recuerda en /tmp/v."""
import os

CUENTA = "/tmp/v"

visitas = 1
if os.path.exists(CUENTA):
    with open(CUENTA, encoding="utf-8") as archivo:
        visitas = int(archivo.read()) + 1
with open(CUENTA, "w", encoding="utf-8") as archivo:
    archivo.write(str(visitas))
print("visitas", visitas, "semilla", os.environ.get("SEMILLA", "?"))
