"""Pasa a la API cada conexión que llega."""
import asyncio


async def pasar(origen, destino):
    while datos := await origen.read(65536):
        destino.write(datos)
        await destino.drain()
    destino.close()


async def atender(lector, escritor):
    lector_api, escritor_api = await asyncio.open_connection("nucleo", 8000)
    await asyncio.gather(pasar(lector, escritor_api), pasar(lector_api, escritor))


async def main():
    async with await asyncio.start_server(atender, "0.0.0.0", 8000) as servidor:
        await servidor.serve_forever()


asyncio.run(main())
