#!/usr/bin/env bash
# Fetch the schema of DDI-Codebook 2.5 for the test of the codebook; where that fails, say loudly what is skipped.
set -euo pipefail
cd "$(dirname "$0")/.."
[ -n "${SURVEY_DDI_SCHEMA:-}" ] && exit 0
list=$PWD/tools/ddi-codebook-2.5.sha256
cache=${XDG_CACHE_HOME:-$HOME/.cache}/hundred-cities-survey
is_whole() {
  local check=(sha256sum)
  command -v sha256sum >/dev/null 2>&1 || check=(shasum -a 256)
  (cd "$1" 2>/dev/null && "${check[@]}" --status -c "$list" 2>/dev/null)
}
is_whole "$cache/ddi-codebook-2.5" && exit 0
# The Alliance's own address, then the copy of a university at one commit: whichever has the very bytes that are listed.
sources=(
  https://ddialliance.org/Specification/DDI-Codebook/2.5/XMLSchema
  https://raw.githubusercontent.com/ncrncornell/ddi-schemas/25f651b13ceefb4d463749b25f4aaf3bcb2689b4/2.5/schemas
)
mkdir -p "$cache"
draft=$(mktemp -d "$cache/.draft-XXXXXX")
trap 'rm -rf "$draft"' EXIT
echo 'Fetching the schema of DDI-Codebook 2.5 for the test of the codebook (once) …'
for source in "${sources[@]}"; do
  while read -r _ name; do
    mkdir -p "$draft/$(dirname "$name")"
    curl -fsSL --proto =https --connect-timeout 5 --max-time 30 -o "$draft/$name" "$source/$name" 2>>"$draft/.log" || break
  done <"$list"
  if is_whole "$draft"; then
    rm -rf "$cache/ddi-codebook-2.5" "$draft/.log"
    mv "$draft" "$cache/ddi-codebook-2.5"
    exit 0
  fi
done
tail -n 2 "$draft/.log" >&2 || true
cat >&2 <<'TEXT'
************************************************************************
  NO SCHEMA OF DDI-CODEBOOK 2.5: the test of its XML will be SKIPPED.
  Run `make test` where the DDI Alliance or GitHub can be reached, or set
  SURVEY_DDI_SCHEMA to a copy of codebook.xsd.
************************************************************************
TEXT
