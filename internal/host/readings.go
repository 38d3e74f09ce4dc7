package host

import _ "embed"

//go:embed readings/uses.sh
var usesText string

//go:embed readings/validators.sh
var validatorsText string

//go:embed readings/stop-closure.sh
var stopClosureText string

//go:embed readings/nft-rules.sh
var nftRulesText string

//go:embed readings/docker-network.sh
var dockerNetworkText string
