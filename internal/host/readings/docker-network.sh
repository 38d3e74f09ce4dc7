# A docker that does not run would be started by the question, through its socket, and its containers with it.
if systemctl is-active -q docker.socket; then
  case $(systemctl is-active docker.service) in inactive | failed) echo "docker does not run, and to ask it would start it" >&2; exit 1 ;; esac
fi
exec docker network inspect -- "$1"
