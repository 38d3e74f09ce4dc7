package validator

import "strings"

// option is an option of agave-validator 3.1.9.
type option struct {
	name, short, value, help string // value "": a flag
}

// flags have no value, options have one. Names and values are those of 3.1.9 as far as a node without votes has use for them.
const flags = `
allow-private-addr               Allow contacting private ip addresses
disable-accounts-disk-index      Disable the disk-based accounts index; deprecated
enable-accounts-disk-index       Enables the disk-based accounts index
enable-bigtable-ledger-upload    Upload new confirmed blocks into a BigTable instance
enable-extended-tx-metadata-storage  Include CPI inner instructions, logs, and return data in the stored transaction info
enable-rpc-bigtable-ledger-storage   Fetch historical transaction info from a BigTable instance
enable-rpc-transaction-history   Enable historical transaction info over JSON RPC
full-rpc-api                     Expose RPC methods for querying chain state and transaction history
no-genesis-fetch                 Do not fetch genesis from the cluster
no-incremental-snapshots         Disable incremental snapshots
no-os-network-limits-test        Disable checks that kernel parameters are tuned for a validator
no-port-check                    Do not perform TCP/UDP reachable port checks at start-up
no-snapshot-fetch                Do not fetch a snapshot from the cluster, start from a local one if present
no-snapshots                     Disable all snapshot generation
no-voting                        Launch validator without voting
no-wait-for-vote-to-start-leader If the validator starts up with no ledger, do not wait for a vote
only-known-rpc                   Use the RPC service of known validators only
private-rpc                      Do not publish the RPC port for use by others
restricted-repair-only-mode      Do not publish the Gossip, TPU, TVU or Repair Service ports
rpc-pubsub-enable-block-subscription  Enable the unstable RPC PubSub blockSubscribe subscription
rpc-pubsub-enable-vote-subscription   Enable the unstable RPC PubSub voteSubscribe subscription
skip-preflight-health-check      Skip health check when running a preflight check
`

const valued = `
account-index <INDEX>            Enable an accounts index
account-shrink-path <PATH>       Path to accounts shrink path
accounts <PATHS>                 Comma separated persistent accounts location
accounts-db-cache-limit-mb <MEGABYTES>  How large the write cache for account data can become
accounts-index-memory-limit-mb <MEGABYTES>  How much memory the accounts index can consume
accounts-index-path <PATH>       Persistent accounts-index location
accounts-shrink-ratio <RATIO>    Specifies the shrink ratio for the accounts to be shrunk
authorized-voter <KEYPAIR>       Include an additional authorized voter keypair
bind-address <HOST>              IP address to bind the validator ports
block-verification-method <METHOD>  Switch transaction scheduling method for verifying ledger entries
block-production-method <METHOD> Switch transaction scheduling method for producing ledger entries
check-vote-account <RPC_URL>     Sanity check vote account state at startup
contact-debug-interval <SECONDS> Milliseconds between printing contact debug from gossip
debug-key <ADDRESS>              Log when transactions are processed which reference a given key
dynamic-port-range <MIN_PORT-MAX_PORT>  Range to use for dynamically assigned ports
entrypoint <HOST:PORT>           Rendezvous with the cluster at this gossip entrypoint
expected-bank-hash <HASH>        When wait-for-supermajority <x>, require the bank at <x> to have this hash
expected-genesis-hash <HASH>     Require the genesis have this hash
expected-shred-version <VERSION> Require the shred version be this value
full-snapshot-archive-path <DIR> Use DIR as full snapshot archives location
full-snapshot-interval-slots <NUMBER>  Number of slots between generating full snapshots
geyser-plugin-config <FILE>      Specify the configuration file for the Geyser plugin
gossip-host <HOST>               Gossip DNS name or IP address for the validator to advertise in gossip
gossip-port <PORT>               Gossip port number for the validator
hard-fork <SLOT>                 Add a hard fork at this slot
health-check-slot-distance <SLOT_DISTANCE>  Slots behind at which this validator still reports as healthy
identity <KEYPAIR>               Validator identity keypair
incremental-snapshot-archive-path <DIR>  Use DIR as incremental snapshot archives location
init-complete-file <FILE>        Create this file once validator initialization is complete
known-validator <VALIDATOR IDENTITY>  A snapshot hash must be published in gossip by this validator to be accepted
ledger <DIR>                     Use DIR as ledger location
limit-ledger-size <SHRED_COUNT>  Keep this amount of shreds in root slots
log <FILE>                       Redirect logging to the specified file, '-' for standard error
maximum-full-snapshots-to-retain <NUMBER>  The maximum number of full snapshot archives to hold on to
maximum-incremental-snapshots-to-retain <NUMBER>  The maximum number of incremental snapshot archives to hold on to
maximum-local-snapshot-age <NUMBER_OF_SLOTS>  Reuse a local snapshot if it's less than this many slots behind
maximum-snapshot-download-abort <MAXIMUM>  The maximum number of times to abort and retry a slow snapshot download
minimal-snapshot-download-speed <SPEED>  The minimal speed of snapshot downloads measured in bytes/second
public-rpc-address <HOST:PORT>   RPC address for the validator to advertise publicly in gossip
public-tpu-address <HOST:PORT>   Specify TPU address to advertise in gossip
public-tpu-forwards-address <HOST:PORT>  Specify TPU Forwards address to advertise in gossip
repair-validator <VALIDATOR IDENTITY>  A list of validators to request repairs from
rocksdb-shred-compaction <STYLE> Controls how RocksDB compacts shreds
rpc-bind-address <HOST>          IP address to bind the RPC port
rpc-max-multiple-accounts <MAX ACCOUNTS>  Override the default maximum accounts accepted
rpc-port <PORT>                  Enable JSON RPC on this port, and the next port for the RPC websocket
rpc-threads <NUMBER>             Number of threads to use for servicing RPC requests
shred-version <VERSION>          Require the shred version be this value
snapshot-interval-slots <NUMBER> Number of slots between generating snapshots
snapshot-archive-format <TYPE>   Snapshot archive format to use
snapshots <DIR>                  Use DIR as the base location for snapshots
tower <DIR>                      Use DIR as file tower storage location
tvu-receive-threads <NUMBER>     Number of threads (and sockets) to use for receiving shreds on the TVU port
use-snapshot-archives-at-startup <use_snapshot_archives_at_startup>  When should snapshot archives be used
vote-account <ADDRESS>           Validator vote account public key
wait-for-supermajority <SLOT>    Wait for a supermajority of the stake to be online
wal-recovery-mode <MODE>         Mode to recover the ledger db write ahead log
`

// tvuOption is what the relay's patch adds.
const tvuOption = "public-tvu-address <HOST:PORT>   Specify TVU address to advertise in gossip\n"

// shorts are the options' one-letter names.
func shorts() map[string]string {
	return map[string]string{"i": "identity", "l": "ledger", "n": "entrypoint", "o": "log"}
}

// options are those of this version, by name.
func options(m Made) map[string]option {
	all := map[string]option{}
	add := func(table string) {
		for line := range strings.Lines(table) {
			if o, ok := readOption(strings.TrimSpace(line)); ok {
				all[o.name] = o
			}
		}
	}
	add(flags)
	add(valued)
	if m.TVU {
		add(tvuOption)
	}
	for short, name := range shorts() {
		o := all[name]
		o.short = short
		all[name] = o
	}
	return all
}

// readOption reads a line of the tables: the name, its value in <>, and after spaces the help.
func readOption(line string) (o option, ok bool) {
	o.name, line, ok = strings.Cut(line, " ")
	if !ok {
		return o, false
	}
	if strings.HasPrefix(line, "<") {
		o.value, line, _ = strings.Cut(line[1:], "> ")
	}
	o.help = strings.TrimSpace(line)
	return o, true
}
