linea = "x" * 8000
while True:
    print(linea)
