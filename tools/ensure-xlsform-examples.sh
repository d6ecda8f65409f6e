#!/usr/bin/env bash
# Fetch the public example forms of pyxform for the test of the import; where that fails, say loudly what is skipped.
set -euo pipefail
cd "$(dirname "$0")"
[ -n "${SURVEY_XLSFORM_EXAMPLES:-}" ] && exit 0
# pyxform's source archive leaves its tests out, so they come from the commit of the locked version (4.5.0), by hash.
./fetch-listed.sh 'the example forms of pyxform for the test of the import' pyxform-examples-4.5.0 "$PWD/pyxform-examples-4.5.0.sha256" \
  https://raw.githubusercontent.com/XLSForm/pyxform/51e5bfecc306febe03b3c4791ad0dbdecad208a4/tests/example_xls && exit 0
cat >&2 <<'TEXT'
************************************************************************
  NO EXAMPLE FORMS OF PYXFORM: the test that reads them will be SKIPPED.
  Run `make test` where GitHub can be reached, or set
  SURVEY_XLSFORM_EXAMPLES to a copy of pyxform's tests/example_xls.
************************************************************************
TEXT
