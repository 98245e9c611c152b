#!/usr/bin/env bash
# Makes what is published, twice, and compares: release.sh FOLDER. In FOLDER/dist wheel and sdist, in FOLDER/extra the
# program as a single file and the list of all that it brings (CycloneDX). With TAG set, that must be the version's.
set -euo pipefail
cd "$(dirname "$0")/.."
folder=$1
SOURCE_DATE_EPOCH=$(git log -1 --format=%ct)
export SOURCE_DATE_EPOCH
mkdir -p "$folder/extra"

python3 -m venv "$folder/tools"
"$folder/tools/bin/pip" install -q hatchling==1.33.0 shiv==1.0.8 cyclonedx-bom==7.5.0
for place in dist again; do
    "$folder/tools/bin/python" -m hatchling build --directory "$folder/$place"
done
for file in "$folder"/dist/*; do cmp "$file" "$folder/again/${file##*/}"; done

python3 -m venv --without-pip "$folder/clean"
"$folder/tools/bin/pip" --python "$folder/clean/bin/python" install -q "$folder"/dist/*.whl
version=$("$folder/clean/bin/smscli" --version)
[ "${TAG:-v${version#smscli }}" = "v${version#smscli }" ] || { echo "tag $TAG is not that of $version" >&2; exit 1; }
"$folder/clean/bin/smscli" send --sandbox --to +37061234567 "Hello"
"$folder/tools/bin/cyclonedx-py" environment "$folder/clean/bin/python" --pyproject pyproject.toml \
    --output-reproducible --output-file "$folder/extra/smscli.cdx.json"
"$folder/tools/bin/shiv" -c smscli -o "$folder/extra/smscli.pyz" -p '/usr/bin/env python3' --reproducible "$folder"/dist/*.whl
