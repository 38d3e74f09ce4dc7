# The two commands of the README: make demo, make test. Both run as root on Debian 12 with Go 1.26 and set up the rest.
GO     ?= go
BIN    := bin
export CGO_ENABLED := 0

.PHONY: build lab machine demo demo-machine test test-machine test-faults mutate bench clean

build:
	$(GO) build -trimpath -buildvcs=auto -ldflags='-s -w' -o $(BIN)/bisc ./cmd/bisc

# lab is the once-a-machine set-up of the test hosts: packages and a root file system, cached outside this folder.
lab:
	$(GO) build -trimpath -o $(BIN)/bisc-lab ./internal/lab/cmd/bisc-lab
	$(BIN)/bisc-lab setup

# machine is the once-a-machine set-up of the virtual machine with ZFS: kernel, disk, a saved boot; cached as well.
machine: lab
	$(BIN)/bisc-lab machine setup

demo: build lab
	internal/lab/demo/demo.sh $(BIN)

demo-machine: build machine
	internal/lab/demo/demo.sh $(BIN) machine

# test runs one package at a time: each starts hosts of its own, and two cores are few.
test: machine
	@test -z "$$(gofmt -l $$(git ls-files '*.go'))" || { gofmt -l $$(git ls-files '*.go'); echo 'run gofmt -w on these'; exit 1; }
	$(GO) vet ./...
	$(GO) test -count=1 -p 1 -timeout 45m ./...

# test-machine is all that is tested on the virtual machine; test leaves out the variants C and E there, for time.
test-machine: machine
	BISC_MACHINE=all $(GO) test -count=1 -p 1 -timeout 90m -run '^TestMachine' ./internal/lab/... ./plans/biscayne

# bench runs bisc beside Ansible and Mitogen, on lab hosts, and writes the tables of docs/benchmarks.md: about half an hour.
bench: lab
	$(GO) run ./bench --write docs/benchmarks.md

# test-faults is the fault suite by itself (docs/faults.md); test runs it too. BISC_FAULTS=all enumerates everything: hours.
test-faults: lab
	$(GO) test -count=1 -p 1 -timeout 6h -run '^TestFault' ./...

# mutate takes every guard out in turn and wants a test to miss it; test does so with those that need no host.
mutate: lab
	$(GO) run ./internal/faults/mutate

clean:
	rm -rf $(BIN)
