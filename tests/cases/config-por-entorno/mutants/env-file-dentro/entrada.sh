set -a
. /app/valores.env
set +a
exec python -m app.main
