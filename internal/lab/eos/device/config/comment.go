package config

import "strings"

// commentKey is the identity of a mode's comment: "comment", lines, "EOF", printed at the top of the mode with "!!" before each line
// (eos.md B.3, F.1).
const commentKey = "!!"

// comment handles "comment", "no comment" and a printed comment that is read again.
func (e *Editor) comment(w words) bool {
	text, printed := strings.CutPrefix(strings.TrimSpace(w.line), "!!")
	switch typed := strings.ToLower(strings.Join(w.text, " ")); {
	case printed:
		e.commented().say(strings.TrimPrefix(text, " "))
	case len(e.frames) == 0:
		return false
	case typed == "no comment", typed == "default comment":
		e.at(len(e.frames)).remove(func(k *Node) bool { return k.key == commentKey })
	case typed == "comment":
		e.at(len(e.frames)).remove(func(k *Node) bool { return k.key == commentKey })
		e.text = &Node{key: commentKey}
	default:
		return false
	}
	return true
}

// commented gives the comment of the mode where it is, an empty one if there is none.
func (e *Editor) commented() *Node {
	in := e.at(len(e.frames))
	if n := in.find(commentKey); n != nil {
		return n
	}
	return in.add(&Node{key: commentKey})
}

func (n *Node) say(line string) {
	if n.Line != "" {
		n.Line += "\n"
	}
	n.Line += "!! " + line
}

// remark takes a line of a comment that is being typed. One without a line is none.
func (e *Editor) remark(line string) {
	if strings.TrimSpace(line) == "EOF" {
		e.text = nil
		return
	}
	e.commented().say(strings.TrimSpace(line))
}
