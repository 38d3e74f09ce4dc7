package schedule

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"
)

// A unit begins with two lines that tell whose it is, and whether somebody has edited it since.
const (
	sealFirst  = "# Written by bisc schedule install; bisc schedule remove takes it away. For changes of your own: a drop-in.\n"
	sealSecond = "# sha256 of what follows: "
)

func sealed(text string) string {
	return sealFirst + sealSecond + digest(text) + "\n" + text
}

func digest(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])
}

// owner tells whose a unit's file is.
type owner int

const (
	ours    owner = iota // as bisc wrote it
	edited               // bisc wrote it, and somebody changed it
	foreign              // somebody else's
)

func ownerOf(text string) owner {
	rest, ok := strings.CutPrefix(text, sealFirst)
	if !ok {
		return foreign
	}
	line, body, _ := strings.Cut(rest, "\n")
	if line != strings.TrimSuffix(sealSecond, "\n")+digest(body) {
		return edited
	}
	return ours
}

// notOurs is why a file is left alone.
func notOurs(name string, o owner) error {
	if o == edited {
		return fmt.Errorf("%s was edited by hand since bisc wrote it: put the changes into a drop-in (systemctl edit), or say --force", name)
	}
	return fmt.Errorf("%s was not written by bisc schedule: move it away, choose another --name, or say --force", name)
}
