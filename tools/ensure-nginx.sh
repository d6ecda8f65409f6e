#!/usr/bin/env bash
# Find nginx for the deployment tests; as root on Debian install it; otherwise say loudly what is skipped.
set -euo pipefail
PATH="$PATH:/usr/sbin:/sbin"
command -v nginx >/dev/null 2>&1 && exit 0
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
  echo 'Installing nginx for the deployment tests …'
  # The package starts a server of its own on port 80; the tests bring theirs.
  printf '#!/bin/sh\nexit 101\n' >/tmp/ensure-nginx-policy
  chmod +x /tmp/ensure-nginx-policy
  if [ ! -e /usr/sbin/policy-rc.d ]; then
    ln -s /tmp/ensure-nginx-policy /usr/sbin/policy-rc.d
    trap 'rm -f /usr/sbin/policy-rc.d' EXIT
  fi
  if (apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends nginx-light) >/tmp/ensure-nginx.log 2>&1; then
    exit 0
  fi
  tail -n 5 /tmp/ensure-nginx.log >&2
fi
cat >&2 <<'TEXT'
************************************************************************
  NO NGINX FOUND: the tests of deploy/ behind nginx will be SKIPPED.
  Install it (Debian: apt install nginx-light) to run the whole suite.
************************************************************************
TEXT
