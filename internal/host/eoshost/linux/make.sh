# make.sh FILE SIZE RESERVE: an empty FILE, in a folder that is there, with room for SIZE bytes and RESERVE to spare.
d=${1%/*}
mkdir -p "$d" || return 5
f=$(stat -f -c '%a %S' "$d") || return 5
[ $(( ${f% *} * ${f#* } )) -ge $(( $2 + $3 )) ] || { echo "$d: less than $(( ($2 + $3) >> 20 )) MiB free, of which $(( $3 >> 20 )) stay free for the switch itself" >&2; return 6; }
rm -rf "$1" && (umask 077; set -C; : >"$1") || return 5
chown "${SUDO_UID:-0}" "$1" 2>/dev/null || true # sftp and scp write as the login; a vfat has no owners (eos.md D.1)
