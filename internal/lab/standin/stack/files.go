package stack

import "encoding/json"

// spec is the lab's deployment/spec.yml: that of biscayne.md 3.2 with a stand-in's values.
const spec = `stack: /srv/deployments/agave-stack/stack-orchestrator/stacks/agave
deploy-to: k8s-kind
kind-mount-root: /srv/kind
network:
  http-proxy:
    - host-name: biscayne.example.org
      routes:
        - path: /
          proxy-to: agave-validator:8899
  ports:
    agave-validator:
      - '8899'
      - '8900'
      - '8001/udp'
      - '9000/udp'
resources:
  containers:
    reservations:
      cpus: '0.1'
      memory: 64M
    limits:
      cpus: '2.0'
      memory: 512M
security:
  privileged: false
  unlimited-memlock: false
volumes:
  validator-config: /srv/deployments/agave/data/validator-config
  validator-ledger: /srv/kind/solana/ledger
  validator-accounts: /srv/kind/solana/ramdisk/accounts
  validator-snapshots: /srv/kind/solana/snapshots
  validator-log: /srv/kind/solana/log
config:
  AGAVE_MODE: rpc
  VALIDATOR_ENTRYPOINT: 198.18.0.1:8001
  KNOWN_VALIDATOR: 7Np41oeYqPefeNQEHSv1UDhYrehxin3NStELsSKCT4K2
  RPC_PORT: '8899'
  RPC_BIND_ADDRESS: 0.0.0.0
  GOSSIP_PORT: '8001'
  DYNAMIC_PORT_RANGE: 9000-10000
  EXPECTED_GENESIS_HASH: 5eykt4UsFv8P8NJdTREpY1vzqKqZKvdpKuc147dw2N9d
  EXPECTED_SHRED_VERSION: '50093'
  LIMIT_LEDGER_SIZE: '50000000'
  NO_SNAPSHOTS: 'true'
  RUST_LOG: info,solana_metrics=warn
  JITO_ENABLE: 'false'
  PUBLIC_TVU_ADDRESS: 198.51.100.81:20000
`

// compose is the pod: defaults here, the specification over them (biscayne.md 3.2).
const compose = `services:
  agave-validator:
    image: laconicnetwork/agave:local
    network_mode: host
    environment:
      AGAVE_MODE: ${AGAVE_MODE:-test}
      VALIDATOR_ENTRYPOINT: ${VALIDATOR_ENTRYPOINT}
      RPC_PORT: ${RPC_PORT:-8899}
      ACCOUNT_INDEXES: ${ACCOUNT_INDEXES:-none}
    volumes:
      - validator-config:/data/config
      - validator-ledger:/data/ledger
      - validator-accounts:/data/accounts
      - validator-snapshots:/data/snapshots
      - validator-log:/data/log
`

const definition = `version: "1.0"
name: agave
description: "Agave validator"
containers:
  - laconicnetwork/agave
pods:
  - agave
`

func indented(v any) string {
	text, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		panic(err) // of booleans
	}
	return string(text) + "\n"
}
