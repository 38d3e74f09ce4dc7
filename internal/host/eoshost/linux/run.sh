type -P -- "$1" >/dev/null || { printf '\036bisc-exec' >&2; return 127; }
exec $ns "$@"
