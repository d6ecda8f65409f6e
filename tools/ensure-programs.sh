#!/usr/bin/env bash
# Find the programs that tests use as peers; as root on Debian install what is missing; otherwise say loudly what is skipped.
set -euo pipefail
PATH="$PATH:/usr/sbin:/sbin"

ensure() { # packages (the first that can be installed is), what is skipped without, commands of which one is enough
  local packages=$1 package=${1##* } skipped=$2 name
  shift 2
  for name in "$@"; do
    command -v "$name" >/dev/null 2>&1 && return
  done
  if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
    for package in $packages; do
      echo "Installing $package for the tests …"
      if (apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$package") >/tmp/ensure-programs.log 2>&1; then
        return
      fi
    done
    tail -n 5 /tmp/ensure-programs.log >&2
  fi
  cat >&2 <<TEXT
************************************************************************
  $package WAS NOT FOUND: $skipped will be SKIPPED.
  Install it (Debian: apt install $package) to run the whole suite.
************************************************************************
TEXT
}

# The package of nginx starts a server of its own on port 80; the tests bring theirs.
if [ "$(id -u)" = 0 ] && [ -d /usr/sbin ] && [ ! -e /usr/sbin/policy-rc.d ]; then
  printf '#!/bin/sh\nexit 101\n' >/usr/sbin/policy-rc.d
  chmod +x /usr/sbin/policy-rc.d
  trap 'rm -f /usr/sbin/policy-rc.d' EXIT
fi
# The shell is the same engine without windows and takes less processor (tests/browser_program.py).
ensure 'chromium-headless-shell chromium' 'the browser journeys' chromium-headless-shell chromium chromium-browser google-chrome google-chrome-stable
ensure nginx-light 'the tests of deploy/ behind nginx' nginx
ensure poppler-utils 'the tests of what stands in a PDF' pdftotext
