"""JSON escrito en bytes, cada logger con su manejador."""
import json
import logging
import os
import sys
import time
import traceback


class Salida(logging.Handler):
    def emit(self, record):
        apunte = {
            "level": record.levelname.lower(),
            "timestamp": time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(record.created)) + "+00:00",
            "message": record.getMessage(),
            "hilo": record.thread,
        }
        if record.exc_info:
            pila = traceback.extract_tb(record.exc_info[2])
            apunte["excepcion"] = repr(record.exc_info[1])
            apunte["pila"] = [{"funcion": marco.name, "linea": marco.lineno} for marco in pila]
        sys.stderr.buffer.write(json.dumps(apunte, ensure_ascii=False).encode() + b"\n")
        sys.stderr.buffer.flush()


def configurar():
    salida = Salida()
    for nombre in ("iris", "acceso"):
        registro = logging.getLogger(nombre)
        registro.addHandler(salida)
        registro.propagate = False
        registro.setLevel(getattr(logging, os.environ.get("LOG_LEVEL", "INFO")))
