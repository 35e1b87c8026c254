"""Saluda: lee saludo.txt, que tiene que estar en la carpeta de trabajo, y lo imprime."""
with open("saludo.txt", encoding="utf-8") as archivo:
    print("hola,", archivo.read().strip())
