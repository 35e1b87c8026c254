"""Clasificador de Iris sin dependencias: una regresión logística guardada en un JSON."""
import json
import math


class Modelo:
    """Un modelo entrenado, leído de un archivo."""

    def __init__(self, ruta):
        """Lee el modelo de `ruta`.

        Lanza `OSError` si el archivo no se puede leer y `ValueError` si no contiene un modelo.
        """
        with open(ruta, encoding="utf-8") as archivo:
            datos = json.load(archivo)
        try:
            self.version = datos["version"]
            self.clases = list(datos["clases"])
            self.coef = [[float(c) for c in fila] for fila in datos["coef"]]
            self.intercepto = [float(b) for b in datos["intercepto"]]
        except (KeyError, TypeError, AttributeError) as error:
            raise ValueError(f"{ruta} no contiene un modelo de Iris: {error!r}") from error
        filas = len(self.clases)
        if not filas or len(self.coef) != filas or len(self.intercepto) != filas:
            raise ValueError(f"{ruta}: clases, coef e intercepto no tienen el mismo tamaño")
        if any(len(fila) != 4 for fila in self.coef):
            raise ValueError(f"{ruta}: cada fila de coef debe tener 4 números")

    def predecir(self, x):
        """Clasifica una flor: `x` son sus cuatro medidas en centímetros."""
        if len(x) != 4 or not all(isinstance(v, (int, float)) and math.isfinite(v) for v in x):
            raise ValueError("se esperan 4 números")
        puntos = [sum(c * v for c, v in zip(fila, x)) + b for fila, b in zip(self.coef, self.intercepto)]
        mayor = max(puntos)
        pesos = [math.exp(p - mayor) for p in puntos]
        total = sum(pesos)
        probabilidades = [p / total for p in pesos]
        ganadora = probabilidades.index(max(probabilidades))
        return {
            "clase": self.clases[ganadora],
            "probabilidades": {clase: round(p, 4) for clase, p in zip(self.clases, probabilidades)},
        }
