// Package laconic stands in for laconic-so in the lab: it writes the deployment's folder, makes the kind cluster, and creates the
// objects that the real one creates (biscayne.md 3.1 to 3.4), by POST, with its defects: objects that exist are an error, volumes that
// exist are never corrected, an interrupted start leaves what the next one fails at, a namespace that is still going away refuses all.
//
// What differs between commits of laconic-so is in its repository, as with the real one, which runs from its working copy: type
// Features, in the file lab-features.json there. What a test breaks is in the file FaultFile.
package laconic
