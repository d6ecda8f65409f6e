#!/usr/bin/env bash
# Install the TypeScript compiler and the HTML validator into .venv; where that fails, say loudly what is skipped.
set -euo pipefail
cd "$(dirname "$0")/.."
folder=.venv/javascript
cmp -s tools/javascript/package-lock.json "$folder/package-lock.json" && [ -e "$folder/node_modules/typescript" ] && exit 0
mkdir -p "$folder"
cp tools/javascript/package.json tools/javascript/package-lock.json "$folder/"
if command -v node >/dev/null 2>&1 && command -v npm >/dev/null 2>&1; then
  timeout 90 npm ci --fetch-retries 1 --fetch-timeout 20000 --prefix "$folder" --ignore-scripts --no-audit --no-fund --silent && exit 0
fi
rm -rf "$folder"
cat >&2 <<'TEXT'
************************************************************************
  NO TYPESCRIPT COMPILER: the JavaScript will NOT be type-checked,
  and the public pages will NOT be validated as HTML.
  Install node and npm and run `make setup` where packages can be had.
************************************************************************
TEXT
