IFS=
for f in $1; do if [ -e "$f" ] || [ -L "$f" ]; then printf '%s\000' "$f"; fi; done
return 0
