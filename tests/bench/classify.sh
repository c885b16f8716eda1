#!/usr/bin/env bash
# Classifying: how sure, in virtual time, behind every NAT of RFC 4787's matrix; and how fast, on the
# lab's sockets at 50 ms round trip, beside coturn's turnutils_natdiscovery in the same run.
#
# usage: classify.sh [SEEDS]     TEREDOCTL names the binary, CLASSIFY_MATRIX the scenario test
set -u -o pipefail
teredoctl=${TEREDOCTL:-teredoctl}
seeds=${1:-1000}

command -v jq >/dev/null || { echo "classify.sh: jq not found (Debian: jq)" >&2; exit 77; }

echo "classification in virtual time, $seeds seeds a NAT with loss, 10 % duplicated, 10 % reordered:"
SEEDS=$seeds "$CLASSIFY_MATRIX" >"${TMPDIR:-/tmp}/matrix.$$"
awk '/^not ok/ { bad++ }
    /lost each way:/ {
        sub(/^# /, "")
        match($0, /[0-9]+ % lost/); loss = substr($0, RSTART, RLENGTH)
        match($0, /[0-9.]+ % decided/); decided = substr($0, RSTART) + 0
        match($0, /[0-9]+ wrong of [0-9]+/); split(substr($0, RSTART, RLENGTH), n, " ")
        match($0, /mean [0-9]+/); ms = substr($0, RSTART + 5, RLENGTH - 5)
        if (!(loss in runs)) { order[++losses] = loss; least[loss] = 100 }
        runs[loss] += n[4]; wrong[loss] += n[1]; sum[loss] += decided; nats[loss]++
        time[loss] += ms
        if (decided < least[loss]) least[loss] = decided
    }
    END {
        printf "  %-12s %5s %9s %6s %15s %9s %9s\n", "loss, a way", "NATs", "runs", "wrong",
            "decided, mean", "least", "mean ms"
        for (i = 1; i <= losses; i++) {
            l = order[i]
            printf "  %-12s %5d %9d %6d %13.1f %% %7.1f %% %9.0f\n", l, nats[l], runs[l], wrong[l],
                sum[l] / nats[l], least[l], time[l] / nats[l]
        }
        printf "  tests failed: %d\n", bad
    }' "${TMPDIR:-/tmp}/matrix.$$"
rm -f "${TMPDIR:-/tmp}/matrix.$$"

# in_lab NAT OPTION… -- COMMAND…: on host a behind NAT, every one-way path 25 ms long
in_lab() {
    "$teredoctl" lab --delay 12.5ms --nat-a "$@"
}

echo "classify on sockets, in round trips of 50 ms (goal: 6), the server's second port known or not:"
for mapping in endpoint-independent address address-port; do
    for filtering in endpoint-independent address address-port; do
        nat=mapping=$mapping,filtering=$filtering,ports=random
        one=$(in_lab "$nat" -- env -u TEREDO_EXTRA_PORT "$teredoctl" classify --format=json)
        two=$(in_lab "$nat" -- "$teredoctl" classify --format=json)
        printf '  mapping %-21s filtering %-21s %.2f and %.2f, %d and %d packets\n' "$mapping" \
            "$filtering" "$(jq '.elapsed_s / 0.05' <<<"$one")" "$(jq '.elapsed_s / 0.05' <<<"$two")" \
            "$(jq .sent <<<"$one")" "$(jq .sent <<<"$two")"
    done
done

if command -v turnserver >/dev/null && command -v turnutils_natdiscovery >/dev/null; then
    echo "beside coturn (mapping and filtering alone), behind the same NAT, in seconds:"
    # shellcheck disable=SC2016 # expanded on host a
    for nat in none cone port-restricted symmetric; do
        printf '  %-16s ' "$nat"
        in_lab "$nat" \
            --also 's1=exec turnserver -S -n --no-cli --no-tls --no-dtls -L 192.0.2.1 -L 192.0.2.2 --log-file=/dev/null >/dev/null 2>&1' \
            -- bash -c '
                sleep 1
                now() { date +%s%N; }
                begin=$(now)
                turnutils_natdiscovery -m -f 192.0.2.1 >/dev/null 2>&1
                middle=$(now)
                teredoctl classify -q >/dev/null
                end=$(now)
                awk -v c="$((middle - begin))" -v t="$((end - middle))" \
                    "BEGIN { printf \"coturn %.2f, teredoctl %.2f: %.1f times as fast\n\", c / 1e9, t / 1e9, c / t }"'
    done
else
    echo "coturn is not installed (Debian: coturn): no comparison"
fi
