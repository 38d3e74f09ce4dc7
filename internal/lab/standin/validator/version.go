package validator

import (
	"encoding/json"
	"os"
)

// MadeFile is where an image says of what it was made (Made); without it the program is a plain 3.1.9.
const MadeFile = "/etc/lab-agave.json"

// Made is what an image was built from. The program in it is the same; what differs is what it takes and tells.
type Made struct {
	Version string `json:"version"` // "3.1.9"
	Commit  string `json:"commit"`  // of the source, 8 hex digits as --version tells them
	// TVU is true with the patch for --public-tvu-address, which no 3.x has by itself (solana.md 1).
	TVU bool `json:"tvu"`
}

func made() Made {
	m := Made{Version: "3.1.9", Commit: "9f6c3ad2"}
	if text, err := os.ReadFile(MadeFile); err == nil {
		if err := json.Unmarshal(text, &m); err != nil {
			panic(MadeFile + ": " + err.Error())
		}
	}
	return m
}

// features is the number of 3.1's feature set.
const features = 3_640_012_085

func versionLine() string {
	m := made()
	return m.Version + " (src:" + m.Commit + "; feat:3640012085, client:Agave)"
}
