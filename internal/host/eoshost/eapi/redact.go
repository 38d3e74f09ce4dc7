package eapi

import (
	"encoding/json"
	"net/url"
	"regexp"
	"strconv"
	"strings"
)

// inputs finds what a refusal may repeat of a command's input: code 1005 does, word for word (eos.md A.1 [V]).
var inputs = regexp.MustCompile(`(?i)(['"]?input['"]?\s*[=:]\s*)(u?'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*"|[^\s,}\])]+)`)

// redactor takes secrets out of a text, in each form that the answer's encodings give them.
type redactor struct{ forms []string }

func (r *redactor) add(secret string) {
	if secret == "" {
		return
	}
	quoted, _ := json.Marshal(secret) // a string is JSON
	for _, form := range []string{secret, strings.Trim(string(quoted), `"`), strings.Trim(strconv.Quote(secret), `"`), strings.Trim(strconv.QuoteToASCII(secret), `"`),
		strings.ReplaceAll(secret, "'", `\'`), url.QueryEscape(secret), url.PathEscape(secret)} {
		r.forms = append(r.forms, form, "[secret]")
	}
}

func (r *redactor) clean(s string) string {
	return inputs.ReplaceAllString(strings.NewReplacer(r.forms...).Replace(s), "${1}[secret]")
}
