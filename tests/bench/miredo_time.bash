# shellcheck shell=bash
# On a host of the lab: how long Debian's miredo takes from its first solicitation to its address, in
# seconds. $TMP is a directory for its files.
printf 'InterfaceName teredo\nServerAddress %s\n' "$TEREDO_SERVER" >"$TMP/miredo.conf"
tcpdump -Z root -i eth0 -tt -n -l -c 1 'udp dst port 3544' >"$TMP/first" 2>/dev/null &
sleep 0.3
miredo -f -u nobody -c "$TMP/miredo.conf" -p "$TMP/miredo.pid" >/dev/null 2>&1 &
pid=$!
for _ in $(seq 10000); do
    if grep -q '^20010000' /proc/net/if_inet6; then
        now=$(date +%s.%N)
        break
    fi
    sleep 0.0005
done
kill "$pid"
wait
read -r first _ <"$TMP/first"
echo "$now - $first" | bc -l
