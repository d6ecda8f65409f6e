#!/usr/bin/env bash
# Fetch the schema of DDI-Codebook 2.5 for the test of the codebook; where that fails, say loudly what is skipped.
set -euo pipefail
cd "$(dirname "$0")"
[ -n "${SURVEY_DDI_SCHEMA:-}" ] && exit 0
# The Alliance's own address, then the copy of a university at one commit: whichever has the very bytes that are listed.
./fetch-listed.sh 'the schema of DDI-Codebook 2.5 for the test of the codebook' ddi-codebook-2.5 "$PWD/ddi-codebook-2.5.sha256" \
  https://ddialliance.org/Specification/DDI-Codebook/2.5/XMLSchema \
  https://raw.githubusercontent.com/ncrncornell/ddi-schemas/25f651b13ceefb4d463749b25f4aaf3bcb2689b4/2.5/schemas && exit 0
cat >&2 <<'TEXT'
************************************************************************
  NO SCHEMA OF DDI-CODEBOOK 2.5: the test of its XML will be SKIPPED.
  Run `make test` where the DDI Alliance or GitHub can be reached, or set
  SURVEY_DDI_SCHEMA to a copy of codebook.xsd.
************************************************************************
TEXT
