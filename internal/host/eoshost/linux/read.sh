if [ -d "$1" ]; then echo 'Is a directory' >&2; return 1; fi
if [ -e "$1" ] && ! [ -f "$1" ]; then echo 'not a regular file' >&2; return 1; fi
if [ "$(stat -L -c %s -- "$1" 2>/dev/null || echo 0)" -gt 67108864 ]; then echo 'larger than 64 MiB' >&2; return 1; fi
exec cat -- "$1"
