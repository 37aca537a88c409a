# One image for every role; the command says which: `salesgraph serve`, `salesgraph serve --role web` or `salesgraph work`.
FROM python:3.11-slim AS build
WORKDIR /app
RUN python -m venv /venv && /venv/bin/pip install --no-cache-dir --upgrade "pip>=26"
COPY requirements/base.lock requirements/
RUN /venv/bin/pip install --no-cache-dir --require-hashes -r requirements/base.lock
# Further packages, named like their locks: docker build --build-arg EXTRAS="providers mcp"
ARG EXTRAS=""
COPY requirements/providers.lock requirements/mcp.lock requirements/otel.lock requirements/postgres.lock \
    requirements/voice.lock requirements/
RUN for extra in $EXTRAS; do \
      /venv/bin/pip install --no-cache-dir --require-hashes -r "requirements/$extra.lock" || exit 1; done
COPY pyproject.toml README.md LICENSE ./
COPY agent agent
COPY channels channels
COPY tools tools
COPY knowledge_base knowledge_base
COPY server server
# The image is built without the history that versions come from: docker build --build-arg VERSION=1.2.0
ARG VERSION=0.1.0.dev0
RUN SETUPTOOLS_SCM_PRETEND_VERSION=$VERSION /venv/bin/pip install --no-cache-dir --no-deps .

FROM python:3.11-slim
# Pictures and scans of price lists are read by OCR, in four languages at most (knowledge_base/formats/images.py): for a
# shop that speaks Spanish, docker build --build-arg OCR_LANGUAGES="eng spa"
ARG OCR_LANGUAGES="eng rus kaz ita"
# hadolint ignore=DL3008,SC2046,SC2086
RUN apt-get update && apt-get install -y --no-install-recommends tesseract-ocr \
      $(printf 'tesseract-ocr-%s ' $OCR_LANGUAGES) && rm -rf /var/lib/apt/lists/*
RUN useradd --system --uid 10001 --create-home salesgraph && install -d -o salesgraph -m 700 /data
COPY --from=build /venv /venv
ENV PATH=/venv/bin:$PATH HOST=0.0.0.0 PORT=8000 DATA_DIR=/data PYTHONUNBUFFERED=1
USER 10001
WORKDIR /data
VOLUME /data
EXPOSE 8000
# A worker is told to stop with SIGTERM and has DRAIN_SECONDS to finish.
STOPSIGNAL SIGTERM
CMD ["salesgraph", "serve"]
