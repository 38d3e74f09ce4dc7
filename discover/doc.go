// Package discover reads a live host and writes the plan that it already is: resources for what bisc has kinds for, in
// bisc's language, with the faults that the host really has left as differences and said in comments.
//
// Reading is a few waves of questions (reading.go, one file a subject beside it), all by host.Reader. What could not be read
// is said as unknown. What the subjects make of it are blocks and remarks; the text is then loaded and observed like any
// plan, so that nothing is written which does not validate, and no difference is left unsaid.
package discover
