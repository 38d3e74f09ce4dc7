package solana

import (
	"fmt"
	"net/http"
	"time"

	"bisc/internal/lab/solana/key"
)

// Faults of a node. Those of a transfer act on archives alone, others on all that it answers.
const (
	FaultRefused   = "refused"    // closes connections
	FaultSilent    = "silent"     // takes connections and says nothing
	FaultLimited   = "limited"    // 429 Too Many Requests
	FaultHTML      = "html"       // 200 with a page, as a proxy's
	FaultLocation  = "location"   // its 303 names what is no archive
	FaultElsewhere = "elsewhere"  // its 303 leads to another slot than its archive's name says: the file of the name is 404
	FaultVanish    = "vanish"     // an archive is 404 once the first probe was answered
	FaultShort     = "short"      // a transfer ends in the middle, with a Content-Length that promises more
	FaultLong      = "long"       // Content-Length says half of the archive, which is cut there and is no archive
	FaultCorrupt   = "corrupt"    // a byte in the middle is another
	FaultBreaks    = "breaks"     // the connection breaks after half, once; then it is well
	FaultBase      = "other-base" // its incremental is on top of another full one
)

// Node is one of the cluster. The zero value is a good source: a full archive and an incremental one that follows the clock.
type Node struct {
	Pubkey  string // from its number when it is ""
	Version string // "3.1.9" when it is ""
	Private bool   // getClusterNodes tells no RPC address

	Without bool // no snapshots: 404
	// Base is the full archive's slot; 0 is the newest multiple of 25,000, plus Offset: base slots are not the same everywhere.
	Base, Offset uint64
	// Every is how many slots an incremental comes after the last, 100 when it is 0; Lag how many slots it is late. NoIncremental has none.
	Every, Lag    uint64
	NoIncremental bool

	Size, IncrementalSize int // of the archives in bytes, about; 64 KiB and 16 KiB when they are 0
	Variant               int // archives of the same name differ by it

	Latency  time.Duration // before each answer
	Speed    int           // bytes a second of a transfer; 0 is no limit
	Range    bool          // answers ranges, as nginx does and agave does not
	Absolute bool          // Location is a URL and not a path
	Prefix   string        // a path before the names in Location, as behind nginx: "/snapshots"
	Fault    string

	probed, broke bool
}

// fullEvery is the spacing of full archives where a node has no base of its own.
const fullEvery = 25_000

func (n Node) base(tip uint64) uint64 {
	if n.Base != 0 {
		return n.Base
	}
	return (tip-min(tip, n.Offset))/fullEvery*fullEvery + n.Offset
}

// incremental is the slot of its incremental archive, 0 is none.
func (n Node) incremental(tip uint64) uint64 {
	base, every := n.base(tip), n.Every
	if every == 0 {
		every = 100
	}
	if n.NoIncremental || tip < base+n.Lag+every {
		return 0
	}
	return base + (tip-n.Lag-base)/every*every
}

// FullName is the name of a full archive.
func FullName(slot uint64) string {
	return fmt.Sprintf("snapshot-%d-%s.tar.zst", slot, key.Hash(fmt.Sprint("full ", slot)))
}

// IncrementalName is the name of an incremental archive.
func IncrementalName(base, slot uint64) string {
	return fmt.Sprintf("incremental-snapshot-%d-%d-%s.tar.zst", base, slot, key.Hash(fmt.Sprint(base, " to ", slot)))
}

// names are those of its archives at a tip; an incremental that it has not is "".
func (n Node) names(tip uint64) (full, incremental string) {
	base := n.base(tip)
	full = FullName(base)
	if slot := n.incremental(tip); slot > base {
		if n.Fault == FaultBase {
			base -= fullEvery
		}
		incremental = IncrementalName(base, slot)
	}
	return full, incremental
}

// Archives are the names that node i offers now; "" is none.
func (c *Cluster) Archives(i int) (full, incremental string) {
	n, tip := c.look(i)
	return n.names(tip)
}

func (c *Cluster) look(i int) (Node, uint64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return *c.nodes[i], c.clock.Tip(time.Now())
}

func (n Node) location(addr, name string) string {
	path := n.Prefix + "/" + name
	if n.Absolute {
		return "http://" + addr + path
	}
	return path
}

// ahead is what a node does before it looks at what was asked: true if that was all.
func (n Node) ahead(w http.ResponseWriter, r *http.Request) bool {
	select {
	case <-r.Context().Done():
		return true
	case <-time.After(n.Latency):
	}
	switch n.Fault {
	case FaultRefused:
		panic(http.ErrAbortHandler) // closes the connection without an answer
	case FaultSilent:
		<-r.Context().Done()
		return true
	case FaultLimited:
		w.Header().Set("Retry-After", "30")
		http.Error(w, "Too Many Requests", http.StatusTooManyRequests)
		return true
	case FaultHTML:
		w.Header().Set("Content-Type", "text/html")
		fmt.Fprint(w, "<html><body>It works!</body></html>")
		return true
	}
	return false
}
