#!/bin/sh
# The health check of InfluxDB's container: over TLS, with the token, something only a server that is
# set up and can read its own disk answers. The token is never on a command line.
set -eu
INFLUX_TOKEN=$(cat /run/secrets/store_token)
export INFLUX_TOKEN
exec influx bucket list --host https://localhost:8086 --org plumbline --name plumbline-kept >/dev/null
