package source

import (
	"fmt"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
)

// hcl's parser and evaluator recurse once a bracket and once an operator, and Go ends the process, without a panic that
// could be caught, when a stack passes 1 GB. The parser joins the lines of a heredoc one by one, which costs the square
// of their number (40 s for 4 MiB), and needs about 1 µs and 200 bytes a token. A plan that a person wrote stays far
// below all four limits; what passes them is parsed within a second.
const (
	maxDepth     = 100
	maxOperators = 1000
	maxTokens    = 250_000
	maxJoined    = 500 << 20
)

// frame is what stands between two brackets.
type frame struct {
	operators int  // of the expression being read
	lines     bool // a new line ends an expression here
	text      int  // bytes of literal text so far
}

// tooDeep finds the first place where a text passes one of the limits.
func tooDeep(f File, template bool) hcl.Diagnostics {
	lex := hclsyntax.LexConfig
	if template {
		lex = hclsyntax.LexTemplate
	}
	tokens, _ := lex(f.Text, f.Name, hcl.InitialPos)
	if len(tokens) > maxTokens {
		return deep(tokens[maxTokens].Range, "File too large", fmt.Sprintf("This file has more than %d words and signs. Split it, or keep large data in files of its own and read it with file().", maxTokens))
	}
	frames := append(make([]frame, 0, maxDepth+2), frame{lines: !template})
	joined := 0
	for i := range tokens {
		t := &tokens[i]
		top := &frames[len(frames)-1]
		switch {
		case opens(t.Type):
			top.operators += steps(t.Type)
			frames = append(frames, frame{lines: t.Type == hclsyntax.TokenOBrace && !isFor(tokens, i+1)})
		case closes(t.Type):
			frames = frames[:max(1, len(frames)-1)]
		case t.Type == hclsyntax.TokenComma, t.Type == hclsyntax.TokenNewline && top.lines:
			top.operators = 0
		case t.Type == hclsyntax.TokenStringLit, t.Type == hclsyntax.TokenQuotedLit:
			top.text += len(t.Bytes)
			joined += top.text
		default:
			top.operators += steps(t.Type)
		}
		if diags := beyond(t.Range, len(frames)-1, frames[len(frames)-1].operators, joined); diags != nil {
			return diags
		}
	}
	return nil
}

func beyond(at hcl.Range, depth, operators, joined int) hcl.Diagnostics {
	switch {
	case depth > maxDepth:
		return deep(at, "Nested too deeply", fmt.Sprintf("Brackets nest deeper than %d here. Give the inner parts names in a locals block.", maxDepth))
	case operators > maxOperators:
		return deep(at, "Expression too long", fmt.Sprintf("This expression has more than %d operators. Give its parts names in a locals block.", maxOperators))
	case joined > maxJoined:
		return deep(at, "Text too long", "The texts written in this file have too many lines. Keep long content in files of its own and read it with file().")
	}
	return nil
}

// isFor tells whether a for expression starts at a token: its body goes on over the ends of lines, unlike an object's.
func isFor(tokens hclsyntax.Tokens, i int) bool {
	for ; i < len(tokens); i++ {
		switch tokens[i].Type {
		case hclsyntax.TokenNewline, hclsyntax.TokenComment:
			continue
		}
		return tokens[i].Type == hclsyntax.TokenIdent && string(tokens[i].Bytes) == "for"
	}
	return false
}

func deep(at hcl.Range, summary, detail string) hcl.Diagnostics {
	return hcl.Diagnostics{{Severity: hcl.DiagError, Summary: summary, Detail: detail, Subject: &at}}
}

func opens(t hclsyntax.TokenType) bool {
	switch t {
	case hclsyntax.TokenOBrace, hclsyntax.TokenOBrack, hclsyntax.TokenOParen, hclsyntax.TokenOQuote,
		hclsyntax.TokenOHeredoc, hclsyntax.TokenTemplateInterp, hclsyntax.TokenTemplateControl:
		return true
	}
	return false
}

func closes(t hclsyntax.TokenType) bool {
	switch t {
	case hclsyntax.TokenCBrace, hclsyntax.TokenCBrack, hclsyntax.TokenCParen, hclsyntax.TokenCQuote,
		hclsyntax.TokenCHeredoc, hclsyntax.TokenTemplateSeqEnd:
		return true
	}
	return false
}

// steps is by how many levels a token may deepen the tree of the expression that it stands in.
func steps(t hclsyntax.TokenType) int {
	switch t {
	case hclsyntax.TokenIdent, hclsyntax.TokenNumberLit, hclsyntax.TokenQuotedLit, hclsyntax.TokenStringLit,
		hclsyntax.TokenComment, hclsyntax.TokenEOF, hclsyntax.TokenEqual, hclsyntax.TokenFatArrow, hclsyntax.TokenColon,
		hclsyntax.TokenNewline, hclsyntax.TokenOBrace, hclsyntax.TokenOQuote, hclsyntax.TokenOHeredoc, hclsyntax.TokenTemplateInterp:
		return 0
	}
	return 1
}
