# $3 = the commit, $4 = "discard" where the saved local changes go. What was checked out stays reachable under refs/bisc/was: commits that
# no branch has would be lost to git's garbage collection.
if old=$(g rev-parse -q --verify 'HEAD^{commit}'); then g update-ref "refs/bisc/was/$old" "$old" || exit 1; fi
if [ "$4" = discard ]; then
  if [ -n "$old" ]; then g reset -q --hard || exit 1; fi
  g clean -q -f -d || exit 1
fi
g -c advice.detachedHead=false checkout -q --detach "$3" -- || exit 1
[ "$(g rev-parse HEAD)" = "$3" ] || { echo "the checkout has ended, and HEAD is not $3" >&2; exit 1; }
