#!/usr/bin/env bash
# Read your own writes in any region, with curl.
#
#   everwrite-session.sh URL OPERATION JSON
#
# keeps the session in $EVERWRITE_SESSION (a file; default: ./everwrite-session).
set -euo pipefail
file=${EVERWRITE_SESSION:-everwrite-session}
head=$(mktemp)
trap 'rm -f "$head"' EXIT
session=()
[[ -s $file ]] && session=(-H "x-everwrite-session: $(cat "$file")")
curl -sS -D "$head" "$1" "${session[@]}" -d "$3" -H "X-Amz-Target: DynamoDB_20120810.$2" \
  -H "Content-Type: application/x-amz-json-1.0" -H "X-Amz-Date: 20260101T000000Z" \
  -H "Authorization: AWS4-HMAC-SHA256 Credential=any/20260101/any/dynamodb/aws4_request, SignedHeaders=host, Signature=0"
echo
token=$(tr -d '\r' < "$head" | sed -n 's/^x-everwrite-session: //Ip')
[[ -n $token ]] && printf '%s' "$token" > "$file"
