# $1 = the program, $2 = the folder with the new pair, $3 = the validator's, $4... = what of that is replaced, which goes last. It is one
# step: a run that died between two would leave 100 GB for good, since the pair is as wanted once it is there.
program=$1 from=$2 into=$3
shift 3
"$program" install --have "$from" --into "$into" || exit 1
[ $# = 0 ] || exec "$program" prune --apply --age 0s --into "$into" "$@"
