#!/usr/bin/env bash
# Install Apache Spark into the environment named, for the tests of the cluster; as root on Debian also Java; otherwise say loudly what is skipped.
set -euo pipefail
cd "$(dirname "$0")/.."
venv=${1:-.venv}
log=/tmp/ensure-spark.log
has_java() {
  local version
  version=$(java -version 2>&1 | sed -n 's/.*version "\([0-9]*\).*/\1/p')
  [ "${version:-0}" -ge 17 ]
}
if ! has_java && [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
  echo 'Installing Java for the tests of the cluster …'
  (apt-get update -qq && { DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends openjdk-17-jre-headless ||
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends default-jre-headless; }) >"$log" 2>&1 || tail -n 5 "$log" >&2
fi
if has_java; then
  cmp -s requirements-spark.lock "$venv/.spark" && exit 0
  echo 'Installing Apache Spark for the tests of the cluster (once, about a minute) …'
  # Its package is a source archive of ready files: our locked setuptools packs it, without fetching another.
  if timeout 600 "$venv/bin/python" -m pip install --quiet --no-build-isolation --require-hashes -r requirements-spark.lock >"$log" 2>&1; then
    cp requirements-spark.lock "$venv/.spark"
    exit 0
  fi
  tail -n 5 "$log" >&2
fi
cat >&2 <<'TEXT'
************************************************************************
  NO APACHE SPARK OR NO JAVA 17: the tests of a cluster will be SKIPPED.
  Install Java (Debian: apt install openjdk-17-jre-headless), and run
  make test where packages can be had.
************************************************************************
TEXT
