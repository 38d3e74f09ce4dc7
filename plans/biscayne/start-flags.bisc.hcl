# The flags that the stack's start script gives agave (biscayne.md 4.3, agave-stack e96f115): always, for what the environment says, and
# word by word from EXTRA_ARGS. An image whose agave lacks one ends its validator at each start (incident 27); one of another version of
# the script belongs here.
locals {
  env = try(local.v.env, {})

  start_flags = concat(
    [
      "--identity", "--no-voting", "--entrypoint", "--known-validator", "--ledger", "--accounts", "--snapshots", "--log",
      "--full-rpc-api", "--rpc-port", "--rpc-bind-address", "--gossip-port", "--dynamic-port-range",
      "--enable-rpc-transaction-history", "--rpc-pubsub-enable-block-subscription", "--enable-extended-tx-metadata-storage",
      "--no-wait-for-vote-to-start-leader", "--no-os-network-limits-test", "--wal-recovery-mode", "--limit-ledger-size",
      "--no-snapshot-fetch", "--account-index",
    ],
    # Each of these looks at a variable; one that is not in the inventory is as the script has it by itself.
    try(local.env.PUBLIC_RPC_ADDRESS, "") != "" ? ["--public-rpc-address"] : ["--private-rpc", "--allow-private-addr", "--only-known-rpc"],
    try(local.env.GOSSIP_HOST, "") != "" ? ["--gossip-host"] : [],
    try(local.env.PUBLIC_TVU_ADDRESS, "") != "" ? ["--public-tvu-address"] : [],
    try(local.env.EXPECTED_GENESIS_HASH, "") != "" ? ["--expected-genesis-hash"] : [],
    try(local.env.EXPECTED_SHRED_VERSION, "") != "" ? ["--expected-shred-version"] : [],
    try(local.env.NO_SNAPSHOTS, "") == "true" ? ["--no-snapshots"] : ["--full-snapshot-interval-slots", "--maximum-full-snapshots-to-retain"],
    try(local.env.JITO_ENABLE, "") != "true" ? [] : [
      "--tip-payment-program-pubkey", "--tip-distribution-program-pubkey", "--merkle-root-upload-authority", "--commission-bps",
      "--block-engine-url", "--shred-receiver-address",
    ],
    split(" ", try(local.env.EXTRA_ARGS, "")),
  )
}
