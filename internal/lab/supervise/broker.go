package supervise

import (
	"encoding/json"
	"fmt"
	"net"
	"path/filepath"
	"slices"
	"strings"

	"bisc/internal/lab/spec"
)

// broker makes block devices for one host's stand-in programs.
type broker struct {
	dir   string // backing files of volumes
	ask   chan func()
	loops map[string]*loop
	zrams *zrams // the lab's
	own   []int  // this host's of them
}

func newBroker(z *zrams, dir string) *broker {
	b := &broker{zrams: z, dir: dir, ask: make(chan func()), loops: map[string]*loop{}}
	go func() {
		for f := range b.ask {
			f()
		}
	}()
	return b
}

// serve answers in a host's network namespace, which is where the socket's name is known, until that boot ends.
func (b *broker) serve(host netns) (stop func(), err error) {
	var l net.Listener
	err = host.do(func() (err error) {
		l, err = net.Listen("unix", spec.DeviceSocket)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("open the device socket: %w", err)
	}
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go b.answer(conn)
		}
	}()
	return func() { l.Close() }, nil
}

func (b *broker) answer(conn net.Conn) {
	defer conn.Close()
	var q spec.DeviceRequest
	if err := json.NewDecoder(conn).Decode(&q); err != nil {
		return
	}
	var reply spec.DeviceReply
	done := make(chan struct{})
	b.ask <- func() {
		defer close(done)
		var err error
		if reply, err = b.do(q); err != nil {
			reply = spec.DeviceReply{Error: err.Error()}
		}
	}
	<-done
	json.NewEncoder(conn).Encode(reply)
}

// do runs on the broker's one goroutine.
func (b *broker) do(q spec.DeviceRequest) (spec.DeviceReply, error) {
	switch q.Op {
	case spec.LoopOpen:
		return b.openLoop(q.Name, q.Size)
	case spec.LoopSize:
		l := b.loops[q.Name]
		if l == nil {
			return spec.DeviceReply{}, fmt.Errorf("no volume %s", q.Name)
		}
		return l.reply(), l.resize(q.Size)
	case spec.LoopDrop:
		l := b.loops[q.Name]
		if l == nil {
			return spec.DeviceReply{}, nil
		}
		delete(b.loops, q.Name)
		return spec.DeviceReply{}, l.drop()
	case spec.ZramAdd:
		n, err := b.zrams.add(q.Size)
		if err != nil {
			return spec.DeviceReply{}, err
		}
		b.own = append(b.own, n)
		major, minor, err := deviceNumber(fmt.Sprintf("/sys/block/zram%d/dev", n))
		return spec.DeviceReply{Major: major, Minor: minor, Number: n}, err
	case spec.ZramDrop:
		return spec.DeviceReply{}, b.dropZram(q.Number)
	}
	return spec.DeviceReply{}, fmt.Errorf("unknown request %q", q.Op)
}

func (b *broker) openLoop(name string, size int64) (spec.DeviceReply, error) {
	if l := b.loops[name]; l != nil {
		return l.reply(), nil
	}
	l, err := newLoop(filepath.Join(b.dir, strings.ReplaceAll(name, "/", "+")), size)
	if err != nil {
		return spec.DeviceReply{}, err
	}
	b.loops[name] = l
	return l.reply(), nil
}

// dropZram removes one of this host's own zrams; another's number is refused.
func (b *broker) dropZram(n int) error {
	i := slices.Index(b.own, n)
	if i < 0 {
		return fmt.Errorf("zram%d is not this host's", n)
	}
	if err := b.zrams.drop(n); err != nil {
		return err
	}
	b.own = slices.Delete(b.own, i, i+1)
	return nil
}

// reboot drops what does not outlive a boot: a ramdisk's memory.
func (b *broker) reboot() error {
	done := make(chan error)
	b.ask <- func() {
		for len(b.own) > 0 {
			// The host's mounts go a moment after its last process.
			if err := retry(func() error { return b.dropZram(b.own[0]) }); err != nil {
				done <- err
				return
			}
		}
		done <- nil
	}
	return <-done
}
