exec docker network inspect -- "$1"
