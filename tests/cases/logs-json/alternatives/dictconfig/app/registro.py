"""Con dictConfig, y la hora que pone un filtro."""
import json
import logging.config
import os
from datetime import datetime, timezone


class Json(logging.Formatter):
    def format(self, record):
        texto = super().format(record)
        mensaje, _, traza = texto.partition("\n")
        return json.dumps({"message": mensaje, "level": record.levelname, "trace": traza,
                           "timestamp": datetime.now(tz=timezone.utc).isoformat()}, ensure_ascii=False)


def configurar():
    logging.config.dictConfig({
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"json": {"()": Json}},
        "handlers": {"salida": {"class": "logging.StreamHandler", "formatter": "json"}},
        "root": {"handlers": ["salida"], "level": os.environ.get("LOG_LEVEL", "INFO")},
    })
