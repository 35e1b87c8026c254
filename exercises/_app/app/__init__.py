"""API de Iris: la aplicación que empaquetas en todo el curso. Solo usa la biblioteca estándar."""
