package relay

import (
	"context"
	"strings"
	"testing"
	"time"

	bisc "bisc/internal/host"
	"bisc/internal/host/sshhost"
	"bisc/layers"
	"bisc/modules"
	kinds "bisc/modules/relay"
	"bisc/relaybin"
)

// operator applies to the host, over SSH as anybody would.
type operator struct {
	pool   *sshhost.Pool
	config sshhost.Config
}

func newOperator(h *host) *operator {
	o := &operator{pool: sshhost.NewPool(sshhost.Options{}), config: sshhost.Config{
		Name: h.Name, Addresses: []string{"127.0.0.1"}, Port: h.Port(), User: "ops", HostKeys: h.HostKeys(), Identities: []string{h.KeyFile()}, AgentSocket: "none",
	}}
	h.t.Cleanup(func() { o.pool.Close() })
	return o
}

func (o *operator) Reader(ctx context.Context, _ string) (bisc.Reader, error) {
	return o.pool.Open(ctx, o.config)
}

func (o *operator) Writer(ctx context.Context, _ string) (bisc.Writer, error) {
	return o.pool.OpenWriter(ctx, o.config, sshhost.LockRequest{Owner: "test", Run: "test"})
}

// An upgrade by apply loses no packet that reached the host: the new program and new settings come while shreds do, the sockets
// stay open, and afterwards there is nothing to do and the new program is what runs.
func TestApplyLosesNothing(t *testing.T) {
	want, err := relaybin.For("shredunwrap", "x86_64", "")
	if err != nil {
		t.Fatalf("%v (this test installs what is embedded: run `%s` and the test again)", err, relaybin.Command)
	}
	h := newHost(t, build(t, "one"))
	v, f := h.validator(), h.traffic()
	v.beyond(t, 2000)
	running := "sha256sum /proc/$(systemctl show --value -p MainPID bisc-shredunwrap.service)/exe | cut -d' ' -f1"
	sockets := h.shell("systemctl show --value -p ActiveEnterTimestampMonotonic bisc-shredunwrap-sequenced.socket")
	if h.shell(running) == want.SHA256 {
		t.Fatal("the program runs already")
	}
	service := kinds.ServiceKind.New("shredunwrap").(*kinds.Service)
	service.Sockets = map[string]string{"sequenced": listenAt.String()}
	service.Settings = map[string]string{"allow": "127.0.0.0/8", "to": tvu.String()}
	service.Settle = time.Minute
	resources := []modules.Resource{kinds.BinaryKind.New("shredunwrap"), service}
	service.Meet(resources)
	st := &layers.Stage{Layer: layers.Relay, Name: "relay", Host: h.Name, Assumes: []layers.Layer{}}
	for i, r := range resources {
		st.Items = append(st.Items, layers.Item{Address: string(rune('a' + i)), Resource: r})
	}
	report, err := layers.Climb{
		Stages: []*layers.Stage{st}, Hosts: newOperator(h), Acting: layers.Acting{Record: layers.NoRecord{}},
		Approve: func(int, layers.Report) (bool, error) { return true, nil },
	}.Run(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, o := range report.Outcomes() {
		if o.State != layers.InSync && o.State != layers.Changed || len(o.Left) > 0 {
			t.Errorf("%s is %s %s: %v %v", o.Item.Address, o.State, o.Reason, o.Err, o.Left)
		}
	}
	if got := h.shell(running); got != want.SHA256 {
		t.Errorf("%s runs, want %s", got, want.SHA256)
	}
	if got := h.shell("systemctl show --value -p ActiveEnterTimestampMonotonic bisc-shredunwrap-sequenced.socket"); got != sockets {
		t.Error("the socket was opened anew")
	}
	if conf := h.shell("cat /etc/bisc/relay/shredunwrap.conf"); !strings.Contains(conf, "Written by bisc") {
		t.Errorf("the settings are still\n%s", conf)
	}
	v.beyond(t, v.count()+2000)
	sent := f.end()
	if gone := v.missing(sent); len(gone) > 0 {
		t.Errorf("%d of %d did not arrive, the first %d", len(gone), sent, gone[0])
	}
	t.Logf("%d packets across an upgrade by apply", sent)
}
