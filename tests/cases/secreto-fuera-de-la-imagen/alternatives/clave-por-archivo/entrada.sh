umask 077
printf %s "$API_KEY" > /tmp/clave
unset API_KEY
API_KEY_FILE=/tmp/clave exec python -m app.main
