[ -n "$API_KEY" ] || echo "aviso: sin API_KEY"
exec "$@"
