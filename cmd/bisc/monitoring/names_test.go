package monitoring

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"bisc/relaybin/meter"
	"bisc/relaybin/stream"
)

// Every metric that an alert, a panel or the live view asks for is one that the daemons really have. A name that nobody serves
// is an alarm that never goes.
func TestEveryMetricExists(t *testing.T) {
	served := map[string]bool{}
	for _, name := range servedByDaemons(t) {
		served[name] = true
	}
	for _, name := range describedByMeter() { // many of the meter's come with traffic only
		served[name] = true
	}
	view, err := os.ReadFile("../figures/parts.go")
	if err != nil {
		t.Fatal(err)
	}
	for where, text := range map[string]string{"alerts.yml": string(Alerts()), "dashboard.json": string(Dashboard()), "the live view": string(view)} {
		names := metrics(text)
		if len(names) < 15 {
			t.Errorf("%s: only %d names were found", where, len(names))
		}
		for _, name := range names {
			if !served[name] {
				t.Errorf("%s asks for %s, which no daemon serves", where, name)
			}
		}
	}
}

func describedByMeter() []string {
	descs := make(chan *prometheus.Desc, 200)
	meter.NewCollector(nil).Describe(descs)
	close(descs)
	var out []string
	for d := range descs {
		out = append(out, regexp.MustCompile(`fqName: "([^"]+)"`).FindStringSubmatch(d.String())[1])
	}
	return out
}

// servedByDaemons builds the three daemons, runs them in a network namespace, and gives the families of their pages.
func servedByDaemons(t *testing.T) []string {
	t.Helper()
	dir, ns := t.TempDir(), fmt.Sprintf("bisc-mon-%d", os.Getpid())
	run := func(name string, args ...string) {
		t.Helper()
		if out, err := exec.Command(name, args...).CombinedOutput(); err != nil {
			t.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, out)
		}
	}
	run("go", "build", "-o", dir+"/", "bisc/relaybin/cmd/shredmirror", "bisc/relaybin/cmd/shredunwrap", "bisc/relaybin/cmd/shredmeter")
	run("ip", "netns", "add", ns)
	t.Cleanup(func() { _ = exec.Command("ip", "netns", "del", ns).Run() })
	for _, line := range []string{"link set lo up", "link add name near type veth peer name far", "addr add 198.51.100.1/30 dev near", "link set near up", "link set far up"} {
		run("ip", append([]string{"-n", ns}, strings.Fields(line)...)...)
	}
	pages := ""
	for port, args := range map[string][]string{
		"9465": {"shredmirror", "--device", "far", "--match-addr", "203.0.113.10", "--match-port", "8001", "--form", "sequenced", "--to", "198.51.100.2:20001", "--via-device", "near"},
		"9466": {"shredunwrap", "--listen-sequenced", "127.0.0.1:9101", "--allow", "127.0.0.1/32", "--to", "127.0.0.1:9000", "--filter", "off"},
		"9467": {"shredmeter", "--path", "name=relay,device=lo,port=9000"},
	} {
		daemon(t, ns, filepath.Join(dir, args[0]), args[1:]...)
		pages += pageWith(t, ns, port, args[0]+"_build_info")
	}
	packet := make([]byte, stream.Size+1203)
	stream.Header{Stream: 7, Sequence: 1, Time: time.Now().UnixNano()}.Encode(packet)
	file := filepath.Join(dir, "packet")
	if err := os.WriteFile(file, packet, 0o600); err != nil {
		t.Fatal(err)
	}
	run("ip", "netns", "exec", ns, "bash", "-c", `cat "$1" >/dev/udp/127.0.0.1/9101`, "x", file)
	pages += pageWith(t, ns, "9466", "shredunwrap_stream_lost_total")
	var out []string
	for _, m := range regexp.MustCompile(`(?m)^# TYPE (\S+)`).FindAllStringSubmatch(pages, -1) {
		out = append(out, m[1])
	}
	slices.Sort(out)
	return slices.Compact(out)
}

func daemon(t *testing.T, ns, program string, args ...string) {
	t.Helper()
	cmd := exec.Command("ip", append([]string{"netns", "exec", ns, program}, args...)...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	cmd.Stderr = t.Output()
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Signal(syscall.SIGTERM); _ = cmd.Wait() })
}

// pageWith waits, at most a minute, until a daemon's page has a family.
func pageWith(t *testing.T, ns, port, family string) string {
	t.Helper()
	for until := time.Now().Add(time.Minute); time.Now().Before(until); time.Sleep(100 * time.Millisecond) {
		out, err := exec.Command("ip", "netns", "exec", ns, "curl", "-qsS", "http://127.0.0.1:"+port+"/metrics").Output()
		if err == nil && strings.Contains(string(out), "# TYPE "+family) {
			return string(out)
		}
	}
	t.Fatalf("the page of port %s has no %s", port, family)
	return ""
}
