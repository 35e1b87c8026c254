: "${PORT:=8000}" "${LOG_LEVEL:=INFO}" "${APP_NAME:=Iris}"
export PORT LOG_LEVEL APP_NAME
exec python -m app.main
