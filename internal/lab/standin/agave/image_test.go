package agave

import (
	"bytes"
	"testing"

	"bisc/internal/lab"
	"bisc/internal/lab/standin/validator"
)

// A real dockerd takes the archive, calls the image by the ID that Build tells, and runs it: agave-validator becomes PID 1 of what
// the entrypoint makes of the environment, and exits when its admin socket is asked.
func TestImage(t *testing.T) {
	i, err := Build(t.Context(), Options{})
	if err != nil {
		t.Fatal(err)
	}
	again, err := Build(t.Context(), Options{})
	if err != nil || again.ID != i.ID || !bytes.Equal(again.Archive, i.Archive) {
		t.Fatalf("a second build is another image: %s, %s, %v", i.ID, again.ID, err)
	}
	other, err := Build(t.Context(), Options{Made: validator.Made{Version: "3.1.9", Commit: "00000000"}})
	if err != nil || other.ID == i.ID {
		t.Fatalf("without the patch it is the same image: %s, %v", other.ID, err)
	}
	h := lab.ForTest(t, lab.Options{Hosts: []lab.HostOptions{{Name: "a", Docker: true}}}).Host("a")
	if err := h.Install(t.Context(), bytes.NewReader(i.Archive), "/tmp/agave.tar"); err != nil {
		t.Fatal(err)
	}
	out, err := h.Shell(t.Context(), `
docker load -q -i /tmp/agave.tar >&2
docker image inspect -f '{{.Id}}' "$1"
docker run --rm --entrypoint agave-validator "$1" --version
docker run -d --name validator --network host -v /srv/v:/data -e AGAVE_MODE=rpc -e VALIDATOR_ENTRYPOINT=192.0.2.1:8001 -e KNOWN_VALIDATOR=A "$1" >/dev/null
for i in $(seq 600); do docker exec validator agave-validator --ledger /data/ledger contact-info >/dev/null 2>&1 && break; sleep 0.1; done
pid=$(docker inspect -f '{{.State.Pid}}' validator)
cat /proc/$pid/comm
readlink /proc/$pid/exe
docker exec validator agave-validator --ledger /data/ledger exit --force >&2 || test $? = 137
docker wait validator
tail -1 /srv/v/log/validator.log | sed 's/.*] //'
`, i.Tag)
	want := i.ID + "\nagave-validator 3.1.9 (src:9f6c3ad2; feat:3640012085, client:Agave)\nagave-validator\n/usr/local/bin/agave-validator\n0\nValidator exiting..\n"
	if err != nil || string(out) != want {
		logs, _ := h.Shell(t.Context(), "docker logs validator 2>&1 | tail -20")
		t.Errorf("%v\ngot\n%s\nwant\n%s\n%s", err, out, want, logs)
	}
}
