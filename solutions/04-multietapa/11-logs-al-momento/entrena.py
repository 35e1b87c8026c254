"""Un entrenamiento de mentira: cien épocas de medio segundo."""
import os
import time

EXPERIMENTO = os.environ.get("EXPERIMENTO", "prueba")

for epoca in range(1, 101):
    print(f"{EXPERIMENTO}: época {epoca}")
    time.sleep(0.5)
