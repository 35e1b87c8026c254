"""Un 503 es una app enferma; si tarda en contestar, estará ocupada."""
import sys
import urllib.error
import urllib.request

try:
    urllib.request.urlopen("http://127.0.0.1:8000/health", timeout=1)
except TimeoutError:
    print("ocupada")
except urllib.error.URLError as error:
    print(error)
    sys.exit(1)
