"""El registro (log) de la aplicación: una línea, un objeto JSON."""
import json
import logging
import os
import sys
from datetime import datetime, timezone


class Json(logging.Formatter):
    """Escribe cada apunte como un objeto JSON en una sola línea."""

    def format(self, record):
        apunte = {
            # La hora del apunte, en UTC y diciéndolo: el contenedor puede estar en cualquier zona.
            "timestamp": datetime.fromtimestamp(record.created, timezone.utc).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
        }
        if record.exc_info:
            # La traza tiene varias líneas; dentro de una cadena JSON, sus saltos son «\n» y ocupa una sola.
            apunte["exception"] = self.formatException(record.exc_info)
        # json.dumps escapa comillas y saltos de línea; con % habría que acordarse de todos.
        # ensure_ascii=False: una ñ sale como ñ, y no como \u00f1.
        return json.dumps(apunte, ensure_ascii=False)


def configurar():
    """Un solo manejador en el logger raíz: de él heredan `iris`, `acceso` y los de cualquier biblioteca."""
    salida = logging.StreamHandler(sys.stdout)
    if os.environ.get("LOG_FORMAT", "json") == "json":
        salida.setFormatter(Json())
    else:
        salida.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
    logging.root.handlers = [salida]
    logging.root.setLevel(os.environ.get("LOG_LEVEL", "INFO").upper())
