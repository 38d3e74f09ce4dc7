package spec

// DeviceSocket is the abstract unix socket, in a host's network namespace, where its stand-in programs ask for block
// devices. Devices are the machine's, so bisc-lab makes them: it can then give them back when the host is gone.
const DeviceSocket = "@bisc-lab"

// What a DeviceRequest asks for.
const (
	LoopOpen = "loop-open" // the loop device of volume Name, made with Size bytes if there is none
	LoopSize = "loop-size" // give volume Name's device Size bytes
	LoopDrop = "loop-drop" // remove volume Name's device and what it held
	ZramAdd  = "zram-add"  // a new zram of Size bytes
	ZramDrop = "zram-drop" // remove the zram with number Number
)

// DeviceRequest is one JSON object sent to DeviceSocket; the answer is a DeviceReply.
type DeviceRequest struct {
	Op     string `json:"op"`
	Name   string `json:"name,omitempty"`
	Size   int64  `json:"size,omitempty"` // bytes
	Number int    `json:"number,omitempty"`
}

// DeviceReply names the device, or says why there is none.
type DeviceReply struct {
	Major  uint32 `json:"major,omitempty"`
	Minor  uint32 `json:"minor,omitempty"`
	Number int    `json:"number,omitempty"` // of a zram
	Error  string `json:"error,omitempty"`
}
