package discover

import (
	"slices"
	"strconv"
	"strings"
)

// accountsSeen is the local accounts.
type accountsSeen struct{ passwd, group string }

func (r *reader) askAccounts(a *accountsSeen) []question {
	return []question{r.optional(&a.passwd, "accounts", "/etc/passwd"), r.optional(&a.group, "accounts", "/etc/group")}
}

// people are the numbers that accounts of people and of services by hand have, on Debian.
const firstPerson, lastPerson = 1000, 59999

// blocks makes a user of each account of a person, with its numbers and its groups.
func (a accountsSeen) blocks() (blocks []*Block) {
	groups, members := map[string]string{}, map[string][]string{}
	for line := range strings.Lines(a.group) {
		if f := strings.Split(strings.TrimSpace(line), ":"); len(f) == 4 {
			groups[f[2]] = f[0]
			for _, m := range strings.Split(f[3], ",") {
				members[m] = append(members[m], f[0])
			}
		}
	}
	for line := range strings.Lines(a.passwd) {
		f := strings.Split(strings.TrimSpace(line), ":")
		if len(f) != 7 {
			continue
		}
		uid, err := strconv.ParseUint(f[2], 10, 32)
		if err != nil || uid < firstPerson || uid > lastPerson {
			continue
		}
		b := newBlock("units", "user", f[0]).set("uid", Number(uid))
		if gid, err := strconv.ParseUint(f[3], 10, 32); err == nil && gid != uid {
			b.set("gid", Number(gid))
		}
		if g := groups[f[3]]; g != "" && g != f[0] {
			b.set("group", g)
		}
		setIf(b, "home", f[5])
		setIf(b, "shell", f[6])
		further := slices.Clone(members[f[0]])
		slices.Sort(further)
		if further = without(slices.Compact(further), groups[f[3]]); len(further) > 0 {
			b.set("groups", further)
		}
		blocks = append(blocks, b)
	}
	return blocks
}
