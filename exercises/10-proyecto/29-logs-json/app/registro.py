"""El registro (log) de la aplicación. Este archivo es tuyo."""
import logging
import sys


class Json(logging.Formatter):
    """Escribe cada apunte como JSON… casi siempre."""

    def format(self, record):
        return '{"level": "%s", "message": "%s"}' % (record.levelname, record.getMessage())


def configurar():
    """La aplicación la llama al arrancar, antes de apuntar nada."""
    # Lo que la aplicación cuenta de sí misma.
    salida = logging.StreamHandler(sys.stdout)
    salida.setFormatter(Json())
    iris = logging.getLogger("iris")
    iris.handlers = [salida]
    iris.setLevel("INFO")

    # Una línea por cada petición.
    accesos = logging.StreamHandler()
    accesos.setFormatter(logging.Formatter("%(levelname)s: %(message)s"))
    acceso = logging.getLogger("acceso")
    acceso.handlers = [accesos]
    acceso.propagate = False
    acceso.setLevel("INFO")
