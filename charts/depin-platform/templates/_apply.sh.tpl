#!/usr/bin/env bash
# Brings Elasticsearch or Kibana into the state that a list of requests describes, and says what came of each.
# Run again, it changes nothing. Needed: bash and curl, as in Elasticsearch's own image.
#
#   URL          where to
#   REQUESTS     the list; payloads lie beside it. A line is
#                    METHOD PATH EXPECTED [PAYLOAD]
#                with EXPECTED as CODE[:TEXT],…: statuses, each with a text that the answer must hold
#   CREDENTIALS  folder with the files `username` and `password`
#   CA           who signs the server's certificate; without it, those that the system trusts
#   DEADLINE     seconds, for all of it
#   PAUSE        seconds between two tries
set -euo pipefail
set -f
: "${URL:?}" "${REQUESTS:?}" "${CREDENTIALS:?}" "${DEADLINE:?}" "${PAUSE:=5}"
payloads=${REQUESTS%/*}

say() {
  TZ=UTC printf '%(%Y-%m-%dT%H:%M:%SZ)T %s\n' -1 "$*"
}

fail() {
  say "failed: $*"
  exit 1
}

# In curl's own syntax, and through a pipe: arguments and variables can be read by others on the node.
login() {
  local user password
  user=$(<"$CREDENTIALS/username") password=$(<"$CREDENTIALS/password")
  user=${user//\\/\\\\} password=${password//\\/\\\\}
  printf 'user = "%s:%s"\n' "${user//\"/\\\"}" "${password//\"/\\\"}"
}

# Sends METHOD PATH [PAYLOAD]; sets `exit_code` to curl's, `status` to the answer's and `answer` to its text.
send() {
  local left=$((DEADLINE - SECONDS)) arguments
  arguments=(--silent --show-error --noproxy '*' --request "$1" --write-out '\n%{http_code}'
    --connect-timeout 5 --max-time $((left < 1 ? 1 : left < 60 ? left : 60))
    # Kibana takes no change without it.
    --header 'kbn-xsrf: true')
  if [[ -n ${CA:-} ]]; then
    arguments+=(--cacert "$CA")
  fi
  case ${3:-} in
    '') ;;
    *.ndjson) arguments+=(--form "file=@$payloads/$3") ;;
    *) arguments+=(--header 'Content-Type: application/json' --data-binary "@$payloads/$3") ;;
  esac
  exit_code=0
  answer=$(curl --disable --config <(login) "${arguments[@]}" "$URL$2" 2>&1) || exit_code=$?
  if ((exit_code)); then
    # What curl says stands before or behind the status.
    answer="curl: ${answer##*curl: }" status=000
    answer=${answer%$'\n'000*}
  else
    status=${answer##*$'\n'}
    answer=${answer%$'\n'*}
  fi
  answer=${answer//$'\n'/ }
}

# Whether the answer is one of those EXPECTED.
expected() {
  local each
  for each in ${1//,/ }; do
    if [[ $status == "${each%%:*}" && ($each != *:* || $answer == *"${each#*:}"*) ]]; then
      return 0
    fi
  done
  return 1
}

# Whether it can be another answer later: nobody there yet, not green yet, too much at once; a repository in use
# by a snapshot (409); or a node that was not started again since there is this user (401).
passing() {
  if ((exit_code)); then
    # curl's: no such name, no connection, too slow, no TLS, nothing or not all sent or received.
    [[ " 6 7 18 28 35 52 55 56 " == *" $exit_code "* ]]
  else
    [[ " 401 408 409 429 502 503 504 " == *" $status "* ]]
  fi
}

# METHOD PATH EXPECTED [PAYLOAD], again until it is answered as expected.
achieve() {
  local reason said=''
  while send "$1" "$2" "${4:-}"; ! expected "$3"; do
    reason="$1 $2: $( ((exit_code)) || printf '%s ' "$status")${answer:0:500}"
    passing || fail "$reason"
    ((SECONDS < DEADLINE)) || fail "not within $DEADLINE s: $reason"
    [[ $reason == "$said" ]] || say "again: $reason"
    said=$reason
    sleep "$PAUSE"
  done
  say "$1 $2: $status"
}

count=0
while read -r method path wanted payload; do
  achieve "$method" "$path" "$wanted" "$payload"
  count=$((count + 1))
done <"$REQUESTS"
say "done: $count requests"
