# MechaMap on a server with NVIDIA GPUs. Build it in a clone:   docker build -t mechamap .
# Scan:      docker run --rm -it --gpus all -v mechamap:/data -v ~/.cache/huggingface:/cache mechamap mechamap scan gpt2
# Explore:   docker run --rm -it --gpus all -v mechamap:/data -v ~/.cache/huggingface:/cache mechamap
# The driver of the host must be one for CUDA 12.6 or newer. Runs, logs and settings are in the volume at /data, models in
# the hub cache at /cache; /work is the folder for your own configs and texts: -v "$PWD":/work

FROM python:3.12-slim AS wheel
WORKDIR /source
COPY . .
RUN pip install --no-cache-dir build && python -m build --wheel --outdir /wheels .

FROM python:3.12-slim
# torch from PyPI brings the CUDA libraries that it was built with, so no image with CUDA in it is needed.
COPY --from=wheel /wheels /wheels
RUN pip install --no-cache-dir "$(ls /wheels/*.whl)[gguf,quantized,parquet,corpus,adapter]" && rm -r /wheels \
    && useradd --create-home --uid 1000 researcher && mkdir /data /cache /work \
    && chown researcher /data /cache /work
USER researcher
WORKDIR /work
ENV MECHAMAP_HOME=/data HF_HOME=/cache LC_ALL=C.UTF-8 TERM=xterm-256color COLORTERM=truecolor
CMD ["mechamap-tui"]
