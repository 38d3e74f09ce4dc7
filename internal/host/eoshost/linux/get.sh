if [ "$1" = tcp ]; then
ip=${2%:*} port=${2##*:}
ip=${ip#[} ip=${ip%]}
case $ip in
127.*|::1) ;;
*) [ -n "$($ns ip -o address show to "$ip")" ] || { echo 'it is no address of the switch'\''s own' >&2; return 1; } ;;
esac
exec $ns bash -c 'exec 3<>"/dev/tcp/$1/$2" || exit 1
printf "GET %s HTTP/1.1\r\nHost: localhost\r\nUser-Agent: bisc\r\nAccept-Encoding: identity\r\nConnection: close\r\n\r\n" "$3" >&3
exec head -c 5242881 <&3' x "$ip" "$port" "$3"
fi
[ -S "$2" ] || { echo 'No such file or directory' >&2; return 1; }
grep -q " 00010000 .* $2\$" /proc/net/unix || { echo 'Connection refused' >&2; return 1; }
type -P curl >/dev/null || { printf '\036bisc-exec' >&2; return 127; }
set -o pipefail
curl -q -sS -i --raw --http1.1 -A bisc -H Accept: -H 'Accept-Encoding: identity' -H 'Connection: close' --unix-socket "$2" "http://localhost$3" | head -c 5242881
