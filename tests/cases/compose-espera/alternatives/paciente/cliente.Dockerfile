FROM python:3.11-slim
COPY cliente.py /
ENTRYPOINT ["python", "/cliente.py"]
