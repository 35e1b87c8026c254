"""Si tarda, seguro que solo está ocupada."""
import urllib.request

try:
    urllib.request.urlopen("http://127.0.0.1:8000/health", timeout=1)
except TimeoutError:
    pass
