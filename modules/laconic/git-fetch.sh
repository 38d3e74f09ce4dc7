# $3 = the remote, $4 = the commit, $5 = "agent" where the step is lent one. A server may refuse a commit that no branch begins with
# (git's protocol before 2): then all its branches are fetched, to where no branch of the user's is.
if [ "$5" = agent ]; then
  clean sh -c 'test -S "$SSH_AUTH_SOCK"' || { echo "$user cannot open the agent, which is of the user that bisc logs in as: let both be one (user = that name, or the inventory's ssh user)" >&2; exit 1; }
fi
if [ ! -e "$path/.git" ]; then
  install -d -m 0755 -o "$uid" -g "$gid" -- "$path" && g init -q || exit 1
fi
if said=$(g fetch -q --no-tags --no-write-fetch-head --no-recurse-submodules -- "$3" "$4" 2>&1); then :; else
  case "$said" in
  *"not our ref"* | *unadvertised* | *"couldn't find remote ref"*) g fetch -q --no-tags --no-write-fetch-head --no-recurse-submodules -- "$3" '+refs/heads/*:refs/bisc/heads/*' || exit 1 ;;
  *) printf '%s\n' "$said" >&2; exit 1 ;;
  esac
fi
g cat-file -e "$4^{commit}" 2>/dev/null || { echo "no branch of $3 has the commit $4" >&2; exit 1; }
