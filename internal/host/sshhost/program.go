package sshhost

import (
	"crypto/rand"
	_ "embed"
	"encoding/hex"
	"fmt"
	"regexp"
	"strings"
)

//go:embed agent.pl
var agentText string

//go:embed put.pl
var putText string

//go:embed record.pl
var recordText string

//go:embed get.pl
var getText string

// program is the agent as it is sent.
func program(p *Pool, nonce string) []byte {
	head := fmt.Sprintf("$NONCE='%s';$SILENCE=%d;$RUN='%s';$STATE='%s';\n", nonce, int(p.pulse.hold.Seconds()), p.runDir, p.stateDir)
	return []byte(head + stripPerl(agentText))
}

// stripPerl leaves out comments and indentation.
func stripPerl(text string) string {
	comment := regexp.MustCompile(`  +# .*$`)
	var b strings.Builder
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(comment.ReplaceAllString(strings.TrimRight(line, "\n"), ""))
		if line == "" || line[0] == '#' {
			continue
		}
		b.WriteString(line + "\n")
	}
	return b.String()
}

// boot is the one line that goes through the login shell, whichever that is: no quote, backslash or exclamation mark.
// It reads the program from stdin. With up it says first that it runs, for whoever waits to send.
func boot(size int, up string) string {
	if up != "" {
		up = fmt.Sprintf(`syswrite STDOUT,"%s";`, up)
	}
	return fmt.Sprintf(`%smy($n,$s)=(%d,"");while(length $s<$n){sysread(STDIN,$s,$n-length $s,length $s)||exit 9}eval $s;die $@ if $@`, up, size)
}

// newNonce is 128 random bits in hexadecimal.
func newNonce() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails (Go 1.24)
	return hex.EncodeToString(b[:])
}
