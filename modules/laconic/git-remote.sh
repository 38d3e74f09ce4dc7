# $3 = the remote
if g config --get remote.origin.url >/dev/null; then g remote set-url origin "$3"; else g remote add origin "$3"; fi
