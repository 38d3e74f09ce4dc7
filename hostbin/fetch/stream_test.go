package fetch

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"bisc/hostbin/cluster"
	"bisc/hostbin/snapshots"
)

func quiet() *Progress { return NewProgress("fetch", io.Discard, "", time.Hour) }

// single is a fetcher of one server.
func single(t *testing.T, answer http.HandlerFunc) (*fetcher, string) {
	t.Helper()
	s := httptest.NewServer(answer)
	t.Cleanup(func() { s.CloseClientConnections(); s.Close() })
	c, err := cluster.New(s.URL, "", 0)
	if err != nil {
		t.Fatal(err)
	}
	return &fetcher{client: c, order: order(t, t.TempDir()), say: quiet()}, s.URL + "/file"
}

// lz4 is an archive of blocks that are all alike, so that from one to the next its frames lead to an end wherever one begins:
// of lz4 no checksum tells that a piece is another file's.
func lz4(blocks int, fill byte) []byte {
	var of []string
	for range blocks {
		of = append(of, strings.Repeat(string(rune(fill)), 996)) // with its length 1000 bytes
	}
	return frame(of...)
}

// The rest that was asked for is taken only where the answer says that it is the rest, from that byte on, of a file of that
// length. An lz4 archive made of two files passes every later look.
func TestTheRestIsTheRest(t *testing.T) {
	a := snapshots.Archive{Slot: 7, Hash: hash(7), Format: "tar.lz4"}
	mine, other := lz4(100, 'm'), lz4(100, 'o')
	done := 7 + 40*1000
	for said, want := range map[string]bool{
		fmt.Sprintf("bytes %d-%d/%d", done, len(mine)-1, len(mine)):      true,
		fmt.Sprintf("bytes %d-%d/%d", done-1000, len(mine)-1, len(mine)): false, // from another byte on
		fmt.Sprintf("bytes %d-%d/%d", done, len(mine), len(mine)+1):      false, // of another file
		fmt.Sprintf("bytes %d-%d/*", done, len(mine)-1):                  false,
		fmt.Sprintf("%d-%d/%d", done, len(mine)-1, len(mine)):            false,
		"": false,
	} {
		sent := mine
		if !want {
			sent = other
		}
		f, url := single(t, func(w http.ResponseWriter, r *http.Request) {
			if r.Header.Get("Range") != fmt.Sprintf("bytes=%d-", done) {
				t.Errorf("asked for %q", r.Header.Get("Range"))
			}
			w.Header().Set("Content-Range", said)
			w.Header().Set("Content-Length", fmt.Sprint(len(sent)-done))
			w.WriteHeader(http.StatusPartialContent)
			_, _ = w.Write(sent[done:])
		})
		o := offer{URL: url, Length: int64(len(mine)), ETag: `"a"`, Ranges: true}
		part := filepath.Join(f.order.Into, snapshots.Partial(a.Name()))
		if err := errors.Join(os.WriteFile(part, mine[:done], 0o644), o.note(part)); err != nil {
			t.Fatal(err)
		}
		err := f.byOne(t.Context(), a, part, o)
		got, _ := os.ReadFile(part)
		if want && (err != nil || !bytes.Equal(got, mine)) {
			t.Errorf("%q: %v, %d bytes", said, err, len(got))
		}
		if !want && (err == nil || !strings.Contains(err.Error(), "asked for the rest") || !bytes.Equal(got, mine[:done])) {
			t.Errorf("%q: %v, %d bytes of two files", said, err, len(got))
		}
	}
}

// A partial file that is whole already is checked, and nothing is asked for: a server refuses a range that begins at the end.
func TestWholePartIsOnlyChecked(t *testing.T) {
	f, url := single(t, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusRequestedRangeNotSatisfiable) })
	a, body := snapshots.Archive{Slot: 7, Hash: hash(7), Format: "tar.lz4"}, lz4(20, 'm')
	o := offer{URL: url, Length: int64(len(body)), ETag: `"a"`, Ranges: true}
	part := filepath.Join(f.order.Into, snapshots.Partial(a.Name()))
	if err := errors.Join(os.WriteFile(part, body, 0o644), o.note(part), f.byOne(t.Context(), a, part, o)); err != nil {
		t.Error(err)
	}
}

// A file whose length is another than was said a moment ago is another file, and takes room that was not counted: not a byte of
// it is written.
func TestLengthHasChanged(t *testing.T) {
	for _, now := range []int{50 * kb, 200 * kb} {
		f, url := single(t, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", fmt.Sprint(now))
			_, _ = w.Write(make([]byte, now))
		})
		a := snapshots.Archive{Slot: 7, Hash: hash(7), Format: "tar.lz4"}
		part := filepath.Join(f.order.Into, snapshots.Partial(a.Name()))
		err := f.byOne(t.Context(), a, part, offer{URL: url, Length: 100 * kb, Ranges: true})
		info, serr := os.Stat(part)
		size := int64(-1)
		if serr == nil {
			size = info.Size()
		}
		if err == nil || !strings.Contains(err.Error(), "says now") || size != 0 {
			t.Errorf("%d bytes: %v, %v; %d are written", now, err, serr, size)
		}
	}
}

// A full disk is this host's fault: no other source helps.
func TestDiskIsFull(t *testing.T) {
	f, url := single(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", fmt.Sprint(100*kb))
		_, _ = w.Write(make([]byte, 100*kb))
	})
	file, err := os.OpenFile("/dev/full", os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	if _, err := f.stream(t.Context(), file, offer{URL: url, Length: 100 * kb}, 0, newFollower(file, 0)); !isHere(err) {
		t.Error(err)
	}
}

// A download that has become slower than another source's whole is left, before its end.
func TestSlowIsLeft(t *testing.T) {
	var sent atomic.Int64
	f, url := single(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Length", fmt.Sprint(100*kb))
		for range 100 {
			n, _ := w.Write(make([]byte, kb))
			w.(http.Flusher).Flush()
			sent.Add(int64(n))
			select {
			case <-time.After(10 * time.Millisecond):
			case <-r.Context().Done():
				return
			}
		}
	})
	f.order.Window, f.next = 100*time.Millisecond, 1<<40
	file, err := os.Create(filepath.Join(f.order.Into, "file"))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	f.say.Doing("downloading", "file", 0, 100*kb)
	if got, err := f.stream(t.Context(), file, offer{URL: url, Length: 100 * kb}, 0, newFollower(file, 0)); !errors.Is(err, errSlow) || got == 100*kb {
		t.Errorf("%d bytes came, %d were sent: %v", got, sent.Load(), err)
	}
}

// A source whose file of the same name has another length is not used beside the first; one that does not answer is none.
func TestOffersAreOfOneFile(t *testing.T) {
	n := startNetwork(t, 100_500)
	var urls []string
	for _, size := range []int{100 * kb, 90 * kb, 100 * kb, kb} {
		s := n.add().serves(size, full(100_400))
		urls = append(urls, s.server.URL+"/"+full(100_400))
	}
	n.nodes[3].server.Close()
	c, err := newClient(n, order(t, t.TempDir()))
	if err != nil {
		t.Fatal(err)
	}
	var said bytes.Buffer
	f := &fetcher{client: c, say: NewProgress("fetch", &said, "", time.Hour)}
	got := f.offers(t.Context(), urls)
	if len(got) != 2 || got[0].URL != urls[0] || got[1].URL != urls[2] || !strings.Contains(said.String(), "not used beside it") {
		t.Errorf("%+v\n%s", got, said.String())
	}
}
