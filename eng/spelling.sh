#!/usr/bin/env bash
# Looks for misspelt words in the sources and the documentation: British English, and the words of the field in eng/spelling/words.txt. Needs Node.js 20.
set -euo pipefail
cd "$(dirname "$0")/spelling"
npm ci --no-fund --no-audit --silent
npm run --silent check
