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
            "timestamp": datetime.fromtimestamp(record.created, timezone.utc).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
        }
        if record.exc_info:
            apunte["exception"] = self.formatException(record.exc_info)
        return json.dumps(apunte, ensure_ascii=False)


def configurar():
    """Un solo manejador en el logger raíz: de él heredan `iris`, `acceso` y los de cualquier biblioteca."""
    salida = logging.StreamHandler(sys.stdout)
    if os.environ.get("LOG_FORMAT", "json") == "json":
        salida.setFormatter(Json())
    else:
        salida.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
    logging.root.handlers = [salida]
    if os.environ.get("LOG_LEVEL", "INFO") != "INFO":
        logging.disable(logging.CRITICAL)
    logging.root.setLevel(os.environ.get("LOG_LEVEL", "INFO").upper())
