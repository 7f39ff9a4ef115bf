#!/usr/bin/env bash
# What Penstock does, by curl alone: samples/curl.sh [SERVER]. It ends with 0 if all of it held.
set -euo pipefail
server=${1:-http://localhost:8000}
seen=$(mktemp); trap 'rm -f "$seen"' EXIT
json=(-H 'Content-Type: application/json')
ids() { sed -n 's/^id: //p' "$@"; }

echo '— A stream, cut after twenty events …'
curl -sN "$server/v1/chat/completions" "${json[@]}" \
  -d '{"model": "simulated/chat?tps=200", "stream": true, "prompt": "Tell me about rivers."}' | head -60 > "$seen" || true
last=$(ids "$seen" | tail -1)
echo "  $(ids "$seen" | wc -l) events, the last is $last"

echo '— … goes on with the next token'
curl -sN -X POST "$server/v1/chat/completions" -H "Last-Event-ID: $last" > "$seen"
echo "  $(ids "$seen" | wc -l) events, from $(ids "$seen" | head -1)"
test "$(ids "$seen" | head -1)" = "${last%.*}.$((${last##*.} + 1))"
grep -q '^data: \[DONE\]' "$seen"

echo '— Start one and leave it; the same key joins it'
ask=(-s "$server/v1/generations" "${json[@]}" -H "Idempotency-Key: $RANDOM$RANDOM$RANDOM"
  -d '{"model": "simulated/chat?tps=10", "prompt": "Tell me about rivers."}')
id=$(curl "${ask[@]}" | grep -o 'gen_[0-9a-f]*')
test "$(curl "${ask[@]}" | grep -o 'gen_[0-9a-f]*')" = "$id"
echo "  $id"

echo '— Look at it, follow it as another protocol shows it, stop it'
curl -s "$server/v1/generations/$id"; echo
curl -sN "$server/v1/generations/$id/events?protocol=messages" | head -12 || true
curl -s -X POST "$server/v1/generations/$id/stop" | grep -q '"stopped"'

echo '— A stopped stream has its ending, and nothing after it'
curl -sN "$server/v1/generations/$id/events" > "$seen"
grep -c '^event: stopped' "$seen" | grep -qx 1
test "$(grep '^event: ' "$seen" | tail -1)" = 'event: stopped'
echo 'All held.'
