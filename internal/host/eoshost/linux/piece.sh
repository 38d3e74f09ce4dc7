# piece.sh FILE OFFSET BASE64
printf %s "$3" | base64 -d | dd of="$1" bs=65536 seek="$2" oflag=seek_bytes conv=notrunc status=none
