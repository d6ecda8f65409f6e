#!/usr/bin/env bash
# Find Chromium for the browser tests; as root on Debian install it; otherwise say loudly what is skipped.
set -euo pipefail
for name in chromium chromium-browser google-chrome google-chrome-stable; do
  command -v "$name" >/dev/null 2>&1 && exit 0
done
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
  echo 'Installing Chromium for the browser tests …'
  if (apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends chromium) >/tmp/ensure-browser.log 2>&1; then
    exit 0
  fi
  tail -n 5 /tmp/ensure-browser.log >&2
fi
cat >&2 <<'TEXT'
************************************************************************
  NO CHROMIUM FOUND: the browser journeys will be SKIPPED.
  Install it (Debian: apt install chromium) to run the whole suite.
************************************************************************
TEXT
