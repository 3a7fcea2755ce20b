#!/usr/bin/env bash
# Makes the documentation as a static site: the guide under docs/ and a reference of the API from the comments in the source.
# eng/site.sh [FOLDER] writes to FOLDER (docs/.vitepress/dist if not given); a dead link fails. Needs Node.js 20 or newer.
# SITE_BASE=/name/ for a site that is not at the root of its host. Look at it: npm --prefix docs run dev
set -euo pipefail
cd "$(dirname "$0")/.."
[ $# -gt 0 ] && mkdir -p "$1" && out=$(cd "$1" && pwd)

dotnet run -c Release --project eng/ApiReference -- docs/api
npm --prefix docs ci --no-fund --no-audit
cp docs/shapes.png docs/public/shapes.png
npm --prefix docs run build -- ${out:+--outDir "$out"}
