# The two commands of the README: make demo, make test. Both run as root on Debian 12 with Go 1.26 and set up the rest.
GO     ?= go
BIN    := bin
export CGO_ENABLED := 0

.PHONY: build relay lab clusters machine on-machine demo demo-machine test test-machine test-faults test-faults-all mutate bench bench-relay bench-status demo-relay demo-switch demo-validator clean

build: relay
	$(GO) build -trimpath -buildvcs=auto -ldflags='-s -w' -o $(BIN)/bisc ./cmd/bisc

# relay makes the relay daemons for each platform, which bisc has in it: what is not current (relaybin/build).
relay:
	@$(GO) run ./relaybin/build -q

# lab is the once-a-machine set-up of the test hosts: packages and a root file system, cached outside this folder.
lab:
	$(GO) build -trimpath -o $(BIN)/bisc-lab ./internal/lab/cmd/bisc-lab
	$(BIN)/bisc-lab setup

# clusters is the once-a-machine set-up of the test clusters: Kubernetes as one program, cached as well. A test that starts a
# cluster does it otherwise; test has it done beside the first tests.
clusters: lab
	$(BIN)/bisc-lab cluster setup

# machine is the once-a-machine set-up of the virtual machine with ZFS: kernel, disk, a saved boot; cached as well.
machine: lab
	$(BIN)/bisc-lab machine setup

demo: build lab
	internal/lab/demo/demo.sh $(BIN)

demo-machine: build machine
	internal/lab/demo/demo.sh $(BIN) machine

# demo-relay is the relay at work, across an upgrade: about a minute.
demo-relay: build lab
	$(GO) run ./internal/lab/demo/relay $(BIN)/bisc

# demo-switch is the relay on a host and two emulated switches: applied, broken, mended, reloaded; one to two minutes.
demo-switch: build lab
	$(GO) run ./internal/lab/demo/switch $(BIN)

# demo-validator is a validator in its node on a host: stopped, stuck, restarted, deployed anew, recovered; about five minutes.
demo-validator: build lab
	$(GO) run ./internal/lab/demo/validator $(BIN)

# test runs two packages at a time: each starts hosts of its own, and waits for them more than it computes. What is done on the
# virtual machine computes for minutes and waits for nothing: it goes beside them, a little nicely: with no share of its own its questions run out of time.
ON_MACHINE := ^TestMachine|^TestFaultF[0-9]+_Machine
MACHINES   := ./internal/lab/vm/... ./internal/lab/live ./plans/biscayne

test: lab relay
	@test -z "$$(gofmt -l $$(git ls-files '*.go'))" || { gofmt -l $$(git ls-files '*.go'); echo 'run gofmt -w on these'; exit 1; }
	$(GO) vet ./...
	@$(BIN)/bisc-lab cluster setup & clusters=$$!; \
	log=$$(mktemp); nice -n 3 $(MAKE) -s on-machine >$$log 2>&1 & machine=$$!; \
	trap 'kill $$machine $$clusters; exit 130' INT TERM; \
	$(GO) test -count=1 -p 2 -timeout 50m -skip '$(ON_MACHINE)' ./...; status=$$?; \
	wait $$clusters || status=1; wait $$machine || status=1; echo '# on the virtual machine:'; cat $$log; rm -f $$log; exit $$status

# on-machine is test's second stream: the virtual machine is set up there too, which computes for ten minutes, once a machine.
on-machine:
	$(BIN)/bisc-lab machine setup
	$(GO) test -count=1 -p 1 -timeout 50m -run '$(ON_MACHINE)' $(MACHINES)

# test-machine is all that is tested on the virtual machine; test leaves out the variants C, D and E and the validator's runbooks there,
# for time.
test-machine: machine clusters relay
	BISC_MACHINE=all $(GO) test -count=1 -p 1 -timeout 120m -run '$(ON_MACHINE)' $(MACHINES)

# bench runs bisc beside Ansible and Mitogen, on lab hosts, and writes the tables of docs/benchmarks.md: about half an hour.
bench: lab relay
	$(GO) run ./bench --write docs/benchmarks.md

# bench-relay runs the relay daemons beside socat and a Python unwrapper, on this machine alone: under three minutes.
bench-relay: lab
	$(GO) run ./bench/relay --write docs/benchmarks.md

# bench-status measures bisc status (60 ms, one jump host) and how soon bisc run stop returns, on rigs A and B: some ten minutes.
bench-status: lab clusters relay
	$(GO) run ./bench/status --write docs/benchmarks.md
	$(GO) run ./bench/status --rig B --only stop --write docs/benchmarks.md

# test-faults is the fault suite by itself (docs/faults.md), with the same selection of its long enumerations as in test, which runs it too.
test-faults: machine relay
	$(GO) test -count=1 -p 1 -timeout 6h -run '^TestFault' ./...

# test-faults-all enumerates everything in it: hours. Nothing runs it but a person.
test-faults-all: machine relay
	BISC_FAULTS=all $(GO) test -count=1 -p 1 -timeout 24h -run '^TestFault' ./...

# mutate takes every guard out in turn and wants a test to miss it; test does so with those that need no host.
mutate: lab relay
	$(GO) run ./internal/faults/mutate

clean:
	rm -rf $(BIN)
