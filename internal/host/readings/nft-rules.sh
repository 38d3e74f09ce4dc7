command -v nft >/dev/null 2>&1 || exit 127
exec nft -j list ruleset
