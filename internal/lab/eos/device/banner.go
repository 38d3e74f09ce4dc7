package device

import "strings"

// Banner gives the text of "banner motd" or "banner login" as it is in force, "" for none: what a login shows of it is the front end's.
func (d *Device) Banner(kind string) string {
	_, rest, found := strings.Cut(d.Running(), "\nbanner "+kind+"\n")
	text, _, _ := strings.Cut(rest, "\nEOF\n")
	if !found {
		return ""
	}
	return text + "\n"
}
