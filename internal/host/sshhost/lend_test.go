package sshhost

import (
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"bisc/internal/host"
	"bisc/internal/lab"
)

// lab host's steps with and without the operator's agent.
func lentScript(text string) host.Script {
	return host.Script{Argv: []string{"sh", "-c", text}, ForwardAgent: true}
}

// The agent is there for the step that asks for it, for the login user too, and only to sign; before and after there is no way
// to it, for root neither.
func TestAgentIsLentToOneStep(t *testing.T) {
	h := lab.ForTest(t, lab.Names("lend")).Host("lend")
	shell := outOfBand(h)
	agent := startAgent(t, t.TempDir(), "own", h.KeyFile())
	cfg := config(h, "ops")
	cfg.AgentSocket = agent.socket
	w := writer(t, pool(t), cfg, "run")
	none := host.Script{Argv: []string{"sh", "-c", `test -z "$SSH_AUTH_SOCK" && ! ls -d /tmp/ssh-*`}}
	if err := w.Do(t.Context(), none); err != nil {
		t.Fatalf("before: %v", err)
	}
	for range 2 {
		step := lentScript(`set -e
			ssh-add -l >/srv/root; setpriv --reuid ops --regid ops --init-groups ssh-add -l >/srv/ops
			! ssh-add -D 2>/srv/refused; ssh-add -l >/srv/after
			! setpriv --reuid solana --regid solana --clear-groups ssh-add -l
			echo "$SSH_AUTH_SOCK" >/srv/socket`)
		step.Guards = []host.Guard{host.ValidatorStopped()}
		if err := w.Do(t.Context(), step); err != nil {
			t.Fatal(err)
		}
	}
	shell(t, `grep -q ED25519 /srv/root; cmp /srv/root /srv/ops; cmp /srv/root /srv/after; test ! -e "$(cat /srv/socket)"`)
	if err := w.Do(t.Context(), none); err != nil {
		t.Errorf("after: %v", err)
	}
}

// Where no agent can be lent, nothing is done, and the operator is told what to do.
func TestNoAgentToLend(t *testing.T) {
	h := lab.ForTest(t, lab.Names("nolend")).Host("nolend")
	shell := outOfBand(h)
	t.Setenv("SSH_AUTH_SOCK", "")
	dir := t.TempDir()
	empty := startAgent(t, dir, "empty")
	full := startAgent(t, dir, "full", h.KeyFile())
	step := lentScript("touch /srv/done")
	for _, tt := range []struct {
		name, socket, key string
		words             []string
	}{
		{"none is wanted", "none", "", []string{"there is no agent", "agent_socket"}},
		{"none is there", "", "", []string{"ssh-add", "start one"}},
		{"a stale socket", filepath.Join(dir, "gone"), "", []string{"no such file"}},
		{"an agent without keys", empty.socket, "", []string{"it has no keys"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			cfg := config(h, "ops")
			cfg.AgentSocket = tt.socket
			w := writer(t, pool(t), cfg, "run")
			err := w.Do(t.Context(), step)
			says(t, err, nil, append(tt.words, "nolend: forward the SSH agent")...)
			if err := w.Close(); err != nil {
				t.Error(err)
			}
		})
	}
	shell(t, `echo 'AllowAgentForwarding no' >/etc/ssh/sshd_config.d/no.conf; systemctl restart ssh; test ! -e /srv/done`)
	cfg := config(h, "ops")
	cfg.AgentSocket = full.socket
	says(t, writer(t, pool(t), cfg, "run").Do(t.Context(), step), nil, "does not take agents", "AllowAgentForwarding")
	shell(t, "test ! -e /srv/done")
	if strings.Contains(os.Getenv("SSH_AUTH_SOCK"), "ssh") {
		t.Error("the test's own environment has an agent")
	}
}

// A host that is not reached by SSH has nothing to forward over.
func TestNoForwardingOnThisMachine(t *testing.T) {
	w := &Writer{Host: &Host{cfg: &Config{Sessions: others{}}}}
	_, _, err := w.lend(t.Context())
	says(t, err, errNoAgentHere, "not connected by SSH")
}

// What a host asks of a lent agent beside keys and signatures never reaches it.
func TestLentAgentOnlySigns(t *testing.T) {
	near, far := net.Pipe()
	agentNear, agentFar := net.Pipe()
	for _, c := range []net.Conn{near, far, agentNear, agentFar} {
		t.Cleanup(func() { _ = c.Close() })
	}
	go func() { _ = onlySign(far, agentNear) }()
	reached := make(chan byte, 300)
	go func() {
		for {
			m, err := agentMessage(agentFar)
			if err != nil {
				return
			}
			reached <- m[4]
			_, _ = agentFar.Write([]byte{0, 0, 0, 1, 99})
		}
	}()
	for kind := range 256 {
		if _, err := near.Write([]byte{0, 0, 0, 1, byte(kind)}); err != nil {
			t.Fatal(err)
		}
		m, err := agentMessage(near)
		want := byte(agentFailure)
		if kind == 11 || kind == 13 {
			want = 99
		}
		if err != nil || m[4] != want {
			t.Errorf("message %d is answered %v, %v, want %d", kind, m, err, want)
		}
	}
	if n := len(reached); n != 2 {
		t.Errorf("%d messages reached the agent, want 2", n)
	}
	if _, err := agentMessage(strings.NewReader("\xff\xff\xff\xff")); err == nil {
		t.Error("a message of 4 GiB is waited for")
	}
}
