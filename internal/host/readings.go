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

//go:embed readings/jobs.sh
var jobsText string

//go:embed readings/git-as.sh
var gitAsText string

//go:embed readings/git-state.sh
var gitStateText string

//go:embed readings/file-end.sh
var fileEndText string

//go:embed readings/ip-echo.sh
var ipEchoText string

//go:embed readings/ledger-slots.sh
var ledgerSlotsText string

//go:embed readings/kubelet.sh
var kubeletText string

//go:embed readings/node-images.sh
var nodeImagesText string

//go:embed readings/await-end.sh
var awaitEndText string

//go:embed readings/homes.sh
var homesText string
