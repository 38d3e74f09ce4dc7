package storage

import (
	"fmt"

	"bisc/internal/host"
	"bisc/modules"
)

// ownership is who owns a folder and its mode; what is not set is not looked at.
type ownership struct {
	owner, group modules.ID
	mode         modules.Mode
}

// compare adds what differs of a folder that is there, and the steps that set it. The folder may be a mount point: what is
// visible there is what counts.
func (o ownership) compare(c *modules.Change, name string, st host.Stat) {
	var owner string
	if o.owner.Set && c.Differ("owner", fmt.Sprint(st.UID), o.owner.String()) {
		owner = o.owner.String()
	}
	if o.group.Set && c.Differ("group", fmt.Sprint(st.GID), o.group.String()) {
		owner += ":" + o.group.String()
	}
	if owner != "" {
		c.Do(host.Script{Argv: []string{"chown", "--no-dereference", owner, "--", name}})
	}
	// chown clears setuid and setgid, so the mode comes after.
	if o.mode != 0 && c.Differ("mode", modules.Mode(st.Mode).String(), o.mode.String()) {
		c.Do(host.Script{Argv: []string{"chmod", o.mode.String(), "--", name}})
	}
}
