# One image for every part of Plumbline; the command says which. Built in two steps, so that what
# only builds (pip's cache, the source) is not in it. Debian's own Python 3.11 runs it.
FROM docker.io/library/debian:bookworm-slim AS build
RUN apt-get update \
    && apt-get install --yes --no-install-recommends ca-certificates python3 python3-venv \
    && rm -rf /var/lib/apt/lists/*
WORKDIR /src
# What changes seldom comes first: a changed line of code installs no dependency again.
COPY requirements-image.lock ./
RUN python3 -m venv /opt/plumbline \
    && /opt/plumbline/bin/pip install --no-cache-dir --disable-pip-version-check \
        --require-hashes --only-binary=:all: -r requirements-image.lock
COPY pyproject.toml README.md LICENSE ./
COPY analytics analytics
COPY contracts contracts
COPY dashboard dashboard
COPY device_gateway device_gateway
COPY firmware_sim firmware_sim
COPY plumbline plumbline
COPY store store
RUN /opt/plumbline/bin/pip install --no-cache-dir --disable-pip-version-check \
        --no-deps --no-build-isolation .

FROM docker.io/library/debian:bookworm-slim
# libusb is for a Bluetooth dongle that the gateway drives itself; tzdata comes with the lock.
RUN apt-get update \
    && apt-get install --yes --no-install-recommends ca-certificates libusb-1.0-0 python3 \
    && rm -rf /var/lib/apt/lists/* \
    && install -d -m 1777 /data
COPY --from=build /opt/plumbline /opt/plumbline
# HOME is a tmpfs: the root file system is read-only.
ENV PATH=/opt/plumbline/bin:$PATH \
    HOME=/tmp \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    PLUMBLINE_DATA_DIR=/data \
    PLUMBLINE_LOG_FORMAT=json
WORKDIR /data
# Whoever runs it may give another user; never root by default.
USER 10001:10001
ENTRYPOINT ["plumbline"]
CMD ["--help"]
