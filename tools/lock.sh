#!/usr/bin/env bash
# Lock for Python 3.11 to 3.13 with hashes and without naming any package index.
set -euo pipefail
compile=(.venv/bin/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes
  --no-header --no-annotate --no-emit-index-url --no-emit-find-links --allow-unsafe)
"${compile[@]}" pyproject.toml requirements-build.in -o requirements.lock
"${compile[@]}" requirements-dev.in -o requirements-dev.lock
"${compile[@]}" requirements-spark.in -o requirements-spark.lock
