package eosconf

import "regexp"

// secretWords find what EOS keeps secret in its configuration: the word after these.
var secretWords = regexp.MustCompile(`(?m)((?:^|\s)(?:(?:secret|password|passphrase|shared-secret|token)(?: (?:sha512|md5|0|5|7|8a))?` +
	`|(?:key|md5|sha|auth|priv)(?: [a-z0-9-]+)? (?:0|5|7|8a)|snmp-server community|(?:auth|priv) (?:md5|sha|sha\d+|des|aes\d*))) [^\s*]\S*`)

// Redact masks the secrets in lines of a configuration, for texts that a person, a journal or a log will see.
func Redact(text string) string { return secretWords.ReplaceAllString(text, "$1 (secret)") }

// Secret tells whether a line holds one.
func Secret(line string) bool { return Redact(line) != line }
