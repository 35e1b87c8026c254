export PORT="${PORT:-8000}"
python -m app.main
