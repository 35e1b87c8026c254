"""El registro (log) de la aplicación: siempre a la salida estándar, donde Docker lo recoge."""
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
            # La traza tiene varias líneas; dentro de una cadena JSON ocupa una sola.
            apunte["exception"] = self.formatException(record.exc_info)
        return json.dumps(apunte, ensure_ascii=False)


def configurar():
    """Prepara el registro según `LOG_LEVEL` (INFO) y `LOG_FORMAT` (`text` o `json`)."""
    salida = logging.StreamHandler(sys.stdout)
    if os.environ.get("LOG_FORMAT", "text") == "json":
        salida.setFormatter(Json())
    else:
        salida.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
    # Se configura el registro raíz: así pasan por aquí también los accesos y las excepciones.
    logging.root.handlers = [salida]

    nivel = os.environ.get("LOG_LEVEL", "INFO").upper()
    try:
        logging.root.setLevel(nivel)
    except ValueError:
        logging.root.setLevel("INFO")
        logging.getLogger("iris").warning("LOG_LEVEL=%s no es un nivel conocido: uso INFO", nivel)
