"""API de Iris con la biblioteca estándar. Todo se gobierna con variables de entorno.

Rutas: `GET /`, `/health`, `/config`, `/metrics`, `/historial`, `/falla` y `POST /predict`
con `{"x": [largo_sépalo, ancho_sépalo, largo_pétalo, ancho_pétalo]}`.

Variables: HOST, PORT, APP_NAME, APP_VERSION, DEBUG, LOG_LEVEL, LOG_FORMAT, MODEL_PATH,
HISTORIAL, API_KEY, API_KEY_FILE y CARGA_SEGUNDOS. AULA_CLAVE y AULA_INICIO son del
verificador del curso: abren la ruta `/_averia/…`, que sin ellas no existe.
"""
import hashlib
import hmac
import json
import logging
import os
import signal
import sys
import threading
import time
import uuid
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import unquote

from . import registro
from .modelo import Modelo

log = logging.getLogger("iris")

# Distinta en cada proceso: sirve para contar réplicas.
INSTANCIA = uuid.uuid4().hex[:8]
AVERIAS = ("500", "colgado")


class Estado:
    """Lo que la aplicación recuerda mientras vive."""

    modelo = None
    modelo_ilegible = False
    averia = None
    retenido = False
    despedida = ""
    peticiones = 0
    predicciones = 0
    rechazadas = 0
    candado = threading.Lock()

    @classmethod
    def modelo_listo(cls):
        """El modelo, o None mientras se carga (o mientras el verificador lo retiene)."""
        return None if cls.retenido else cls.modelo


def entorno(nombre, valor=""):
    """El valor de una variable de entorno, o `valor` si no está definida."""
    return os.environ.get(nombre, valor)


def clave_api():
    """La clave de la API: del archivo que diga API_KEY_FILE o, si no hay, de API_KEY."""
    ruta = entorno("API_KEY_FILE")
    if not ruta:
        return entorno("API_KEY")
    try:
        with open(ruta, encoding="utf-8") as archivo:
            return archivo.read().strip()
    except (OSError, ValueError) as error:
        log.error("no pude leer la clave de API_KEY_FILE=%s: %s", ruta, error)
        return ""


def version_utiles():
    """La versión de la dependencia `iris-utiles`, o None si no está instalada."""
    try:
        import iris_utiles
    except ImportError:
        return None
    return getattr(iris_utiles, "VERSION", None)


def anotar(prediccion):
    """Añade una predicción al archivo HISTORIAL, si hay uno."""
    ruta = entorno("HISTORIAL")
    if ruta:
        with Estado.candado, open(ruta, "a", encoding="utf-8") as archivo:
            archivo.write(json.dumps(prediccion, ensure_ascii=False) + "\n")


def contar_historial():
    """Cuántas predicciones hay en el archivo HISTORIAL."""
    ruta = entorno("HISTORIAL")
    if not ruta:
        return 0
    try:
        with open(ruta, encoding="utf-8") as archivo:
            return sum(1 for _ in archivo)
    except FileNotFoundError:
        return 0


def tragar(megas):
    """Ocupa memoria, hasta `megas` MB, y dice cuántos pudo ocupar antes de soltarlos."""
    bocados = []
    try:
        # Llenos, no a cero: la memoria que nadie escribe no ocupa nada.
        while len(bocados) < megas:
            bocados.append(b"x" * 2**20)
    except MemoryError:
        pass
    return len(bocados)


def config():
    """La configuración que la aplicación tiene de verdad, sin mostrar la clave."""
    modelo = Estado.modelo_listo()
    ruta_modelo = entorno("MODEL_PATH", "models/modelo.json")
    clave = clave_api()
    return {
        "app_name": entorno("APP_NAME", "iris-api"),
        "app_version": entorno("APP_VERSION", "0.0.0"),
        "debug": entorno("DEBUG", "false").lower() == "true",
        "host": entorno("HOST", "0.0.0.0"),
        "port": int(entorno("PORT", "8000")),
        "log_level": entorno("LOG_LEVEL", "INFO").upper(),
        "log_format": entorno("LOG_FORMAT", "text"),
        "model_path": ruta_modelo,
        "model_version": modelo.version if modelo else None,
        "api_key": "***" if clave else None,
        # La huella prueba *qué* clave llegó sin enseñarla.
        "api_key_huella": hashlib.sha256(clave.encode()).hexdigest()[:8] if clave else None,
        "uid": os.getuid() if hasattr(os, "getuid") else None,
        "pid": os.getpid(),
        "instancia": INSTANCIA,
        "codigo": os.path.dirname(os.path.abspath(__file__)),
        "modelo_ruta": os.path.abspath(ruta_modelo),
        "utiles": version_utiles(),
    }


def metricas():
    """Los contadores en el formato de texto de Prometheus."""
    contadores = (
        ("iris_peticiones_total", Estado.peticiones),
        ("iris_predicciones_total", Estado.predicciones),
        ("iris_predicciones_rechazadas_total", Estado.rechazadas),
    )
    return "".join(f"# TYPE {nombre} counter\n{nombre} {valor}\n" for nombre, valor in contadores)


def tropezar(motivo):
    """Falla siempre: así se ve cómo sale una excepción en el registro."""
    raise ValueError(motivo)


class Peticion(BaseHTTPRequestHandler):
    """Atiende una petición HTTP."""

    server_version = "iris/1"

    def log_message(self, formato, *argumentos):
        """Los accesos van al mismo registro que todo lo demás."""
        logging.getLogger("acceso").info(formato % argumentos)

    def enviar(self, codigo, cuerpo, tipo="application/json; charset=utf-8"):
        """Responde con un texto, o con cualquier otra cosa como JSON."""
        texto = cuerpo if isinstance(cuerpo, str) else json.dumps(cuerpo, ensure_ascii=False)
        datos = texto.encode()
        self.send_response(codigo)
        self.send_header("Content-Type", tipo)
        self.send_header("Content-Length", str(len(datos)))
        self.end_headers()
        self.wfile.write(datos)

    def do_GET(self):
        Estado.peticiones += 1
        ruta, _, consulta = self.path.partition("?")
        if ruta == "/":
            self.enviar(200, {"hola": entorno("APP_NAME", "iris-api")})
        elif ruta == "/health":
            if not self.enfermo():
                self.enviar(200, {"status": "ok", "instancia": INSTANCIA})
        elif ruta == "/config":
            self.enviar(200, config())
        elif ruta == "/metrics":
            self.enviar(200, metricas(), "text/plain; version=0.0.4")
        elif ruta == "/historial":
            try:
                self.enviar(200, {"n": contar_historial()})
            except PermissionError as error:
                log.error("no pude leer el historial: %s", error)
                self.enviar(500, {"error": str(error)})
        elif ruta == "/falla":
            # `/falla?motivo=…` falla por ese motivo.
            motivo = unquote(consulta.partition("motivo=")[2]) or "ñandú"
            try:
                tropezar(motivo)
            except ValueError:
                log.exception("petición fallida a propósito: %s", motivo)
            self.enviar(500, {"error": "a propósito"})
        else:
            self.enviar(404, {"error": "no existe"})

    def do_POST(self):
        Estado.peticiones += 1
        longitud = self.headers.get("Content-Length") or "0"
        cuerpo = self.rfile.read(min(int(longitud), 65536)) if longitud.isdigit() else b""
        if self.path == "/predict":
            self.predecir(cuerpo)
        elif self.path.startswith("/_averia/"):
            self.averiar(self.path.rsplit("/", 1)[1], cuerpo)
        else:
            self.enviar(404, {"error": "no existe"})

    def enfermo(self):
        """Si la aplicación no está en condiciones, responde 503 (o no responde) y devuelve True."""
        while Estado.averia == "colgado":
            time.sleep(0.2)
        sin_modelo = "el modelo no se pudo cargar" if Estado.modelo_ilegible else "modelo sin cargar"
        motivo = Estado.averia or (None if Estado.modelo_listo() else sin_modelo)
        if motivo:
            self.enviar(503, {"status": "enfermo", "motivo": motivo})
        return bool(motivo)

    def predecir(self, cuerpo):
        """POST /predict: clasifica una flor y lo apunta en el historial."""
        if self.enfermo():
            Estado.rechazadas += 1
            return
        try:
            resultado = Estado.modelo_listo().predecir(json.loads(cuerpo)["x"])
        except (ValueError, KeyError, TypeError, OverflowError) as error:
            self.enviar(422, {"error": str(error)})
            return
        Estado.predicciones += 1
        try:
            anotar(resultado)
        except OSError as error:
            log.error("no pude escribir el historial: %s", error)
            self.enviar(500, {"error": str(error)})
            return
        self.enviar(200, {**resultado, "instancia": INSTANCIA})

    def averiar(self, modo, cuerpo):
        """POST /_averia/{500|colgado|muere|sana|traga}: el interruptor con que el verificador la rompe."""
        clave = entorno("AULA_CLAVE").encode()
        recibida = self.headers.get("X-Aula", "").encode()
        conocido = modo in AVERIAS or modo in ("muere", "sana", "traga")
        if not clave or not conocido or not hmac.compare_digest(clave, recibida):
            self.enviar(404, {"error": "no existe"})
            return
        if modo == "muere":
            os._exit(3)
        if modo == "traga":
            self.enviar(200, {"tragado": tragar(int(cuerpo) if cuerpo.isdigit() else 0)})
            return
        if modo == "sana":
            Estado.retenido = False
        Estado.averia = modo if modo in AVERIAS else None
        Estado.despedida = self.headers.get("X-Aula-Despedida", Estado.despedida)
        log.warning("avería: %s", Estado.averia)
        self.enviar(200, {"averia": Estado.averia})


class Servidor(ThreadingHTTPServer):
    """Atiende cada petición en un hilo, y no espera a los hilos al cerrar."""

    daemon_threads = True

    def handle_error(self, request, client_address):
        """Lo que falla a mitad de una petición también va al registro, no suelto a la pantalla."""
        if isinstance(sys.exc_info()[1], ConnectionError):
            log.debug("el cliente %s se fue sin esperar la respuesta", client_address[0])
        else:
            log.exception("la petición de %s falló", client_address[0])


def cargar():
    """Carga el modelo; si no puede, lo dice y `/health` sigue respondiendo 503."""
    time.sleep(float(entorno("CARGA_SEGUNDOS", "0")))
    ruta = entorno("MODEL_PATH", "models/modelo.json")
    try:
        Estado.modelo = Modelo(ruta)
    except (OSError, ValueError) as error:
        Estado.modelo_ilegible = True
        log.error("no pude cargar el modelo: %s", error)
    else:
        log.info("modelo %s cargado de %s", Estado.modelo.version, ruta)


def main():
    """Arranca la API y la atiende hasta recibir SIGTERM o SIGINT."""
    registro.configurar()
    # Solo el verificador puede pedir que la aplicación se quede «cargando».
    Estado.retenido = bool(entorno("AULA_CLAVE")) and entorno("AULA_INICIO") == "cargando"

    puerto = entorno("PORT", "8000")
    if not puerto.isdigit() or not 0 < int(puerto) < 65536:
        log.error("PORT=%s no es un puerto: usa un número del 1 al 65535", puerto)
        return 2
    direccion = (entorno("HOST", "0.0.0.0"), int(puerto))
    servidor = Servidor(direccion, Peticion)

    def parar(numero, _):
        # Con la palabra que dejó el verificador se sabe que quien se despide es esta aplicación.
        log.info("recibí %s: cierro %s", signal.Signals(numero).name, Estado.despedida)
        # `shutdown` espera a que termine el bucle: desde este mismo hilo se quedaría bloqueado.
        threading.Thread(target=servidor.shutdown, daemon=True).start()

    signal.signal(signal.SIGTERM, parar)
    signal.signal(signal.SIGINT, parar)
    threading.Thread(target=cargar, daemon=True).start()
    log.info("escucho en %s:%s", *direccion)
    servidor.serve_forever(poll_interval=0.1)
    log.info("adiós")
    return 0


if __name__ == "__main__":
    sys.exit(main())
