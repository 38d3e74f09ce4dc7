package solana

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/klauspost/compress/zstd"

	"bisc/internal/lab"
	"bisc/internal/lab/solana/slot"
)

// still is a clock that does not run.
func still(tip uint64) slot.Clock { return slot.Clock{Slot: tip, At: time.Now(), Rate: 1e-9} }

func get(t *testing.T, method, url string, header ...string) (*http.Response, []byte, error) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	if len(header) == 2 {
		r.Header.Set(header[0], header[1])
	}
	client := http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }, Timeout: 20 * time.Second}
	answer, err := client.Do(r)
	if err != nil {
		return nil, nil, err
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	return answer, body, err
}

func (c *Cluster) url(i int, path string) string { return fmt.Sprintf("http://%s%s", c.Addr(i), path) }

// A good source redirects to archives that follow the clock, whatever the method, takes no notice of ranges, and sends real archives.
func TestSource(t *testing.T) {
	c := Start(t, Options{Clock: still(1_000_250), Nodes: []Node{{Absolute: true, Prefix: "/s"}, {Offset: 7, Lag: 100, Range: true}}})
	answer, _, err := get(t, "HEAD", c.url(0, "/snapshot.tar.bz2"))
	if err != nil || answer.StatusCode != 303 || answer.Header.Get("Location") != c.url(0, "/s/"+FullName(1_000_000)) {
		t.Fatalf("HEAD: %v, %+v", err, answer)
	}
	answer, body, err := get(t, "GET", answer.Header.Get("Location"), "Range", "bytes=0-0")
	if err != nil || answer.StatusCode != 200 || int64(len(body)) != answer.ContentLength {
		t.Fatalf("GET: %v, %+v", err, answer)
	}
	z, err := zstd.NewReader(bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if plain, err := io.ReadAll(z); err != nil || len(plain) < 64<<10 || string(plain[:7]) != "version" {
		t.Errorf("unpacked %d bytes, %v", len(plain), err)
	}
	if _, inc := c.Archives(1); inc != IncrementalName(1_000_007, 1_000_107) {
		t.Errorf("an incremental that is late: %s", inc)
	}
	c.SetClock(still(1_000_350))
	if _, inc := c.Archives(1); inc != IncrementalName(1_000_007, 1_000_207) {
		t.Errorf("it does not follow the clock: %s", inc)
	}
	if answer, _, _ := get(t, "GET", c.url(1, "/"+IncrementalName(1_000_007, 1_000_107))); answer.StatusCode != 404 {
		t.Errorf("the one before is still there: %d", answer.StatusCode)
	}
	answer, body, err = get(t, "GET", c.url(1, "/"+FullName(1_000_007)), "Range", "bytes=100-")
	if err != nil || answer.StatusCode != 206 || !bytes.Equal(body, Archive(true, 0, 0)[100:]) {
		t.Errorf("a range: %v, %d, %d bytes", err, answer.StatusCode, len(body))
	}
}

// Each fault is seen by a client as what it is called.
func TestFaults(t *testing.T) {
	good := Archive(true, 0, 0)
	name := "/" + FullName(1_000_000)
	for fault, wrong := range map[string]func(*http.Response, []byte, error) bool{
		FaultRefused: func(_ *http.Response, _ []byte, err error) bool { return err != nil },
		FaultLimited: func(a *http.Response, _ []byte, _ error) bool { return a.StatusCode == 429 },
		FaultHTML: func(a *http.Response, b []byte, _ error) bool {
			return a.StatusCode == 200 && bytes.HasPrefix(b, []byte("<html>"))
		},
		FaultElsewhere: func(a *http.Response, _ []byte, _ error) bool { return a.StatusCode == 404 },
		FaultShort: func(a *http.Response, b []byte, err error) bool {
			return err != nil && a == nil || err != nil && len(b) == len(good)/2 && a.ContentLength == int64(len(good))
		},
		FaultLong: func(a *http.Response, b []byte, err error) bool {
			return err == nil && a.ContentLength == int64(len(good)/2) && len(b) == len(good)/2
		},
		FaultCorrupt: func(a *http.Response, b []byte, err error) bool {
			return err == nil && len(b) == len(good) && !bytes.Equal(b, good)
		},
		FaultBreaks: func(_ *http.Response, _ []byte, err error) bool { return err != nil },
	} {
		c := Start(t, Options{Clock: still(1_000_250), Nodes: []Node{{Fault: fault}}})
		if a, b, err := get(t, "GET", c.url(0, name)); !wrong(a, b, err) {
			t.Errorf("%s: %v, %d bytes, %v", fault, a, len(b), err)
		}
		if fault == FaultBreaks {
			if _, b, err := get(t, "GET", c.url(0, name)); err != nil || !bytes.Equal(b, good) {
				t.Errorf("%s: the second time: %d bytes, %v", fault, len(b), err)
			}
		}
	}
	c := Start(t, Options{Clock: still(1_000_250), Nodes: []Node{{Fault: FaultVanish}, {Fault: FaultLocation}, {Fault: FaultBase}, {Without: true}}})
	first, _, _ := get(t, "HEAD", c.url(0, "/snapshot.tar.bz2"))
	second, _, _ := get(t, "HEAD", c.url(0, "/snapshot.tar.bz2"))
	file, _, _ := get(t, "GET", c.url(0, name))
	if first.StatusCode != 303 || second.StatusCode != 404 || file.StatusCode != 404 {
		t.Errorf("what vanishes: %d, %d, %d", first.StatusCode, second.StatusCode, file.StatusCode)
	}
	if a, _, _ := get(t, "HEAD", c.url(1, "/snapshot.tar.bz2")); a.Header.Get("Location") != "/snapshot-latest.html" {
		t.Errorf("a wrong location: %s", a.Header.Get("Location"))
	}
	if _, inc := c.Archives(2); inc != IncrementalName(975_000, 1_000_200) {
		t.Errorf("another base: %s", inc)
	}
	if a, _, _ := get(t, "GET", c.url(3, "/snapshot.tar.bz2")); a.StatusCode != 404 {
		t.Errorf("without snapshots: %d", a.StatusCode)
	}
	if seen := c.Requests(); len(seen) != 5 || seen[0].Node != 0 || seen[0].Status != 303 || seen[4].Node != 3 {
		t.Errorf("requests: %+v", seen)
	}
}

func ask(t *testing.T, url, method, params string, into any) {
	t.Helper()
	r, err := http.Post(url, "application/json", strings.NewReader(`{"jsonrpc":"2.0","id":1,"method":"`+method+`","params":`+params+`}`))
	if err != nil {
		t.Fatal(err)
	}
	defer r.Body.Close()
	if err := json.NewDecoder(r.Body).Decode(into); err != nil {
		t.Fatal(err)
	}
}

// Five thousand nodes are one listener: each answers for itself.
func TestThousands(t *testing.T) {
	c := Start(t, Options{Nodes: make([]Node, 5000), Clock: still(1_000_250)})
	var told struct {
		Result []struct{ Pubkey, RPC string }
	}
	ask(t, c.RPC, "getClusterNodes", "[]", &told)
	if len(told.Result) != 5000 || told.Result[4999].RPC != c.Addr(4999).String() || told.Result[0].Pubkey == told.Result[1].Pubkey {
		t.Fatalf("%d nodes", len(told.Result))
	}
	for _, i := range []int{0, 255, 256, 4999} {
		if a, _, err := get(t, "HEAD", "http://"+told.Result[i].RPC+"/snapshot.tar.bz2"); err != nil || a.StatusCode != 303 {
			t.Errorf("node %d: %v", i, err)
		}
		if seen := c.Requests(); seen[len(seen)-1].Node != i {
			t.Errorf("node %d answered as %d", i, seen[len(seen)-1].Node)
		}
	}
	var slot struct{ Result uint64 }
	if ask(t, c.RPC, "getSlot", `[{"commitment":"finalized"}]`, &slot); slot.Result != 1_000_250-31 {
		t.Errorf("getSlot: %d", slot.Result)
	}
}

// The entrypoint's answer is byte for byte agave's, after a byte to each UDP port that was named.
func TestEntrypoint(t *testing.T) {
	c := Start(t, Options{Seen: netip.MustParseAddr("127.0.0.1")})
	udp, err := net.ListenPacket("udp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer udp.Close()
	port := udp.LocalAddr().(*net.UDPAddr).Port
	conn, err := net.Dial("tcp4", c.Entrypoint)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	request := make([]byte, 21)
	request[12], request[13], request[20] = byte(port), byte(port>>8), '\n'
	if _, err := conn.Write(request); err != nil {
		t.Fatal(err)
	}
	got, err := io.ReadAll(conn)
	if want := "00000000000000007f00000101adc3" + strings.Repeat("00", 12); err != nil || hex.EncodeToString(got) != want {
		t.Errorf("answer %x, %v, want %s", got, err, want)
	}
	if err := udp.SetReadDeadline(time.Now().Add(20 * time.Second)); err != nil {
		t.Fatal(err)
	}
	if n, _, err := udp.ReadFrom(make([]byte, 10)); n != 1 || err != nil {
		t.Errorf("the UDP port got %d bytes, %v", n, err)
	}
}

// A lab host reaches the nodes by public addresses, which its own network has.
func TestInHost(t *testing.T) {
	h := lab.ForTest(t, lab.Names("a")).Host("a")
	c := Start(t, Options{Host: h, Clock: still(1_000_250)})
	out, err := h.Exec(t.Context(), "bash", "-c", `exec 3<>/dev/tcp/198.18.0.3/18899; printf 'HEAD /incremental-snapshot.tar.bz2 HTTP/1.0\r\n\r\n' >&3; head -2 <&3`)
	if err != nil || !strings.Contains(string(out), "Location: /"+IncrementalName(1_000_000, 1_000_200)) {
		t.Errorf("%s, %v", out, err)
	}
	if seen := c.Requests(); len(seen) != 1 || seen[0].Node != 1 {
		t.Errorf("requests: %+v", seen)
	}
}
